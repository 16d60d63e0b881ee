// Every version finishes what an older one began: from each moment that a version recorded (record.ts), a controller of today, which
// remembers nothing, brings the rollout to its end, and no invariant is broken on the way (V5).
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { NODE_STEPS, WORKLOAD_STEPS } from "../../controller/api/patch-state.ts";
import { createChecker } from "../../controller/sandbox/invariants/index.ts";
import { type EndState, readEndState } from "../sweep/end-state.ts";
import { ROLLOUT, untried } from "../support/tried.ts";
import { CONTROLLER_USERS } from "../sweep/run.ts";
import { loadMoment, type Moment, type Recording, type VersionRow } from "./moment.ts";
import { playOn } from "./play.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/upgrade", import.meta.url));
const VERSIONS = readdirSync(FOLDER).sort();

const parse = <T>(text: string): readonly T[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
const unzip = (path: string): string => gunzipSync(readFileSync(`${FOLDER}/${path}`)).toString("utf8");

/** All moments of a version together. */
const TRIED = ROLLOUT;

function readRecording(version: string): Recording {
  return {
    moments: parse<Moment>(readFileSync(`${FOLDER}/${version}/moments.jsonl`, "utf8")),
    history: parse<VersionRow>(unzip(`${version}/history.jsonl.gz`)),
    lines: unzip(`${version}/lines.jsonl.gz`).trimEnd().split("\n"),
  };
}

/** What a rollout is for. What a version writes into statuses beside it may become more. */
function outcome(end: EndState): EndState {
  const kept = /^(nodes\/|machines\/|\w+\.apps\/|disruptionledgers|patchlevels|git\/)/;
  return Object.fromEntries(Object.entries(end).filter(([key]) => kept.test(key)));
}

it("there are moments of a version, and a folder for nothing else", () => {
  expect(VERSIONS.length).toBeGreaterThan(0);
  expect(VERSIONS.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});

it("moments of the newest version are of every step that there is", () => {
  const newest = VERSIONS.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1) ?? "";
  const steps = new Set(
    readRecording(newest).moments.flatMap(({ labels }) => labels.map((label) => label.replace(/ \(.*/, ""))),
  );
  const wanted = [...NODE_STEPS.map((step) => `Node ${step}`), ...WORKLOAD_STEPS.map((step) => `Workload ${step}`)];

  expect(wanted.filter((label) => !steps.has(label))).toEqual([]);
});

describe.each(VERSIONS)("a rollout that version %s began", (version) => {
  const recording = readRecording(version);
  const tried = new Set<string>();
  const end = JSON.parse(readFileSync(`${FOLDER}/${version}/end.json`, "utf8")) as EndState;

  it.each(recording.moments.map((moment) => [moment.labels.join(", "), moment] as const))(
    "ends well from: %s",
    async (_, moment) => {
      const stage = await loadMoment(moment, recording);
      const passes = await playOn(stage, "ringward/1");

      const checker = createChecker({ controllerUsers: CONTROLLER_USERS });
      checker.feed(stage.cluster.server.store.history());
      expect(passes).toBeGreaterThan(1);
      const { violations, occurred } = checker.finish();
      for (const id of occurred) tried.add(id);
      expect(violations).toEqual([]);
      expect(outcome(await readEndState(stage))).toEqual(outcome(end));
    },
  );

  it("tries what a rollout comes to", () => {
    expect(untried(`upgrade from ${version}`, tried, TRIED)).toEqual([]);
  });
});
