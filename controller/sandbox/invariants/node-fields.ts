// Of a Node only our own fields are written (K8): every version that a controller stored, against the one before.
import type { Invariant } from "./invariant.ts";
import { CLAIM_MARK, KEEP_MARKS, PRIOR_MARK } from "./readings.ts";

/** Paths of a Node that Ringward writes. */
export const OUR_NODE_FIELDS: readonly string[] = [
  ...[...KEEP_MARKS, CLAIM_MARK, "ringward.dev/prior-marks", PRIOR_MARK].map((key) => `/metadata/annotations/${key}`),
  "/spec/unschedulable",
];

/** What the server itself keeps of every write. */
const SERVERS: ReadonlySet<string> = new Set(["/metadata/resourceVersion", "/metadata/managedFields"]);

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Paths at which two objects differ, but for what the server keeps; a map that is not there is an empty one. */
export function changedPaths(before: unknown, after: unknown, path = ""): readonly string[] {
  if (before === after || SERVERS.has(path)) return [];
  const [old, now] = [before ?? {}, after ?? {}];
  if (!isFields(old) || !isFields(now)) return JSON.stringify(before) === JSON.stringify(after) ? [] : [path];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((key) =>
    changedPaths(old[key], now[key], `${path}/${key}`),
  );
}

const ours: ReadonlySet<string> = new Set(OUR_NODE_FIELDS);

const check: NonNullable<Invariant["check"]> = ({ version, byController }, _world, report) => {
  if (!byController) return;
  report.met();
  if (version.type !== "MODIFIED") {
    report.violated(version.key, version.type === "ADDED" ? "made by a controller" : "deleted by a controller");
    return;
  }
  const others = changedPaths(version.previous, version.object).filter((path) => !ours.has(path));
  if (others.length > 0) report.violated(version.key, `written at ${others.join(", ")}`);
};

export const nodeFields: readonly Invariant[] = [
  { id: "K8", says: "of a Node only our own fields are written", on: ["nodes"], check },
];
