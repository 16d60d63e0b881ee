// A small fleet with rings, levels and stored progress for the tests of promotion, run through the real planner: each test says only
// what it is about.
import type { ProposalSettings } from "../../../controller/api/policy-repository.ts";
import type { RingLevelStatus, RingRejection, RolloutRingSpec } from "../../../controller/api/rollout-ring.ts";
import type { PatchLevelSpec } from "../../../controller/api/patch-level.ts";
import { levelDigest, levelName } from "../../../controller/core/levels/index.ts";
import type {
  BaselineInForce,
  Block,
  ExceptionInForce,
  Inventory,
  LevelInForce,
  NodeAsset,
  PodAsset,
  PdbAsset,
  PolicyInForce,
  RingInForce,
} from "../../../controller/core/model.ts";
import { type KnownProposal, planPromotions, type Promotions } from "../../../controller/core/promotion/index.ts";
import { makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";

export const DAY = 86_400_000;
export const START = Date.UTC(2026, 0, 5, 8);
export const BASELINE = "ubuntu";

/** A level of the baseline: kubelet `v1.34.<patch>`, made on day `patch`. */
export function levelOf(
  patch: number,
  change: { readonly baseline?: string; readonly at?: number } = {},
): LevelInForce {
  const baseline = change.baseline ?? BASELINE;
  const spec: PatchLevelSpec = {
    baseline,
    target: "Node",
    disruption: "Restart",
    node: {
      product: { id: "ubuntu", versionId: "22.04" },
      components: [{ name: "kubelet", scheme: "semver", version: `v1.34.${patch}` }],
      recipe: {
        name: "ubuntu",
        strategy: "InPlace",
        steps: {
          update: {
            image: `registry.example.com/patch@sha256:${"a".repeat(64)}`,
            command: ["/patch", "--to", `v1.34.${patch}`],
            host: "ReadWrite",
            timeout: "30m",
          },
        },
      },
      rebootPolicy: "IfRequired",
      drain: "IfDisruptive",
    },
  };
  const inputTime = change.at ?? START - 30 * DAY + patch * DAY;
  const digest = levelDigest(spec);
  return { name: levelName(baseline, inputTime, digest), digest, spec, inputTime };
}

export interface RingOptions extends Partial<Omit<RolloutRingSpec, "levels">> {
  /** What the entry names. */
  readonly entry?: LevelInForce;
  readonly maxTargets?: number;
  /** Listed without a level. */
  readonly listed?: boolean;
  readonly expedite?: boolean;
  /** Nodes, each running kubelet v1.34.<patch>. */
  readonly nodes?: readonly number[];
  readonly soaked?: readonly LevelInForce[];
  readonly withdrawn?: readonly LevelInForce[];
  readonly cluster?: boolean;
  readonly brakes?: readonly Block[];
}

export interface SceneOptions {
  readonly rings: Readonly<Record<string, RingOptions>>;
  readonly candidate?: LevelInForce;
  readonly levels?: readonly LevelInForce[];
  readonly proposals?: readonly KnownProposal[] | "unknown";
  readonly brakes?: readonly Block[];
  readonly proposer?: boolean;
  readonly now?: number;
  readonly exceptions?: readonly ExceptionInForce[];
  readonly pods?: readonly PodAsset[];
  readonly pdbs?: readonly PdbAsset[];
  readonly calendars?: PolicyInForce["calendars"];
  readonly settings?: ProposalSettings;
  readonly rejections?: Readonly<Record<string, readonly RingRejection[]>>;
}

export interface Scene {
  readonly input: PlanInput;
  readonly plan: Plan;
  readonly policy: PolicyInForce;
  readonly inventory: Inventory;
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  readonly promotions: Promotions;
}

/** Plans the fleet and its promotions. */
export function play(options: SceneOptions): Scene {
  const now = options.now ?? START;
  const named = Object.entries(options.rings);
  const levels = [
    ...(options.levels ?? []),
    ...named.flatMap(([, ring]) => [ring.entry ?? [], ...(ring.soaked ?? []), ...(ring.withdrawn ?? [])].flat()),
  ];
  const policy: PolicyInForce = {
    clusterName: "test",
    baselines: [baselineInForce()],
    rings: named.map(([name, ring]) => {
      const inForce = ringInForce(name, ring);
      const rejections = options.rejections?.[name];
      return rejections === undefined
        ? inForce
        : { ...inForce, status: { ...inForce.status, rejections: [...rejections] } };
    }),
    calendars: options.calendars ?? [],
    exceptions: options.exceptions ?? [],
    recipes: [],
    levels: [...new Map(levels.map((level) => [level.name, level])).values()],
    brakes: options.brakes ?? [],
    proposer: options.proposer ?? true,
  };
  const nodes = named.flatMap(([name, ring]) =>
    (ring.nodes ?? [1, 1]).map((patch, index) => node(name, index, patch, now)),
  );
  const inventory: Inventory = {
    nodes,
    workloads: [],
    pods: options.pods ?? [],
    pdbs: options.pdbs ?? [],
    apiServerVersion: "v1.36.0",
  };
  const candidates = new Map(options.candidate === undefined ? [] : [[BASELINE, options.candidate]]);
  const input: PlanInput = {
    now,
    policy,
    inventory,
    stored: { nodes: new Map(), workloads: new Map() },
    ledger: { spec: { mode: "Observe" }, claims: [], rebuilding: false },
    candidates,
    observedMs: 0,
  };
  const plan = makePlan(input);
  const proposals = options.proposals === "unknown" ? undefined : (options.proposals ?? []);
  return {
    input,
    plan,
    policy,
    inventory,
    candidates,
    promotions: planPromotions(plan, { policy, candidates, proposals, now, settings: options.settings }),
  };
}

function baselineInForce(): BaselineInForce {
  return {
    name: BASELINE,
    spec: {
      target: "Node",
      node: {
        product: { id: "ubuntu", versionId: "22.04" },
        minimum: { kubelet: "v1.34.1" },
        recipeRef: { name: "ubuntu" },
      },
    },
    status: undefined,
    inputTime: START,
  };
}

function ringInForce(name: string, ring: RingOptions): RingInForce {
  const {
    entry,
    maxTargets,
    listed,
    expedite,
    nodes: _nodes,
    soaked = [],
    withdrawn = [],
    cluster,
    brakes = [],
    ...spec
  } = ring;
  const levels =
    entry !== undefined || listed === true
      ? [
          {
            baseline: BASELINE,
            ...(entry === undefined ? {} : { level: entry.name }),
            ...(maxTargets === undefined ? {} : { maxTargets }),
            ...(expedite === true
              ? { expedite: { reason: "urgent", until: new Date(START + DAY).toISOString(), skip: ["Soak" as const] } }
              : {}),
          },
        ]
      : undefined;
  const record = (level: LevelInForce, rest: Partial<RingLevelStatus>): RingLevelStatus => ({
    baseline: BASELINE,
    level: level.name,
    digest: level.digest,
    ...rest,
  });
  const time = new Date(START - DAY).toISOString();
  const records = [
    ...soaked.map((level) =>
      record(level, { completedTime: time, soakedSeconds: 86_400, soakedTime: time, targets: 2, done: 2, failed: 0 }),
    ),
    ...(entry === undefined || soaked.some((level) => level.digest === entry.digest) ? [] : [record(entry, {})]),
    ...withdrawn.map((level) => record(level, { withdrawnTime: time })),
  ];
  return {
    name,
    spec: {
      members: { nodes: { selector: { matchLabels: { ring: name } } } },
      ...spec,
      ...(levels === undefined ? {} : { levels }),
    },
    status: { levels: records },
    authority: cluster === true ? { kind: "Cluster" } : { kind: "Git", commit: "c".repeat(40) },
    suspendedLive: false,
    brakes,
  };
}

function node(ring: string, index: number, patch: number, now: number): NodeAsset {
  return {
    name: `${ring}-${index}`,
    uid: `uid-${ring}-${index}`,
    resourceVersion: "1",
    labels: { ring },
    zone: index % 2 === 0 ? "a" : "b",
    createdAt: START - 100 * DAY,
    ready: true,
    unschedulable: false,
    controlPlane: false,
    provider: undefined,
    bootId: "boot",
    kernelVersion: "5.15.0-125-generic",
    kubeletVersion: `v1.34.${patch}`,
    containerRuntimeVersion: "containerd://1.7.24",
    osImage: "Ubuntu 22.04.5 LTS",
    architecture: "amd64",
    heardAt: now,
    mark: undefined,
  };
}

/** A pull request as the forge tells of it. */
export function known(
  number: number,
  ring: string,
  level: LevelInForce,
  change: Partial<KnownProposal> = {},
): KnownProposal {
  const scope = change.scope;
  return {
    number,
    branch: `ringward/${ring}/${BASELINE}/${level.digest.slice(0, 12)}${scope === undefined ? "" : `-scope-${scope}`}`,
    state: "open",
    ring,
    baseline: BASELINE,
    digest: level.digest.slice(0, 12),
    scope: undefined,
    maxTargets: undefined,
    withdrawn: false,
    ...change,
  };
}

/** What is wanted, in short: `early<-LEVEL` for a proposal, `canary<=LEVEL` for an automatic commit. */
export function wishes({ promotions }: Scene, levels: Readonly<Record<string, LevelInForce>>): readonly string[] {
  const nameOf = (level: LevelInForce): string =>
    Object.entries(levels).find(([, other]) => other.digest === level.digest)?.[0] ?? level.name;
  return [
    ...promotions.automatic.flatMap(({ ring, entries }) =>
      entries.map(({ level }) => `${ring.name}<=${nameOf(level)}`),
    ),
    ...promotions.proposals.map(({ ring, level }) => `${ring.name}<-${nameOf(level)}`),
  ];
}
