// What a run leaves behind, without what may differ between two good runs: names from chance, versions, claim ids and times. Beside the end
// it counts what was done on the way (jobs, boots, image changes): a wrong act that healed is still a wrong act.
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  at,
  CLAIM_MARK,
  listAt,
  NODE_LABEL,
  readWorkload,
  STEP_LABEL,
  textAt,
} from "../../controller/sandbox/invariants/readings.ts";
import { houseState } from "./house-state.ts";
import type { Stage } from "./stage.ts";

export type EndState = Readonly<Record<string, unknown>>;

/** The stage as it is now. */
export async function readEndState(stage: Stage): Promise<EndState> {
  const objects = objectsOf(stage);
  return {
    ...Object.fromEntries([...objects].flatMap(([key, object]) => describe(key, object))),
    ...machines(stage),
    ...(await repository(stage)),
    ...houses(stage),
    ...counts(stage),
  };
}

/** Lines that say where two end states differ. */
export function compareEndStates(one: EndState, other: EndState): readonly string[] {
  const lines: string[] = [];
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [left, right] = [JSON.stringify(one[key]), JSON.stringify(other[key])];
    if (left !== right) lines.push(`${key}: ${left ?? "absent"} undisturbed, ${right ?? "absent"} here`);
  }
  return lines;
}

function objectsOf(stage: Stage): ReadonlyMap<string, KubeObject> {
  const objects = new Map<string, KubeObject>();
  for (const [resource, table] of stage.cluster.server.store.snapshot().tables)
    for (const [key, object] of table.objects) objects.set(`${resource}/${key}`, object as unknown as KubeObject);
  return new Map([...objects].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function describe(key: string, object: KubeObject): readonly (readonly [string, unknown])[] {
  const [resource = ""] = key.split("/");
  switch (resource) {
    case "nodes": {
      const info = at(object.status, "nodeInfo");
      const marks = Object.keys(object.metadata.annotations ?? {}).filter((name) => name.startsWith("ringward.dev/"));
      return [
        [
          key,
          [
            textAt(info, "kernelVersion"),
            textAt(info, "kubeletVersion"),
            textAt(info, "osImage"),
            textAt(info, "containerRuntimeVersion"),
            at(object.spec, "unschedulable") ?? false,
            marks,
          ],
        ],
      ];
    }
    case "deployments.apps":
    case "statefulsets.apps":
    case "daemonsets.apps": {
      const { images, claimId } = readWorkload(object);
      return [[key, [images, claimId ?? null, at(object.status, "readyReplicas")]]];
    }
    case "rolloutrings.ringward.dev":
      return [
        [`${key} spec`, object.spec],
        [
          `${key} status`,
          [
            textAt(object.status, "phase"),
            at(object.status, "compliant"),
            listAt(object.status, "levels").map(levelRecord).sort(),
          ],
        ],
      ];
    case "patchbaselines.ringward.dev":
      return [[key, [object.spec, at(object.status, "candidate", "level"), at(object.status, "compliant")]]];
    case "patchlevels.ringward.dev":
    case "maintenancecalendars.ringward.dev":
    case "updaterecipes.ringward.dev":
      return [[key, object.spec]];
    case "disruptionledgers.ringward.dev":
      return [[key, [object.spec, listAt(object.status, "claims").length]]];
    case "nodepatchstates.ringward.dev":
    case "workloadpatchstates.ringward.dev":
      return [[key, patchState(object)]];
    default:
      return [];
  }
}

function levelRecord(record: unknown): string {
  const fields = ["baseline", "level", "digest", "phase", "failed", "targets", "done", "inFlight"].map((name) =>
    at(record, name),
  );
  return JSON.stringify([
    ...fields,
    textAt(record, "soakedTime") !== undefined,
    textAt(record, "withdrawnTime") !== undefined,
    listAt(record, "lost"),
  ]);
}

function patchState({ status }: KubeObject): unknown {
  const pairs = (name: string): readonly string[] =>
    listAt(status, name)
      .map((item) => `${textAt(item, "baseline") ?? ""}/${textAt(item, "digest") ?? textAt(item, "state") ?? ""}`)
      .sort();
  const results = listAt(status, "history").map(
    (item) => `${textAt(item, "level") ?? ""} ${textAt(item, "result") ?? ""}`,
  );
  return [
    textAt(status, "state"),
    textAt(status, "phase"),
    pairs("verified"),
    pairs("baselines"),
    pairs("attempted"),
    pairs("contested"),
    at(status, "operation") === undefined,
    results,
  ];
}

function machines(stage: Stage): EndState {
  return Object.fromEntries(
    stage.cluster.machines.specs().map(({ name }) => {
      const machine = stage.cluster.machines.get(name);
      return [
        `machines/${name}`,
        [machine?.kernel.running, machine?.bootCount, machine?.packages, machine?.rebootCauses],
      ];
    }),
  );
}

async function repository({ host, scenario }: Stage): Promise<EndState> {
  if (scenario.house !== undefined) return {};
  const pulls = (await host.pulls()).map((pull) => `${pull.head} ${pull.state} ${pull.title}`).sort();
  return { "git/main": await host.tree(), "git/branches": await host.branches(), "forge/pulls": pulls };
}

/** Where a scenario is about them: all that stands in the repositories and on their forges. */
function houses(stage: Stage): EndState {
  if (stage.scenario.house === undefined) return {};
  const found = [...Object.entries({ policy: stage.house, apps: stage.apps })];
  return Object.assign(
    {},
    ...found.map(([name, house]) => (house === undefined ? {} : houseState(name, house))),
  ) as EndState;
}

/** Claimed jobs by node and step, and changes of images by workload. */
function counts(stage: Stage): EndState {
  const tally: Record<string, number> = {};
  const add = (name: string): void => void (tally[name] = (tally[name] ?? 0) + 1);
  for (const version of stage.cluster.server.store.history()) {
    const { object, previous, resource, type, key } = version;
    const labels = object.metadata.labels ?? {};
    if (resource === "jobs.batch" && type === "ADDED" && labels[CLAIM_MARK] !== undefined)
      add(
        `jobs ${textAt(object.spec, "template", "spec", "nodeName") ?? labels[NODE_LABEL] ?? ""} ${labels[STEP_LABEL] ?? ""}`,
      );
    if (
      resource.endsWith(".apps") &&
      previous !== undefined &&
      resource !== "replicasets.apps" &&
      resource !== "controllerrevisions.apps"
    )
      if (readWorkload(previous).images !== readWorkload(object).images) add(`images ${key}`);
  }
  return Object.fromEntries(Object.entries(tally).map(([name, count]) => [`count ${name}`, count]));
}
