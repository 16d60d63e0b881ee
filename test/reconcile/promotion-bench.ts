// Promotion from end to end without a cluster: policy files in a repository, the real loader, resolver, planner and promoter, a forge, and
// people. One pass is what the controller does; between passes only what a cluster would store is kept.
import type { RolloutRingStatus } from "../../controller/api/rollout-ring.ts";
import { createValidators, type Validators } from "../../controller/api/validator.ts";
import { type ManualClock, manualClock } from "../../controller/clock.ts";
import { planPromotions, type Promotions, renderRequest } from "../../controller/core/promotion/index.ts";
import { resolveCandidates } from "../../controller/core/rollout/candidates.ts";
import type { Block, Inventory, NodeAsset } from "../../controller/core/model.ts";
import { makePlan, type Plan } from "../../controller/core/rollout/plan.ts";
import { ringStatusOf } from "../../controller/core/rollout/summary.ts";
import type { Forge } from "../../controller/forge/port.ts";
import { createMemoryForge, type MemoryForge } from "../../controller/forge/memory/index.ts";
import { escapeCode, escapeMarkdown } from "../../controller/forge/text.ts";
import { createMemoryRemote, type MemoryRemote } from "../../controller/git/memory.ts";
import type { CommitSha, PolicyGit } from "../../controller/git/port.ts";
import { toPolicyInForce } from "../../controller/policy/in-force.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import { carryOutPromotions } from "../../controller/reconcile/promotion/carry-out.ts";
import { createJustOpened } from "../../controller/reconcile/promotion/late.ts";
import { listProposals } from "../../controller/reconcile/promotion/listing.ts";
import type { PromotionEvent } from "../../controller/reconcile/promotion/scene.ts";

export const START = Date.UTC(2026, 0, 5, 8);
const HOUR = 3_600_000;

export const RECIPE = `apiVersion: ringward.dev/v1alpha1
kind: UpdateRecipe
metadata: {name: ubuntu}
spec:
  match: {product: {id: ubuntu, versionId: "22.04"}}
  strategy: InPlace
  steps:
    update: {image: "registry.example.com/patch@sha256:${"a".repeat(64)}", command: ["/patch"], host: ReadWrite}
`;

export function baselineFile(version: string, name = "ubuntu"): string {
  return `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: {name: ${name}}
spec:
  target: Node
  node:
    product: {id: ubuntu, versionId: "22.04"}
    minimum: {kubelet: ${version}}
    recipeRef: {name: ubuntu}
`;
}

/** A ring's file with comments that must survive. */
export function ringFile(name: string, lines = ""): string {
  return `# Ring ${name}: see the handbook.
apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata:
  name: ${name} # stable
spec:
${lines}  members: {nodes: {selector: {matchLabels: {ring: ${name}}}}}
  soak: 1h
  # Keep this last: promotions change it.
  levels:${lines.includes("promotion: Automatic") ? LISTED : " []"}
`;
}

/** What is written without asking stands in the ring's file. */
const LISTED = "\n    - baseline: ubuntu";

export const FILES: Readonly<Record<string, string>> = {
  "policy/baselines/ubuntu.yaml": baselineFile("v1.34.2"),
  "policy/recipes/ubuntu.yaml": RECIPE,
  "policy/rings/canary.yaml": ringFile("canary", "  promotion: Automatic\n"),
  "policy/rings/early.yaml": ringFile("early", "  after: [canary]\n"),
  "README.md": "policies\n",
};

export interface Bench {
  readonly clock: ManualClock;
  readonly remote: MemoryRemote;
  readonly forge: MemoryForge;
  readonly git: PolicyGit;
  readonly events: PromotionEvent[];
  /** Kubelet version of the nodes of each ring. */
  readonly fleet: Map<string, string[]>;
  readonly statuses: Map<string, RolloutRingStatus>;
  /** One pass of the controller; `hours` of healthy time were observed since the last one. */
  pass(options?: PassOptions): Promise<Passed>;
  /** Passes until nothing is written any more; fails when that never ends. */
  settle(): Promise<Passed>;
  main(path: string): string | undefined;
  branches(): readonly string[];
}

export interface PassOptions {
  readonly hours?: number;
  readonly git?: PolicyGit;
  readonly forge?: Forge;
  readonly brakes?: readonly Block[];
}

export interface Passed {
  readonly plan: Plan;
  readonly promotions: Promotions;
  readonly written: boolean;
}

export function createBench(files: Readonly<Record<string, string>> = FILES): Bench {
  const clock = manualClock(START);
  const remote = createMemoryRemote();
  remote.people.commitFiles("main", files, { time: START, message: "Start" });
  const forge = createMemoryForge({ git: remote.people, clock });
  const author = { name: "Ringward", email: "ringward@example.test" };
  const git = remote.open({ branch: "main", author });
  const client = forge.open({ login: "ringward" });
  const validators = createValidators();
  const events: PromotionEvent[] = [];
  const statuses = new Map<string, RolloutRingStatus>();
  const fleet = new Map([
    ["canary", ["v1.34.1", "v1.34.1"]],
    ["early", ["v1.34.1", "v1.34.1", "v1.34.1"]],
  ]);
  const made = new Set<CommitSha>();
  const bench: Bench = {
    clock,
    remote,
    forge,
    git,
    events,
    fleet,
    statuses,
    main: (path) => remote.people.text("main", path),
    branches: () => [...remote.people.branches().keys()].filter((name) => name !== "main").sort(),
    pass: ({ git: handle = git, forge: asked = client, ...options } = {}) =>
      passOver({ git: handle, forge: asked, clock, events, fleet, statuses, validators, made }, options),
    async settle() {
      for (let count = 0; count < 20; count++) {
        const passed = await bench.pass();
        if (!passed.written) return passed;
      }
      throw new Error("promotion never comes to rest");
    },
  };
  return bench;
}

/** What a pass works with. */
export interface PassPorts {
  readonly git: PolicyGit;
  readonly forge: Forge;
  readonly clock: ManualClock;
  readonly events: PromotionEvent[];
  readonly fleet: ReadonlyMap<string, readonly string[]>;
  readonly statuses: Map<string, RolloutRingStatus>;
  readonly validators: Validators;
  /** What a process remembers of one pass in the next; left out: each pass is another process. */
  readonly made?: Set<CommitSha>;
}

/** One pass of the controller: policy from the tracked branch, the plan, promotions, and what they ask for. */
export async function passOver(
  { git, forge, clock, events, fleet, statuses, validators, made = new Set() }: PassPorts,
  { hours = 0, brakes = [] }: Pick<PassOptions, "hours" | "brakes">,
): Promise<Passed> {
  const now = clock.now();
  const { head } = await git.fetch();
  const snapshot = await git.read(head, "policy");
  const loaded = loadPolicy({ files: snapshot.files, validators, path: "policy" });
  if (loaded.problems.length > 0) throw new Error(JSON.stringify(loaded.problems));
  const times = new Map<string, number>();
  for (const file of snapshot.files) times.set(file.path, (await git.lastChange(head, file.path))?.time ?? now);
  const policy = toPolicyInForce({
    loaded,
    live: [],
    commit: head,
    mode: "Apply",
    clusterName: "prod-eu",
    baselineStatuses: new Map(),
    ringStatuses: statuses,
    inputTime: (path) => times.get(path),
    commitTime: snapshot.time,
    retainedExceptions: [],
    brakes,
    proposer: true,
  });
  const stored = { nodes: new Map(), workloads: new Map() };
  const candidates = resolveCandidates(policy, stored, now).levels;
  const inventory = inventoryOf(fleet, now);
  const plan = makePlan({
    now,
    policy,
    inventory,
    stored,
    ledger: { spec: { mode: "Enforce" }, claims: [], rebuilding: false },
    candidates,
    observedMs: hours * HOUR,
  });
  for (const outcome of plan.rings) statuses.set(outcome.ring.name, ringStatusOf(outcome));
  const listed = await listProposals({
    forge,
    branch: "main",
    matters: () => true,
    histories: new Map(),
    justOpened: createJustOpened(clock),
    transport: clock,
  }).catch(() => undefined);
  const promotions = planPromotions(plan, { policy, candidates, proposals: listed?.known, now });
  const { written } = await carryOutPromotions({
    transport: clock,
    protection: { until: 0 },
    made,
    promotions,
    render: (request) =>
      renderRequest(
        request,
        request.proposals.map((proposal) => ({
          proposal,
          plan,
          policy,
          inventory,
          escape: { text: escapeMarkdown, code: escapeCode },
        })),
      ),
    git: git,
    forge: listed === undefined ? undefined : forge,
    pulls: listed?.pulls ?? [],
    head,
    snapshot,
    policyPath: "policy",
    branch: "main",
    clock,
    tell: (event) => events.push(event),
  });
  return { plan, promotions, written };
}

function inventoryOf(fleet: ReadonlyMap<string, readonly string[]>, now: number): Inventory {
  const nodes = [...fleet].flatMap(([ring, versions]) =>
    versions.map((kubeletVersion, index): NodeAsset => ({
      name: `${ring}-${index}`,
      uid: `uid-${ring}-${index}`,
      resourceVersion: "1",
      labels: { ring },
      zone: index % 2 === 0 ? "a" : "b",
      createdAt: START - 1000 * HOUR,
      ready: true,
      unschedulable: false,
      controlPlane: false,
      provider: undefined,
      bootId: "boot",
      kernelVersion: "5.15.0-125-generic",
      kubeletVersion,
      containerRuntimeVersion: "containerd://1.7.24",
      osImage: "Ubuntu 22.04.5 LTS",
      architecture: "amd64",
      heardAt: now,
      mark: undefined,
    })),
  );
  return { nodes, workloads: [], pods: [], pdbs: [], apiServerVersion: "v1.36.0" };
}

/** Lets a ring's nodes run a version. */
export function update(bench: Bench, ring: string, version: string): void {
  bench.fleet.set(
    ring,
    (bench.fleet.get(ring) ?? []).map(() => version),
  );
}

/** Two hours of health: a look that finds the ring complete, and one after them. */
export async function soak(bench: Bench): Promise<void> {
  await bench.pass();
  bench.clock.advance(2 * HOUR);
  await bench.pass({ hours: 2 });
}

/** A bench where canary has soaked v1.34.2 and the proposal for early is open. */
export async function soakedBench(files = FILES): Promise<Bench> {
  const bench = createBench(files);
  await bench.pass();
  update(bench, "canary", "v1.34.2");
  await soak(bench);
  await bench.settle();
  return bench;
}
