// The forecast of evictions against the API server that decides them: never "cannot" where an eviction succeeds, and never "can" where a
// budget allows nothing. And dry runs, which change nothing.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import { projectPdb } from "../../controller/inventory/project-pdb.ts";
import { projectPod } from "../../controller/inventory/project-pod.ts";
import { type Projected, valuesOf } from "../../controller/inventory/projected.ts";
import {
  foreseeEviction,
  foreseeNever,
  indexBudgets,
  lastingBudgets,
} from "../../controller/core/operations/budgets.ts";
import { MERGE, pod, PODS, setting } from "../sandbox/apiserver/support.ts";

const PDBS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
const DRY = { query: { dryRun: "All" } } as const;
const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "a" } };

interface Drawn {
  readonly phase: string;
  readonly ready: boolean;
  readonly deleting: boolean;
  readonly budgets: readonly {
    readonly selects: boolean;
    readonly policy: string | undefined;
    readonly observed: number;
    readonly allowed: number;
    readonly current: number;
    readonly desired: number;
    readonly expected: number;
  }[];
}

const drawn: fc.Arbitrary<Drawn> = fc.record({
  phase: fc.constantFrom("Running", "Running", "Running", "Pending", "Succeeded", "Failed"),
  ready: fc.boolean(),
  deleting: fc.boolean(),
  budgets: fc.array(
    fc.record({
      selects: fc.boolean(),
      policy: fc.constantFrom(undefined, "AlwaysAllow", "IfHealthyBudget"),
      observed: fc.constantFrom(0, 1, 1, 1),
      allowed: fc.nat(2),
      current: fc.nat(3),
      desired: fc.nat(3),
      expected: fc.nat(3),
    }),
    { maxLength: 3 },
  ),
});

/** A server with one pod and its budgets, and what the controller reads of them. */
async function arrange({ phase, ready, deleting, budgets }: Drawn) {
  const place = setting();
  await place.ok("POST", PODS, pod("a", { app: "web" }));
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  // A pod that has ended goes at once when it is deleted; one that ends while it is deleted waits for its kubelet.
  if (deleting) await place.ok("DELETE", `${PODS}/a`);
  await place.ok("PATCH", `${PODS}/a/status`, { status: { phase, conditions } }, MERGE);
  for (const [at, one] of budgets.entries()) {
    const { policy, observed, allowed, current, desired, expected } = one;
    await place.ok("POST", PDBS, {
      metadata: { name: `b${at}` },
      spec: {
        minAvailable: 1,
        selector: { matchLabels: { app: one.selects ? "web" : "other" } },
        ...(policy === undefined ? {} : { unhealthyPodEvictionPolicy: policy }),
      },
    });
    const numbers = {
      disruptionsAllowed: allowed,
      currentHealthy: current,
      desiredHealthy: desired,
      expectedPods: expected,
    };
    await place.ok("PATCH", `${PDBS}/b${at}/status`, { status: { observedGeneration: observed, ...numbers } }, MERGE);
  }
  const list = async (path: string): Promise<readonly KubeObject[]> =>
    ((await place.ok("GET", path)) as unknown as { items: KubeObject[] }).items;
  const read = <T>(one: Projected<T>): T => valuesOf([one])[0] as T;
  const asset = read(projectPod(await place.ok("GET", `${PODS}/a`))).asset;
  const pdbs = (await list(PDBS)).map((object) => read(projectPdb(object)));
  return { place, asset, pdbs };
}

describe("the arithmetic of budgets", () => {
  it("foresees exactly what the server answers, to a dry run and to the eviction itself", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async (given) => {
        const { place, asset, pdbs } = await arrange(given);
        const foreseen = foreseeEviction(asset, indexBudgets(pdbs));
        const before = place.server.store.revision();

        const dry = await place.send("POST", `${PODS}/a/eviction`, eviction, DRY);

        expect(place.server.store.revision()).toBe(before);
        const real = await place.send("POST", `${PODS}/a/eviction`, eviction);
        expect(dry.status).toBe(real.status);
        const wanted = foreseen === undefined ? 201 : foreseen.reason === "PDBConflict" ? 500 : 429;
        expect({ given, status: real.status }).toEqual({ given, status: wanted });
      }),
      { numRuns: 300 },
    );
  });

  it("calls never only what is refused now, and remembers of budgets no more than that needs", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async (given) => {
        const { asset, pdbs } = await arrange(given);
        const now = foreseeEviction(asset, indexBudgets(pdbs));
        const never = foreseeNever(asset, indexBudgets(pdbs));
        const lasting = foreseeNever(asset, lastingBudgets(pdbs));

        if (never !== undefined) expect(never).toEqual(now);
        // A status that is older than its spec says nothing that lasts; a pod that is not ready is looked at when its turn comes.
        if (lasting !== undefined && !pdbs.some(({ outdated }) => outdated === true))
          expect(lasting.reason).toBe(never?.reason);
        if (never !== undefined && asset.ready) expect(lasting?.reason).toBe(never.reason);
      }),
      { numRuns: 300 },
    );
  });

  it("says what a person has to know: a single replica, a budget that wants all, one that is short, two on one pod", async () => {
    const base = { selects: true, policy: undefined, observed: 1, allowed: 0 };
    const say = async (...budgets: Drawn["budgets"]): Promise<string | undefined> => {
      const { asset, pdbs } = await arrange({ phase: "Running", ready: true, deleting: false, budgets });
      const refusal = foreseeEviction(asset, indexBudgets(pdbs));
      return refusal && `${refusal.reason}: ${refusal.why}`;
    };

    expect(await say({ ...base, current: 1, desired: 1, expected: 1 })).toMatch(/^PDBNeverAllows: .*only replica/);
    expect(await say({ ...base, current: 3, desired: 3, expected: 3 })).toMatch(
      /^PDBNeverAllows: .* b0 wants 3 of its 3/,
    );
    expect(await say({ ...base, current: 2, desired: 2, expected: 3 })).toMatch(
      /^PDBBlocked: .*\(2 healthy, 2 wanted\)$/,
    );
    const two = { ...base, current: 3, desired: 1, expected: 3, allowed: 2 };
    expect(await say(two, two)).toMatch(/^PDBConflict: .* b0 and b1/);
    expect(await say(two)).toBeUndefined();
  });
});

describe("a dry run", () => {
  it("may be asked for in the query or the body, and not for different things in both", async () => {
    const { place } = await arrange({ phase: "Running", ready: true, deleting: false, budgets: [] });
    const inBody = { ...eviction, deleteOptions: { dryRun: ["All"] } };

    expect((await place.send("POST", `${PODS}/a/eviction`, inBody, DRY)).status).toBe(201);
    expect((await place.send("POST", `${PODS}/a/eviction`, inBody)).status).toBe(201);
    const other = { ...eviction, deleteOptions: { dryRun: ["Some"] } };
    expect((await place.send("POST", `${PODS}/a/eviction`, other, DRY)).status).toBe(400);
    expect((await place.ok("GET", `${PODS}/a`)).metadata.deletionTimestamp).toBeUndefined();
  });
});
