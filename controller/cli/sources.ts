// Where read commands take policy and cluster from: a folder, a dump, an API server, the running demo. It only reads.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { NodePatchStateStatus } from "../api/patch-state.ts";
import type { Instant } from "../clock.ts";
import type { Inventory } from "../core/model.ts";
import { UserError } from "../errors.ts";
import type { Finding } from "../policy/finding.ts";
import { type ClusterView, openCluster, viewCluster, viewDump } from "./cluster-view.ts";
import { type FolderPolicy, readFolderPolicy } from "./folder-policy.ts";
import { ownObjects, policyOf, repositoryOf } from "./live-policy.ts";
import { readTime, showTime, type Surroundings, wrongUse } from "./output.ts";
import { planFor, type Situation, type Thinkers } from "./situation.ts";

/** Flags that name sources; the same on every read command. */
export const SOURCE_FLAGS = {
  policy: { type: "string" },
  cluster: { type: "string" },
  kubeconfig: { type: "string" },
  context: { type: "string" },
  at: { type: "string" },
} as const;

export const SOURCE_HELP = `  --policy DIR       policy from this folder (with --cluster or --kubeconfig)
  --cluster DUMPDIR  the cluster from what "kubectl get … -A -o json" printed into this folder
  --kubeconfig FILE  the cluster itself; without --policy also the policy that is in it
  --context NAME     context of the kubeconfig
  --at TIME          as of this time (RFC 3339); default: the dump's newest time, or now`;

export interface SourceRequest {
  readonly policy?: string | undefined;
  readonly cluster?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly at?: string | undefined;
}

export type SituationResult =
  | { readonly kind: "Ready"; readonly situation: Situation }
  /** The policy folder has errors; nothing was planned. */
  | { readonly kind: "Refused"; readonly findings: readonly Finding[] };

/** Reads the sources and plans. Throws UserError for wrong use and for sources that cannot be read. */
export async function readSituation(
  command: string,
  request: SourceRequest,
  surroundings: Surroundings,
): Promise<SituationResult> {
  const { view, now } = await readCluster(command, request, surroundings);
  return judge(request, view, now);
}

/** Plans what was read of a cluster, under the policy that the sources name. */
export function judge(
  request: SourceRequest,
  view: ClusterView,
  now: Instant,
  thinkers: Thinkers = {},
): SituationResult {
  const folder = readPolicy(request, view, now);
  if (folder.findings.some(({ severity }) => severity === "error"))
    return { kind: "Refused", findings: folder.findings };
  return {
    kind: "Ready",
    situation: planFor(folder.policy, view, now, describeSource(request), folder.findings, thinkers),
  };
}

/** The cluster that the sources name, and as of when. */
export async function readCluster(
  command: string,
  request: SourceRequest,
  surroundings: Surroundings,
): Promise<{ readonly view: ClusterView; readonly now: Instant }> {
  const at = request.at === undefined ? undefined : readTime(command, "--at", request.at);
  if (request.cluster !== undefined && request.kubeconfig !== undefined)
    throw wrongUse(command, "--cluster and --kubeconfig name two clusters; give one");
  const taken = await readView(request, surroundings);
  const now = at ?? taken.takenAt ?? surroundings.clock.now();
  return { view: asOf(taken, now), now };
}

async function readView(request: SourceRequest, surroundings: Surroundings): Promise<ClusterView> {
  if (request.cluster !== undefined) return viewDump(request.cluster);
  const { clock } = surroundings;
  const kubeconfig = findKubeconfig(request.kubeconfig, surroundings);
  const { client, loopback, close } = openCluster({ kubeconfig, context: request.context, clock });
  try {
    const view = await viewCluster(client, clock.now());
    return loopback ? atClusterTime(view, clock.now()) : view;
  } finally {
    await close();
  }
}

/**
 * The cluster as if it still were (or already had been) so at another time: what it last heard of itself keeps its age. A dump knows
 * nothing newer than itself, and "what if it were Sunday" does not ask whether the kubelets went silent meanwhile.
 */
function asOf(view: ClusterView, at: Instant): ClusterView {
  const shift = view.takenAt === undefined ? 0 : at - view.takenAt;
  if (shift === 0) return view;
  const { inventory, stored } = view;
  const nodes = inventory.nodes.map((node) =>
    node.heardAt === undefined ? node : { ...node, heardAt: node.heardAt + shift },
  );
  const states = [...stored.nodes].map(([uid, state]) => [uid, shiftInventory(state, shift)] as const);
  return { ...view, inventory: { ...inventory, nodes }, stored: { ...stored, nodes: new Map(states) } };
}

function shiftInventory(state: NodePatchStateStatus, shift: number): NodePatchStateStatus {
  const time = Date.parse(state.inventory?.time ?? "") + shift;
  if (state.inventory === undefined || Number.isNaN(time)) return state;
  return { ...state, inventory: { ...state.inventory, time: new Date(time).toISOString() } };
}

const DAY = 86_400_000;

/**
 * A sandbox on this machine has a clock of its own, which tells in the heartbeats of its nodes. Nowhere else is a heartbeat of
 * another day taken for the present: silent nodes are Unknown.
 */
export function atClusterTime(view: ClusterView, now: Instant): ClusterView {
  const heard = newestHeartbeat(view.inventory);
  if (heard === undefined || Math.abs(now - heard) < DAY) return view;
  const newest = Math.ceil(heard / 1000) * 1000;
  const problem = `the cluster's own clock stands at ${showTime(newest)}: shown as of then`;
  return { ...view, takenAt: newest, problems: [...view.problems, problem] };
}

function newestHeartbeat({ nodes }: Inventory): Instant | undefined {
  const times = nodes.flatMap(({ heardAt }) => heardAt ?? []);
  return times.length === 0 ? undefined : times.reduce((newest, time) => Math.max(newest, time));
}

/** The flag, else $KUBECONFIG, else the running demo's. */
export function findKubeconfig(flag: string | undefined, surroundings: Surroundings): string {
  if (flag !== undefined) return flag;
  const named = surroundings.env["KUBECONFIG"];
  if (named !== undefined && named !== "") return named;
  const demo = readDemo(surroundings.demoFolder);
  if (demo !== undefined) return demo;
  throw new UserError(
    "RW0213",
    "there is no cluster to ask",
    "give --cluster DUMPDIR or --kubeconfig FILE, set KUBECONFIG, or start ringward demo",
  );
}

/** The kubeconfig of a demo whose process is alive. */
function readDemo(folder: string): string | undefined {
  try {
    const { kubeconfig, pid } = JSON.parse(readFileSync(join(folder, "ringward-demo.json"), "utf8")) as Record<
      string,
      unknown
    >;
    if (typeof kubeconfig !== "string" || typeof pid !== "number") return undefined;
    process.kill(pid, 0);
    return kubeconfig;
  } catch {
    // No file, half a file, or the file of a demo that is gone: there is no running demo.
    return undefined;
  }
}

function readPolicy(request: SourceRequest, view: ClusterView, at: Instant): Pick<FolderPolicy, "policy" | "findings"> {
  const { inventory, stored } = view;
  const objects = ownObjects(view.objects);
  const clusterName = repositoryOf(objects)?.clusterName ?? "cluster";
  if (request.policy !== undefined)
    return readFolderPolicy({ folder: request.policy, at, objects, clusterName, inventory, stored });
  if (objects.rings.length === 0 && objects.baselines.length === 0) {
    const where = describeSource(request);
    if (request.cluster !== undefined) throw new UserError("RW0214", `${where} holds no policy`, "give --policy DIR");
    throw new UserError("RW0214", `${where} holds no policy yet`, "let the controller read it, or give --policy DIR");
  }
  return { policy: policyOf(view), findings: [] };
}

function describeSource({ policy, cluster, kubeconfig }: SourceRequest): string {
  const where =
    cluster !== undefined ? `dump ${cluster}` : kubeconfig !== undefined ? `cluster of ${kubeconfig}` : "the cluster";
  return policy === undefined ? where : `policy ${policy}, ${where}`;
}
