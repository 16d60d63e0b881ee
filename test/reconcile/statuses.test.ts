// What our objects say of themselves, judged on every version that was ever stored: by kstatus' own rules (sigs.k8s.io/cli-utils, pkg/kstatus:
// its README says them in words), by what the nodes themselves reported at that moment, and by what can be stored at all.
import { describe, expect, it } from "vitest";
import type { Condition } from "../../controller/api/schema.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { PATCH_BASELINES, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import { makePlan } from "../../controller/core/rollout/plan.ts";
import { listing } from "../../controller/reconcile/cluster.ts";
import { recordLost, writeBaselineStatuses, writeRingStatuses } from "../../controller/reconcile/statuses.ts";
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import { largeFleet } from "../support/large-fleet.ts";
import { createRig, isConverged, NEW_KERNEL, type Rig, ringFile, type RigOptions, type Status } from "./rig.ts";

const OLD_KERNEL = "5.15.0-119-generic";
const OURS = new Set(
  ["nodepatchstates", "workloadpatchstates", "rolloutrings", "patchbaselines", "policyrepositories"].map(
    (plural) => `${plural}.ringward.dev`,
  ),
);

type Kstatus = "Current" | "InProgress" | "Failed";

/** What `kubectl wait`, Flux and Argo CD make of an object: the generic rules, in their order. */
function kstatus({ metadata, status }: KubeObject): Kstatus {
  const { observedGeneration, conditions = [] } = (status ?? {}) as {
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
  if (observedGeneration !== undefined && observedGeneration !== metadata.generation) return "InProgress";
  for (const condition of conditions) {
    if (condition.type === "Reconciling" && condition.status === "True") return "InProgress";
    if (condition.type === "Stalled" && condition.status === "True") return "Failed";
  }
  const ready = conditions.find((condition) => condition.type === "Ready");
  return ready === undefined || ready.status === "True" ? "Current" : "InProgress";
}

/** What the rest of a status says, in our own words. */
function meant({ resource, object }: StoredVersion): Kstatus | undefined {
  const status = object.status as Status;
  const { observedGeneration = object.metadata.generation } = status;
  if (observedGeneration !== object.metadata.generation) return "InProgress";
  if (resource.endsWith("patchstates.ringward.dev")) {
    if (status["operation"] !== undefined) return status["operation"].failure === undefined ? "InProgress" : "Failed";
    // Between the end of an operation and the next look at its target nothing is claimed.
    if (status["state"] === undefined || status["phase"] === "InProgress") return undefined;
    if (status["phase"] === "Blocked") return "Failed";
    return ["Installed", "InstalledOther", "NotApplicable", "Available"].includes(status["state"] as string)
      ? "Current"
      : "InProgress";
  }
  if (resource === "rolloutrings.ringward.dev") {
    if (status["phase"] === "Blocked") return "Failed";
    const levels = (status["levels"] ?? []) as Status[];
    return status["phase"] === "Done" && levels.every(({ done, targets }) => done === targets)
      ? "Current"
      : "InProgress";
  }
  return undefined;
}

function ourVersions(rig: Rig): readonly StoredVersion[] {
  return rig.cluster.server.store
    .history()
    .filter(({ resource, type, object }) => OURS.has(resource) && type !== "DELETED" && object.status !== undefined)
    .filter(({ user }) => rig.users.has(user));
}

function conditionsOf(object: Readonly<KubeObject> | undefined): readonly Condition[] {
  return ((object?.status as Status | undefined)?.["conditions"] ?? []) as Condition[];
}

/** Every deviation, as text: one look at all of them says more than the first. */
function judgeConditions(versions: readonly StoredVersion[]): readonly string[] {
  const wrong: string[] = [];
  for (const version of versions) {
    const { object, key, revision } = version;
    const tell = (what: string): void => void wrong.push(`${key}@${revision}: ${what}`);
    const conditions = conditionsOf(object);
    const abnormal = conditions.filter(({ type, status: value }) => type !== "Ready" && value === "True");
    const ready = conditions.filter(({ type }) => type === "Ready");
    if (ready.length !== 1) tell(`has ${ready.length} conditions Ready`);
    if (abnormal.length !== (ready[0]?.status === "True" ? 0 : 1)) tell("has not exactly one word on what is abnormal");
    if (conditions.some(({ type, status: value }) => type !== "Ready" && value !== "True"))
      tell("keeps an abnormal condition that does not hold");
    const expected = meant(version);
    if (expected !== undefined && kstatus(object) !== expected) tell(`is ${kstatus(object)}, and means ${expected}`);
    for (const condition of conditions) {
      const before = conditionsOf(version.previous).find(({ type }) => type === condition.type);
      const flipped = before?.status !== condition.status;
      const moved = before?.lastTransitionTime !== condition.lastTransitionTime;
      if (before !== undefined && moved !== flipped)
        tell(`${condition.type} ${flipped ? "flips" : "stays"} and its time ${moved ? "moves" : "stays"}`);
      if (Date.parse(condition.lastTransitionTime) > version.time) tell(`${condition.type} flips in the future`);
    }
  }
  return wrong;
}

/** From a level that all nodes have to one that none has, and back to rest. */
async function rollOut(rig: Rig): Promise<void> {
  await rig.until("everything is as it should be", () => isConverged(rig));
  const text = rig.remote.people.text("main", "baselines/ubuntu-2204.yaml") ?? "";
  rig.commit({ "baselines/ubuntu-2204.yaml": text.replace(OLD_KERNEL, NEW_KERNEL) });
  await rig.until("something is claimed", async () => ((await rig.ledger())["claims"] ?? []).length > 0);
}

/** A baseline that every node meets as it was installed. */
const EASY = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata:
  name: ubuntu-2204
spec:
  target: Node
  node:
    product: { id: ubuntu, versionId: "22.04" }
    source: { snapshot: 20241212T000000Z }
    minimum:
      kernels:
        - { series: 5.15.0, flavour: generic, version: ${OLD_KERNEL} }
    recipeRef: { name: apt }
    rebootPolicy: IfRequired
`;

const atRest = (options: RigOptions = {}): Promise<Rig> =>
  createRig({ ...options, files: { "baselines/ubuntu-2204.yaml": EASY, ...options.files } });

describe("conditions", () => {
  it("are what kstatus needs, at every moment of a rollout that succeeds (S2)", async () => {
    const rig = await atRest();
    await rollOut(rig);
    await rig.until("the new level is everywhere", () => isConverged(rig));
    await rig.run(3);

    const versions = ourVersions(rig);
    expect(rig.kernel("n3")).toBe(NEW_KERNEL);
    expect(judgeConditions(versions)).toEqual([]);
    const seen = new Set(versions.map(({ object, resource }) => `${resource.split(".")[0]} ${kstatus(object)}`));
    for (const kind of ["nodepatchstates", "workloadpatchstates", "rolloutrings"])
      expect([...seen]).toEqual(expect.arrayContaining([`${kind} InProgress`, `${kind} Current`]));
  });

  it("say Stalled of a target that failed and of its ring, and recover with them (S2)", async () => {
    const rig = await atRest({ workloads: [] });
    rig.cluster.machines.failUpdate("n1");
    await rollOut(rig);
    await rig.until("n1 has failed", async () => (await rig.state("n1"))["operation"]?.failure !== undefined);
    await rig.run(3);
    const failed = await rig.state("n1");
    const halted = await rig.ring();
    rig.cluster.machines.repair("n1");
    await rig.setMode("Stop");

    expect(failed["conditions"]).toMatchObject([
      { type: "Ready", status: "False", reason: "StepFailed" },
      { type: "Stalled", status: "True", reason: "StepFailed" },
    ]);
    expect(halted["conditions"]).toMatchObject([{ type: "Ready" }, { type: "Stalled", reason: "RingHalted" }]);
    expect(judgeConditions(ourVersions(rig))).toEqual([]);
  });
});

/** Goes through a run's history, with the store as it was at each of our versions. */
function replay(rig: Rig, look: (version: StoredVersion, store: ReadonlyMap<string, KubeObject>) => void): void {
  const store = new Map<string, KubeObject>();
  for (const version of rig.cluster.server.store.history()) {
    if (version.type === "DELETED") store.delete(version.key);
    else store.set(version.key, version.object);
    if (version.type !== "DELETED" && rig.users.has(version.user) && OURS.has(version.resource)) look(version, store);
  }
}

function nodesBelow(store: ReadonlyMap<string, KubeObject>, kernel: string): readonly string[] {
  return [...store]
    .filter(([key]) => key.startsWith("nodes/"))
    .filter(([, node]) => (node.status as Status)["nodeInfo"].kernelVersion !== kernel)
    .map(([key]) => key);
}

/** What a status claims and the store does not bear out. */
function judgeClaims(rig: Rig): readonly string[] {
  const wrong: string[] = [];
  const seen = new Set<unknown>();
  replay(rig, ({ key, object, resource, revision }, store) => {
    const status = (object.status ?? {}) as Status;
    const tell = (what: string): void => void wrong.push(`${key}@${revision}: ${what}`);
    if ((status["observedGeneration"] ?? 0) > (object.metadata.generation ?? 0)) tell("observes what is not there yet");
    if (resource === "policyrepositories.ringward.dev") seen.add(status["observedCommit"]);
    const ready = conditionsOf(object).some(({ type, status: value }) => type === "Ready" && value === "True");
    if (resource !== "rolloutrings.ringward.dev") return;
    if (status["observedCommit"] !== undefined && !seen.has(status["observedCommit"]))
      tell("speaks of a commit that is not in force");
    if (!ready || status["observedGeneration"] !== object.metadata.generation) return;
    const level = (status["levels"] as Status[]).findLast(({ baseline }) => baseline === "ubuntu-2204");
    const wanted = store.get(`patchlevels.ringward.dev/${level?.["level"]}`)?.spec as Status | undefined;
    const kernel = (wanted?.["node"].components as Status[] | undefined)?.find(({ name }) =>
      (name as string).startsWith("kernel/"),
    )?.["version"] as string | undefined;
    if (kernel === undefined) tell("is Ready at a level that nobody knows");
    else for (const node of nodesBelow(store, kernel)) tell(`is Ready, and ${node} does not run ${kernel}`);
  });
  return wrong;
}

describe("what a status observes", () => {
  it("is never ahead of what was processed, and Ready means that every node says so itself (S1)", async () => {
    const rig = await atRest({ workloads: [] });
    await rollOut(rig);
    await rig.until("the new level is everywhere", () => isConverged(rig));
    rig.commit({ "rings/canary.yaml": `${rig.remote.people.text("main", "rings/canary.yaml")}# a word\n` });
    await rig.run(4);

    expect((await rig.ring())["observedCommit"]).toBe(rig.remote.people.head("main"));
    expect(conditionsOf(await rig.admin.get(ROLLOUT_RINGS, { name: "canary" }))[0]?.status).toBe("True");
    expect(judgeClaims(rig)).toEqual([]);
  });

  it("keeps a ring from being Ready that was let through with a failed target (S1)", async () => {
    const lenient = ringFile("canary")
      .replace("budget: { nodes: 1,", "budget: { nodes: 2, maxFailures: 1,")
      .replace("onEmpty: Pass", "onEmpty: Pass, minPercent: 50");
    const rig = await atRest({ workloads: [], files: { "rings/canary.yaml": lenient } });
    rig.cluster.machines.failUpdate("n1");
    await rollOut(rig);
    await rig.until("the ring has soaked without n1", async () => {
      const { phase, levels = [] } = await rig.ring();
      return phase === "Done" && (levels as Status[]).at(-1)?.["done"] === 2;
    });

    expect(rig.kernel("n1")).toBe(OLD_KERNEL);
    expect((await rig.ring())["conditions"]).toMatchObject([
      { type: "Ready", status: "False" },
      { type: "Reconciling", status: "True" },
    ]);
    expect(judgeClaims(rig)).toEqual([]);
    expect(judgeConditions(ourVersions(rig))).toEqual([]);
  });
});

const KIB = 1024;
const sizeOf = (status: unknown): number => Buffer.byteLength(JSON.stringify(status));
const longest = (value: unknown): number =>
  typeof value === "string"
    ? value.length
    : typeof value === "object" && value !== null
      ? Math.max(0, ...Object.values(value).map(longest))
      : 0;

/** The statuses of rings and baselines after a plan at that size, as an API server with our schemas took them. */
async function statusesAt(nodes: number): Promise<readonly Status[]> {
  const rig = await createRig({ machines: [], workloads: [], repository: null });
  const input = largeFleet({ nodes, workloads: Math.ceil(nodes / 5), baselines: 10 });
  for (const { name, spec } of input.policy.rings) await rig.admin.create(ROLLOUT_RINGS, { metadata: { name }, spec });
  for (const { name, spec } of input.policy.baselines) {
    // The schema wants a minimum; this test's plan does not.
    const node = spec.node === undefined ? {} : { node: { ...spec.node, minimum: { kubelet: "1.31.0" } } };
    await rig.admin.create(PATCH_BASELINES, { metadata: { name }, spec: { ...spec, ...node } });
  }
  const plan = makePlan(input);
  const client = rig.admin;
  const status = {
    client,
    now: plan.at,
    objects: await listing(client).read(),
    plan,
    stored: input.stored,
    claimed: new Set<string>(),
    budget: 0,
    onError: (error: unknown) => {
      throw error;
    },
    record: () => undefined,
  };
  expect(await writeRingStatuses(status)).toEqual(new Set());
  await writeBaselineStatuses(
    status,
    input.policy.baselines.map(({ name }) => ({
      name,
      candidate: input.candidates.get(name),
      offered: undefined,
      problem: undefined,
    })),
  );
  // More targets than the schema keeps are swept up behind the rollout.
  for (let lost = 0; lost < 520; lost += 1)
    await recordLost(client, {
      uid: `00000000-0000-4000-8000-${String(lost).padStart(12, "0")}`,
      id: "c",
      kind: "Node",
      name: "n",
      cluster: "rig",
      ring: "canary",
      baseline: plan.rings[0]?.levels[0]?.baseline ?? "",
      level: "l",
      digest: plan.rings[0]?.levels[0]?.digest ?? "",
      since: "2024-12-16T07:00:00Z",
    });
  const objects = await listing(client).read();
  return [...objects.rings, ...objects.baselines].map((object) => object.status as Status);
}

describe("statuses", () => {
  it("stay small at 5,000 nodes, and grow with their number by digits only (S3)", async () => {
    const [few, many] = [await statusesAt(500), await statusesAt(5_000)];

    expect(many.length).toBe(14);
    for (const [index, status] of many.entries()) {
      expect(sizeOf(status)).toBeLessThan(64 * KIB);
      expect(sizeOf(status) - sizeOf(few[index])).toBeLessThan(2 * KIB);
      expect(longest(status)).toBeLessThanOrEqual(1024);
    }
    const lost = many.flatMap((status) =>
      ((status["levels"] ?? []) as Status[]).flatMap((level) => level["lost"] ?? []),
    );
    expect(lost.length).toBe(500);
    expect(lost.at(-1)).toBe("00000000-0000-4000-8000-000000000519");
  });
});

describe("a ring that nobody approved anything for", () => {
  it("says so beside its count, in which all of its targets may be compliant, and no longer once something is approved", async () => {
    const file = ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest");
    const rig = await createRig({ workloads: [], files: { "rings/canary.yaml": file } });
    const message = async (): Promise<string> => {
      const conditions = ((await rig.ring())["conditions"] ?? []) as Condition[];
      return conditions.find(({ type }) => type === "Ready")?.message ?? "";
    };
    await rig.until("a person is asked", () => rig.forge.people.pulls().some(({ state }) => state === "open"));
    await rig.run(2);
    expect(await message()).toMatch(/^ring canary is approved for no level yet: \d of 3 compliant$/);

    rig.forge.people.merge(rig.forge.people.pulls()[0]?.number ?? 0, "ann");
    await rig.until("it is known", async () => !(await message()).includes("approved for no level"));
  });
});
