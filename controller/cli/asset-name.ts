// How people name an asset on the command line: KIND/NAME or KIND NAME, with kubectl's short names.
import type { AssetKind, Inventory } from "../core/model.ts";
import { UserError } from "../errors.ts";
import { wrongUse } from "./output.ts";

const KINDS: readonly (readonly [AssetKind, readonly string[]])[] = [
  ["Node", ["node", "nodes", "no"]],
  ["Deployment", ["deployment", "deployments", "deploy"]],
  ["StatefulSet", ["statefulset", "statefulsets", "sts"]],
  ["DaemonSet", ["daemonset", "daemonsets", "ds"]],
  ["ReplicaSet", ["replicaset", "replicasets", "rs"]],
  ["Job", ["job", "jobs"]],
  ["Pod", ["pod", "pods", "po"]],
];

export interface AssetName {
  readonly kind: AssetKind;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Reads `KIND/NAME`, `KIND NAME` or `KIND/NAMESPACE/NAME`; the namespace may also come from -n. */
export function readAssetName(command: string, words: readonly string[], namespace: string | undefined): AssetName {
  const parts = words.join("/").split("/");
  const [word = "", ...rest] = parts;
  const name = rest.at(-1) ?? "";
  if (words.length === 0 || words.length > 2 || rest.length === 0 || rest.length > 2 || name === "")
    throw wrongUse(
      command,
      `expected KIND/NAME, such as node/worker-1 or deployment/web -n shop, got "${words.join(" ")}"`,
    );
  const bare = word.toLowerCase().replace(/\.apps$|\.batch$/, "");
  const kind = KINDS.find(([, names]) => names.includes(bare))?.[0];
  if (kind === undefined)
    throw wrongUse(
      command,
      `there is no kind "${word}" here; one of ${KINDS.map(([known]) => known.toLowerCase()).join(", ")}`,
    );
  if (kind === "Node") return { kind, namespace: undefined, name };
  return { kind, namespace: rest.length === 2 ? rest[0] : namespace, name };
}

/** The namespace where none was given: the only one that has such a workload, or `default`. */
export function settleNamespace(asset: AssetName, inventory: Inventory): AssetName {
  if (asset.kind === "Node" || asset.namespace !== undefined) return asset;
  const found = inventory.workloads.filter(({ kind, name }) => kind === asset.kind && name === asset.name);
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return { ...asset, namespace: only.namespace };
  if (found.some(({ namespace }) => namespace === "default")) return { ...asset, namespace: "default" };
  if (found.length === 0) return { ...asset, namespace: "default" };
  throw new UserError(
    "RW0215",
    `${asset.kind} ${asset.name} is in ${found.map(({ namespace }) => namespace).join(", ")}`,
    "say which with -n NAMESPACE",
  );
}
