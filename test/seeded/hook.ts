// Preloaded (`node --import`) into a process that hunts a seeded bug: the one module that the environment names is loaded with the bug in it.
import { enableCompileCache, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { MUTANTS } from "./list.ts";
import { pathOf, seededText } from "./mutant.ts";

/** Id of the bug that is switched in. */
const SWITCH = "RINGWARD_SEEDED_BUG";

// Hundreds of such processes load the same few hundred modules.
enableCompileCache();

const id = process.env[SWITCH];
if (id !== undefined && id !== "") {
  const mutant = MUTANTS.find((one) => one.id === id);
  if (mutant === undefined) throw new Error(`there is no seeded bug ${id}`);
  const target = pathToFileURL(pathOf(mutant)).href;
  const source = seededText(mutant);
  registerHooks({
    load: (url, context, nextLoad) =>
      url === target ? { format: "module-typescript", source, shortCircuit: true } : nextLoad(url, context),
  });
}
