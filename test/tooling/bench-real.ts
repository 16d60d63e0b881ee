// `npm run bench:real`: measures reading and planning against a real etcd and kube-apiserver with 5,000 nodes and 150,000 pods, beside
// client-go's informers. Loading etcd takes minutes the first time and is cached. `--write` puts the table into docs/benchmarks.md;
// `--nodes N` takes a smaller cluster, to try the bench itself; `--rounds N` measures each start so often (3). Exit code 1 when a goal is missed, 2 when it could not be measured.
import { benchReal, describe } from "../bench/real/index.ts";
import { buildProgram, loadStore } from "../bench/real/load.ts";
import { showFigures, writeFigures } from "./bench.ts";
import { findAssets } from "./controlplane.ts";
import { isMain } from "./is-main.ts";

async function main(args: readonly string[]): Promise<number> {
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  const write = args.includes("--write");
  const nodes = numberOf(args, "--nodes", 10, 20_000);
  const rounds = numberOf(args, "--rounds", 1, 20) ?? 3;
  if (write && nodes !== undefined) throw new Error("--write is for the usual size: leave --nodes out");
  // Processes are ended when this one exits, which a signal alone does not make it do.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const { folder, found } = await findAssets(process.env, log);
  log(found);
  const program = await buildProgram(log);
  const loaded = await loadStore(folder, program, log, nodes);
  const rows = await benchReal({ assets: folder, program, loaded, rounds, log });
  const held = showFigures(rows);
  if (write) writeFigures("npm run bench:real", rows, describe(loaded));
  return held ? 0 : 1;
}

function numberOf(args: readonly string[], flag: string, least: number, most: number): number | undefined {
  const at = args.indexOf(flag);
  if (at === -1) return undefined;
  const number = Number(args[at + 1]);
  if (!(Number.isInteger(number) && number >= least && number <= most))
    throw new Error(`${flag}: give a whole number from ${least} to ${most}`);
  return number;
}

if (isMain(import.meta.url)) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  }
}
