// What a DaemonSet says of a kured: its flags as they stand on the command line and in the environment (KURED_…, which the command line
// overrules), where its pods run, and its lock. What was written in the cluster is not trusted to be of any shape. Pure.

import { type Fields, fieldsOf, listOf, stringMapOf, textOf, textsOf } from "./fields.ts";

export interface KuredSettings {
  readonly name: string;
  readonly namespace: string;
  /** Values by flag, in the order in which they are given; a flag without a value is `true`. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** Environment whose value stands elsewhere (a Secret, a field). */
  readonly elsewhere: ReadonlyMap<string, string>;
  /** Environment that the command line overrules. */
  readonly overruled: readonly string[];
  /** Arguments that are no flags. */
  readonly strange: readonly string[];
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly hasAffinity: boolean;
  readonly controlPlane: boolean;
  /** Nodes that hold the lock. */
  readonly lockedBy: readonly string[];
}

/** kured's boolean flags: the word after one is not its value. */
const BOOLEANS = new Set(["force-reboot", "alert-filter-match-only", "alert-firing-only", "annotate-nodes"]);
const LOCK = "weave.works/kured-node-lock";

/** Whether an object is a DaemonSet that runs kured. */
export function isKured(object: unknown): boolean {
  const { kind, metadata, spec } = fieldsOf(object);
  if (kind !== "DaemonSet") return false;
  return fieldsOf(fieldsOf(metadata)["annotations"])[LOCK] !== undefined || containerOf(spec) !== undefined;
}

/** Reads a DaemonSet of kured; undefined where it has no container that is one. */
export function readKured(object: unknown): KuredSettings | undefined {
  const { metadata, spec } = fieldsOf(object);
  const container = containerOf(spec);
  if (container === undefined) return undefined;
  const meta = fieldsOf(metadata);
  const flags = new Map<string, string[]>();
  const strange: string[] = [];
  takeArguments([...textsOf(container["command"]).slice(1), ...textsOf(container["args"])], flags, strange);
  const { elsewhere, overruled } = takeEnvironment(listOf(container["env"]), flags);
  for (const one of listOf(container["envFrom"])) strange.push(`envFrom ${sourceOf(one)}`);
  const pod = podOf(spec);
  return {
    name: textOf(meta["name"]) || "kured",
    namespace: textOf(meta["namespace"]) || "kube-system",
    flags,
    elsewhere,
    overruled,
    strange,
    nodeSelector: stringMapOf(pod["nodeSelector"]),
    hasAffinity: Object.keys(fieldsOf(pod["affinity"])).length > 0,
    controlPlane: listOf(pod["tolerations"]).some((one) => {
      const { key, operator } = fieldsOf(one);
      return typeof key === "string"
        ? /^node-role\.kubernetes\.io\/(control-plane|master)$/.test(key)
        : operator === "Exists";
    }),
    lockedBy: readLock(textOf(fieldsOf(meta["annotations"])[flags.get("lock-annotation")?.at(-1) ?? LOCK])),
  };
}

function takeArguments(args: readonly string[], flags: Map<string, string[]>, strange: string[]): void {
  for (let at = 0; at < args.length; at++) {
    const [, name, value] = /^--?([A-Za-z][-A-Za-z0-9]*)(?:=([\s\S]*))?$/.exec(args[at] ?? "") ?? [];
    if (name === undefined) strange.push(args[at] ?? "");
    else if (value !== undefined) add(flags, name, value);
    else if (BOOLEANS.has(name) || args[at + 1] === undefined || (args[at + 1] ?? "").startsWith("--"))
      add(flags, name, "true");
    else add(flags, name, args[(at += 1)] ?? "");
  }
}

function takeEnvironment(env: readonly unknown[], flags: Map<string, string[]>) {
  const elsewhere = new Map<string, string>();
  const overruled: string[] = [];
  const given = new Set(flags.keys());
  for (const one of env) {
    const { name, value, valueFrom } = fieldsOf(one);
    const variable = textOf(name);
    const flag = /^KURED_([A-Z0-9_]+)$/.exec(variable)?.[1]?.toLowerCase().replaceAll("_", "-");
    if (flag === undefined) continue;
    if (given.has(flag)) overruled.push(variable);
    else if (typeof value === "string") flags.set(flag, [value]);
    else elsewhere.set(flag, Object.keys(fieldsOf(valueFrom))[0] ?? "nothing");
  }
  return { elsewhere, overruled };
}

/** `configMapRef kured`: what its keys set is not read. */
function sourceOf(one: unknown): string {
  const [kind = "nothing", reference] = Object.entries(fieldsOf(one)).find(([key]) => key.endsWith("Ref")) ?? [];
  return `${kind} ${textOf(fieldsOf(reference)["name"])}`.slice(0, 300);
}

function add(flags: Map<string, string[]>, name: string, value: string): void {
  flags.set(name, [...(flags.get(name) ?? []), value]);
}

/** Names of the nodes in the lock annotation: one holder, or several (`maxOwners` above 1). */
export function readLock(annotation: string): readonly string[] {
  let lock: Fields;
  try {
    lock = fieldsOf(JSON.parse(annotation));
  } catch {
    return [];
  }
  const holders = Array.isArray(lock["locks"]) ? listOf(lock["locks"]) : lock["nodeID"] === undefined ? [] : [lock];
  return holders.map((holder) => textOf(fieldsOf(holder)["nodeID"]).slice(0, 253)).filter((name) => name !== "");
}

function podOf(spec: unknown): Fields {
  return fieldsOf(fieldsOf(fieldsOf(spec)["template"])["spec"]);
}

function containerOf(spec: unknown): Fields | undefined {
  return listOf(podOf(spec)["containers"])
    .map(fieldsOf)
    .find(
      ({ image, command }) =>
        /(^|\/)kured(:|@|$)/.test(textOf(image)) || textsOf(command).some((word) => /(^|\/)kured$/.test(word)),
    );
}
