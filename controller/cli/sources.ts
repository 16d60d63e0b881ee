// Where read commands take policy and cluster from, and how both become the planner's one input: the same that the controller plans
// with. Nothing is guessed: what is absent means no claims, soak 0 and Unknown packages.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { NodePatchStateStatus } from "../api/patch-state.ts";
import type { PolicyRepositorySpec, PolicyRepositoryStatus } from "../api/policy-repository.ts";
import { type DisruptionLedger, LEDGER_NAME } from "../api/disruption-ledger.ts";
import type { RolloutRingStatus } from "../api/rollout-ring.ts";
import type { Instant } from "../clock.ts";
import type { Block, Claim, Inventory, LedgerView, PolicyInForce } from "../core/model.ts";
import { planPromotions } from "../core/promotion/index.ts";
import { resolveCandidates } from "../core/rollout/candidates.ts";
import { estimateRollout, type Estimate } from "../core/rollout/estimate.ts";
import { type Decision, makePlan, type Plan, type PlanInput } from "../core/rollout/plan.ts";
import { UserError } from "../errors.ts";
import type { KubeObject } from "../kube/port.ts";
import type { Finding } from "../policy/finding.ts";
import { FROM_GIT, POLICY_LABEL } from "../reconcile/apply-policy.ts";
import type { ClusterObjects } from "../reconcile/cluster.ts";
import { findLostClaims } from "../reconcile/ledger.ts";
import { fromCluster } from "../reconcile/policy-view.ts";
import { type ClusterView, openCluster, viewCluster, viewDump } from "./cluster-view.ts";
import { type FolderPolicy, readFolderPolicy } from "./folder-policy.ts";
import { readTime, type Surroundings, wrongUse } from "./output.ts";

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

/** Everything that a read command shows something of. */
export interface Situation {
  readonly input: PlanInput;
  readonly plan: Plan;
  /** The plan's, then what promotion would ask for or write. */
  readonly decisions: readonly Decision[];
  readonly estimates: readonly Estimate[];
  /** Where it comes from, for the first line of an answer. */
  readonly source: string;
  /** For people, sorted: what was assumed or could not be read. */
  readonly warnings: readonly string[];
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
  const at = request.at === undefined ? undefined : readTime(command, "--at", request.at);
  if (request.cluster !== undefined && request.kubeconfig !== undefined)
    throw wrongUse(command, "--cluster and --kubeconfig name two clusters; give one");
  const taken = await readView(request, surroundings);
  const now = at ?? taken.takenAt ?? surroundings.clock.now();
  const view = asOf(taken, now);
  const folder = readPolicy(request, view, now);
  if (folder.findings.some(({ severity }) => severity === "error"))
    return { kind: "Refused", findings: folder.findings };
  return { kind: "Ready", situation: planFor(folder.policy, view, now, describeSource(request), folder.findings) };
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
function atClusterTime(view: ClusterView, now: Instant): ClusterView {
  const newest = newestHeartbeat(view.inventory);
  if (newest === undefined || Math.abs(now - newest) < DAY) return view;
  const problem = `the cluster's own clock stands at ${new Date(newest).toISOString()}: shown as of then`;
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

function readPolicy(request: SourceRequest, view: ClusterView, at: Instant): FolderPolicy {
  const { inventory, stored } = view;
  const objects = ownObjects(view.objects);
  const clusterName = repositoryOf(objects)?.clusterName ?? "cluster";
  if (request.policy !== undefined)
    return readFolderPolicy({ folder: request.policy, at, objects, clusterName, inventory, stored });
  if (objects.rings.length === 0 && objects.baselines.length === 0)
    throw new UserError("RW0214", `${describeSource(request)} holds no policy`, "give --policy DIR");
  return { policy: policyOf(view), findings: [] };
}

/** The policy that is in a cluster, as its objects say it: what the controller applied there, or people did. */
export function policyOf(view: Pick<ClusterView, "objects">): PolicyInForce {
  const objects = ownObjects(view.objects);
  const policy = fromCluster(objects, brakesOf(objects), repositoryOf(objects));
  const inGit = new Map(
    objects.rings
      .filter(({ metadata }) => metadata.labels?.[POLICY_LABEL] === FROM_GIT)
      .map(({ metadata, status }) => [metadata.name, (status as RolloutRingStatus | undefined)?.observedCommit ?? ""]),
  );
  const rings = policy.rings.map((ring) => {
    const commit = inGit.get(ring.name);
    return commit === undefined ? ring : { ...ring, authority: { kind: "Git", commit } as const };
  });
  return { ...policy, rings };
}

/** What the controller said of the repository: these stop every new claim. */
function brakesOf(objects: ClusterObjects): readonly Block[] {
  const { conditions = [] } = (objects.repositories[0]?.status ?? {}) as PolicyRepositoryStatus;
  return conditions.flatMap(({ type, status, reason, message }): readonly Block[] => {
    if (type !== "Stalled" || status !== "True") return [];
    return reason === "HistoryRewritten" || reason === "RepositoryStale" ? [{ reason, message }] : [];
  });
}

function repositoryOf(objects: ClusterObjects): PolicyRepositorySpec | undefined {
  return objects.repositories[0]?.spec as PolicyRepositorySpec | undefined;
}

/** Ringward's own objects in the controller's words; the rest of the cluster is in the inventory already. */
function ownObjects(objects: ClusterView["objects"]): ClusterObjects {
  const list = (kind: string): readonly KubeObject[] => objects.get(kind) ?? [];
  const none: readonly KubeObject[] = [];
  return {
    nodes: none,
    pods: none,
    deployments: none,
    statefulsets: none,
    daemonsets: none,
    replicasets: none,
    jobs: none,
    pdbs: none,
    leases: none,
    baselines: list("PatchBaseline"),
    rings: list("RolloutRing"),
    calendars: list("MaintenanceCalendar"),
    exceptions: list("PatchException"),
    recipes: list("UpdateRecipe"),
    levels: list("PatchLevel"),
    repositories: list("PolicyRepository"),
    ledgers: list("DisruptionLedger"),
    nodeStates: list("NodePatchState"),
    workloadStates: list("WorkloadPatchState"),
  };
}

function describeSource({ policy, cluster, kubeconfig }: SourceRequest): string {
  const where =
    cluster !== undefined ? `dump ${cluster}` : kubeconfig !== undefined ? `cluster of ${kubeconfig}` : "the cluster";
  return policy === undefined ? where : `policy ${policy}, ${where}`;
}

function planFor(
  policy: PolicyInForce,
  view: ClusterView,
  now: Instant,
  source: string,
  findings: readonly Finding[],
): Situation {
  const { inventory, stored } = view;
  const candidates = resolveCandidates(policy, stored, now);
  const { ledger, assumed } = readLedger(view, policy.clusterName);
  const input: PlanInput = { now, policy, inventory, stored, ledger, candidates: candidates.levels, observedMs: 0 };
  const plan = makePlan(input);
  const estimates = estimateRollout(input, plan);
  const warnings = [
    ...view.problems,
    ...findings.map(({ file, line, message, hint }) => `${file}:${line}: ${message}${hint === "" ? "" : ` (${hint})`}`),
    ...[...candidates.problems].map(([, { reason, message }]) => `${message} [${reason}]`),
    ...assumed,
    ...describeModes(ledger),
    ...estimates.flatMap(warnOf),
  ];
  const decisions = [...plan.decisions, ...promotionsOf(input, plan)];
  return { input, plan, decisions, estimates, source, warnings: [...new Set(warnings)] };
}

/**
 * What would be proposed or written if the policy stood in a repository where nothing is proposed yet. Where the policy is a
 * cluster's copy of a repository it is not told: what is proposed already only the forge knows.
 */
function promotionsOf({ policy, candidates, now }: PlanInput, plan: Plan): readonly Decision[] {
  const copied = !policy.proposer && policy.rings.some(({ authority }) => authority.kind === "Git");
  return copied ? [] : planPromotions(plan, { policy, candidates, proposals: [], now }).decisions;
}

/** The dump's ledger; without one, as if it enforced with the default limits. */
function readLedger(view: ClusterView, cluster: string): { ledger: LedgerView; assumed: readonly string[] } {
  const object = (view.objects.get("DisruptionLedger") ?? []).find(({ metadata }) => metadata.name === LEDGER_NAME);
  if (object === undefined)
    return {
      ledger: { spec: { mode: "Enforce" }, claims: [], rebuilding: false },
      assumed: ["there is no DisruptionLedger: planned as if its mode were Enforce, with the default limits"],
    };
  const { spec, status } = object as unknown as Pick<DisruptionLedger, "spec" | "status">;
  const claims = [...(status?.claims ?? [])].sort((a: Claim, b: Claim) => (a.uid < b.uid ? -1 : 1));
  const rebuilt = status?.rebuiltTime !== undefined;
  const live = { object, spec: spec ?? {}, claims, rebuilt };
  const lost = findLostClaims(live, view.inventory, view.stored, cluster);
  return { ledger: { spec: live.spec, claims, rebuilding: !rebuilt || lost.length > 0 }, assumed: [] };
}

function describeModes({ spec, rebuilding }: LedgerView): readonly string[] {
  const mode = spec.mode ?? "Observe";
  return [
    ...(mode === "Observe"
      ? ["the ledger's mode is Observe: nothing is touched; times are as if it were Enforce (ringward enforce)"]
      : []),
    ...(rebuilding ? ["the ledger's claims are not known to be complete: nothing is claimed until they are"] : []),
  ];
}

function warnOf(estimate: Estimate): readonly string[] {
  const { ring, baseline, remaining, atOnce, deadline, endsAt, never, missesDeadline, stuck } = estimate;
  const what = `ring ${ring}, baseline ${baseline}`;
  const waiting =
    stuck.length === 0
      ? []
      : [`${what}: ${stuck.map(({ reason, targets }) => `${targets} ${reason}`).join(", ")}; these wait for a person`];
  if (missesDeadline && deadline !== undefined && endsAt !== undefined)
    return [
      ...waiting,
      `${what}: ${remaining} targets, ${atOnce} at once, end about ${new Date(endsAt).toISOString().slice(0, 16)}Z, after the deadline of ${new Date(deadline).toISOString().slice(0, 16)}Z: budget and windows do not meet it (raise the budget, widen the windows or move the deadline)`,
    ];
  // What holds up a ring before is told there.
  if (never !== undefined && never.reason === "PredecessorNotSoaked" && !missesDeadline) return waiting;
  if (never !== undefined)
    return [
      ...waiting,
      `${what}: does not end as things stand: ${never.message} [${never.reason}]${missesDeadline ? "; its deadline is missed" : ""}`,
    ];
  return waiting;
}
