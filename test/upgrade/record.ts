// `node controller/launch.cjs test/upgrade/record.ts`: plays the rollout with this version and writes its moments to
// test/fixtures/upgrade/VERSION/. Done once for each release, before it; a folder that is there is never written again, because what an
// older version left behind does not change. `--again` is for the version that is not released yet.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { compareEndStates, readEndState } from "../sweep/end-state.ts";
import { createStage } from "../sweep/stage.ts";
import { createParts, type Moment, takeHistory, takeMoment } from "./moment.ts";
import { labelsOf, playOn } from "./play.ts";
import { UPGRADE } from "./scenario.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDER = `${ROOT}/test/fixtures/upgrade`;

/** Plays the rollout once; a moment is kept where something is reached for the first time. */
async function recordMoments() {
  const stage = await createStage(1, UPGRADE);
  const parts = createParts();
  const moments: Moment[] = [];
  const known = new Set<string>();
  const look = (): void => {
    const news = labelsOf(stage).filter((label) => !known.has(label));
    if (news.length === 0) return;
    for (const label of news) known.add(label);
    moments.push(takeMoment(stage, news, parts));
  };
  look();
  await playOn(stage, "ringward/0", look);
  const history = takeHistory(stage, parts);
  return { moments, history, lines: parts.lines, end: await readEndState(stage) };
}

function jsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

async function main(args: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8")) as { readonly version: string };
  const folder = `${FOLDER}/${version}`;
  if (existsSync(folder) && !args.includes("--again"))
    throw new Error(`${folder} is there: moments of a version are recorded once (--again: it was never released)`);
  const first = await recordMoments();
  const second = await recordMoments();
  const differences = compareEndStates(first.end, second.end);
  if (JSON.stringify(first) !== JSON.stringify(second))
    throw new Error(`two runs differ: ${differences.slice(0, 3).join("; ")}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/moments.jsonl`, jsonLines(first.moments));
  // A line for each value that moments and history name by its number; large, and much alike.
  writeFileSync(`${folder}/history.jsonl.gz`, gzipSync(jsonLines(first.history)));
  writeFileSync(`${folder}/lines.jsonl.gz`, gzipSync(first.lines.map((line) => `${line}\n`).join("")));
  writeFileSync(`${folder}/end.json`, `${JSON.stringify(first.end, undefined, 1)}\n`);
  process.stdout.write(`${first.moments.length} moments of ${version}, ${first.history.length} versions of objects\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
