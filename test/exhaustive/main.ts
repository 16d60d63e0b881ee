// `npm run exhaust`: searches every scope to its end, or one of them; a path that breaks a promise is told move by move and can be told again.
//   npm run exhaust [-- --scope "NAME" [--path N.N.N]]
import { parseArgs } from "node:util";
import { createGame } from "./moves.ts";
import { createScene } from "./scene.ts";
import { type Scope, SCOPES } from "./scopes.ts";
import { describeResult, replay, search } from "./search.ts";

/** A scope that takes longer is too large. */
const MOST_SECONDS = 1_800;

const { values } = parseArgs({
  options: { scope: { type: "string" }, path: { type: "string" }, seconds: { type: "string" } },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function searchScope(scope: Scope): Promise<boolean> {
  const game = await createGame(await createScene(scope.scene), scope);
  if (values.path !== undefined) {
    for (const line of await replay(game, values.path.split(".").map(Number))) say(line);
    return true;
  }
  const result = await search(game, { mostSeconds: Number(values.seconds ?? MOST_SECONDS), tell: say });
  const fine = result.found === undefined && !result.capped;
  say(
    `${fine ? "passed" : "failed"}: ${scope.name}: ${describeResult(result)}, ${game.passes.made()} passes; ${game.worlds.counts()}`,
  );
  if (result.capped) say("  it did not come to its end: make the scope smaller");
  if (result.found !== undefined) {
    for (const line of result.found.story) say(`  ${line}`);
    say(`  ${result.found.problem}`);
    say(`  see it again: npm run exhaust -- --scope "${scope.name}" --path ${result.found.path.join(".")}`);
  }
  return fine;
}

const chosen = SCOPES.filter(({ name }) => values.scope === undefined || name === values.scope);
if (chosen.length === 0)
  throw new RangeError(
    `there is no scope ${values.scope ?? ""}; there are ${SCOPES.map(({ name }) => name).join("; ")}`,
  );
let failed = 0;
for (const scope of chosen) if (!(await searchScope(scope))) failed += 1;
say(`${chosen.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
