// Promises of scenes beside the invariants, each a function over the stored history.
import type { KubeObject } from "../../controller/kube/port.ts";
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import { at, evictableFrom, listAt, STEP_LABEL, textAt } from "../../controller/sandbox/invariants/readings.ts";
import type { Promised } from "./scene.ts";

const isOurs = ({ user }: StoredVersion): boolean => user.startsWith("ringward/");

/** A job that was let run in this version, of a step that changes its node. */
function startedOn({
  resource,
  object,
  previous,
}: StoredVersion): { readonly node: string; readonly step: string } | undefined {
  if (resource !== "jobs.batch" || at(object.spec, "suspend") === true) return undefined;
  if (previous !== undefined && at(previous.spec, "suspend") !== true) return undefined;
  const step = object.metadata.labels?.[STEP_LABEL] ?? "";
  if (!["update", "rollback", "reboot"].includes(step)) return undefined;
  return { node: textAt(object.spec, "template", "spec", "nodeName") ?? "", step };
}

/** While another tool's label stands on a node, nothing of it is changed and nothing is evicted from it. */
export function keepsHolds(label: string): Promised {
  return (history) => {
    const held = new Set<string>();
    const lines: string[] = [];
    for (const version of history) {
      const { resource, object, type, previous } = version;
      if (resource === "nodes") {
        const { name, labels } = object.metadata;
        if (isOurs(version) && held.has(name) && type === "MODIFIED" && changesCordon(object, previous))
          lines.push(`hold nodes/${name}: cordoned or uncordoned while another tool holds it`);
        if (labels?.[label] === undefined || type === "DELETED") held.delete(name);
        else held.add(name);
      }
      const started = isOurs(version) ? startedOn(version) : undefined;
      if (started !== undefined && held.has(started.node))
        lines.push(`hold nodes/${started.node}: step ${started.step} began while another tool holds it`);
      if (resource === "pods" && isOurs(version)) {
        const node = evictableFrom(previous ?? object) ?? "";
        if (held.has(node)) lines.push(`hold nodes/${node}: a pod was evicted while another tool holds it`);
      }
    }
    return lines;
  };
}

function changesCordon(now: KubeObject, before: KubeObject | undefined): boolean {
  return at(now.spec, "unschedulable") !== at(before?.spec, "unschedulable");
}

/** An update or reboot of a cordoned node is let run only while no pod is there that had to leave. */
export const keepsNodesEmpty: Promised = (history) => {
  const pods = new Map<string, string>();
  const cordoned = new Set<string>();
  const lines: string[] = [];
  for (const version of history) {
    const { resource, object, type } = version;
    if (resource === "nodes") {
      if (at(object.spec, "unschedulable") === true) cordoned.add(object.metadata.name);
      else cordoned.delete(object.metadata.name);
    }
    if (resource === "pods") {
      const node = type === "DELETED" ? undefined : evictableFrom(object);
      if (node === undefined) pods.delete(version.key);
      else pods.set(version.key, node);
    }
    const started = isOurs(version) ? startedOn(version) : undefined;
    if (started !== undefined && cordoned.has(started.node) && [...pods.values()].includes(started.node))
      lines.push(`empty nodes/${started.node}: step ${started.step} began while a pod was there that had to leave`);
  }
  return lines;
};

/** Pods that the cluster runs on are evicted when all others of their node are gone. */
export const keepsCriticalLast: Promised = (history) => {
  const pods = new Map<string, { readonly node: string; readonly critical: boolean }>();
  const lines: string[] = [];
  for (const version of history) {
    if (version.resource !== "pods") continue;
    const { object, type, previous } = version;
    const node = type === "DELETED" ? undefined : evictableFrom(object);
    const known = pods.get(version.key);
    const leaves =
      type === "DELETED" ||
      (object.metadata.deletionTimestamp !== undefined && previous?.metadata.deletionTimestamp === undefined);
    if (isOurs(version) && leaves && known?.critical === true)
      if ([...pods.values()].some((other) => other.node === known.node && !other.critical))
        lines.push(`critical ${version.key}: evicted while other pods were on node ${known.node}`);
    if (node === undefined) pods.delete(version.key);
    else pods.set(version.key, { node, critical: Number(at(object.spec, "priority") ?? 0) >= 2_000_000_000 });
  }
  return lines;
};

/** Outside mode Enforce nothing is cordoned, evicted or begun; what was begun ends. */
export const keepsModes: Promised = (history) => {
  const lines: string[] = [];
  let mode = "Observe";
  for (const version of history) {
    const { resource, object, previous } = version;
    if (resource === "disruptionledgers.ringward.dev") mode = textAt(object.spec, "mode") ?? "Observe";
    if (mode === "Enforce" || !isOurs(version)) continue;
    const started = startedOn(version);
    if (started !== undefined && started.step !== "reboot")
      lines.push(`mode nodes/${started.node}: step ${started.step} began in mode ${mode}`);
    if (
      resource === "nodes" &&
      at(object.spec, "unschedulable") === true &&
      at(previous?.spec, "unschedulable") !== true
    )
      lines.push(`mode nodes/${object.metadata.name}: cordoned in mode ${mode}`);
    if (resource === "deployments.apps" && imagesOf(object) !== imagesOf(previous))
      lines.push(`mode ${version.key}: patched in mode ${mode}`);
  }
  return lines;
};

function imagesOf(object: KubeObject | undefined): string {
  return JSON.stringify(at(object?.spec, "template", "spec", "containers"));
}

/** After a person's uncordon nothing that changes the node begins under the same claim (B7). */
export const keepsUncordons: Promised = (history) => {
  const given = new Set<string>();
  const lines: string[] = [];
  for (const version of history) {
    const { resource, object, previous } = version;
    const claim = previous?.metadata.annotations?.["ringward.dev/claim"];
    const isGiven = at(previous?.spec, "unschedulable") === true && at(object.spec, "unschedulable") !== true;
    if (resource === "nodes" && !isOurs(version) && isGiven && claim !== undefined) given.add(claim);
    // Another attempt, which somebody asked for, begins with a mark of its own.
    const marked = object.metadata.annotations?.["ringward.dev/claim"];
    if (resource === "nodes" && isOurs(version) && claim === undefined && marked !== undefined) given.delete(marked);
    const started = isOurs(version) ? startedOn(version) : undefined;
    if (started !== undefined && given.has(object.metadata.labels?.["ringward.dev/claim"] ?? ""))
      lines.push(`B7 nodes/${started.node}: step ${started.step} began although a person had uncordoned it`);
  }
  return lines;
};

/** Between two times of the day on which runs begin nothing of a node starts: no claim, no cordon, no eviction, no step that changes it. */
export function keepsStill(node: string, from: string, to: string): Promised {
  const [since, until] = [from, to].map((time) => Date.parse(`2024-12-16T${time}Z`)) as [number, number];
  return (history) => {
    const lines: string[] = [];
    const say = (what: string): void => void lines.push(`still nodes/${node}: ${what} between ${from} and ${to}`);
    for (const version of history) {
      const { resource, object, previous, time } = version;
      if (time < since || time >= until || !isOurs(version)) continue;
      const claims = (of: KubeObject | undefined): readonly unknown[] =>
        listAt(of, "status", "claims").filter((claim) => textAt(claim, "name") === node);
      if (resource === "disruptionledgers.ringward.dev" && claims(object).length > claims(previous).length)
        say("it was claimed");
      if (resource === "nodes" && object.metadata.name === node && at(object.spec, "unschedulable") === true)
        if (at(previous?.spec, "unschedulable") !== true) say("it was cordoned");
      const started = startedOn(version);
      if (started?.node === node) say(`step ${started.step} began`);
      if (resource === "pods" && evictableFrom(previous ?? object) === node) say("a pod was evicted");
    }
    return lines;
  };
}
