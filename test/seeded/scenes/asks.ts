// How often one asks, and who is told what: evictions that a budget refuses for minutes, and a second PolicyRepository.
import { POD_DISRUPTION_BUDGETS, POLICY_REPOSITORIES } from "../../../controller/kube/resources.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { listAt, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Scene } from "../scene.ts";
import { budget, deed, FLATCAR, fleet, isAt, isPast, look, pod, ring, rings, tighten, until } from "./parts.ts";

const policy = async (): Promise<Readonly<Record<string, string>>> => ({
  ...(await FLATCAR()),
  ...rings({ one: ring("one", "  drain: { timeout: 10m, barePods: Evict }\n") }),
});

/** Each second of three minutes: a pass in each, however little there is to do. */
const SECONDS = Array.from({ length: 180 }, (_, second) =>
  new Date(Date.parse("2024-12-16T07:01:00Z") + second * 1000).toISOString().slice(11, 19),
);

/** A pod is not asked for again within four seconds: where the server does not say, five are waited. */
const SOONEST_MS = 4_000;

/** A budget is spent just after the cordon, for minutes. */
export const REFUSED_OFTEN: Scene = (() => {
  const asked: number[] = [];
  return {
    isRough: true,
    livesOn: true,
    tickMs: 1_000,
    stopsAt: SECONDS,
    mostPasses: 600,
    promises: [
      () =>
        asked.flatMap((time, at) =>
          at > 0 && time - (asked[at - 1] ?? 0) < SOONEST_MS
            ? [`K6 pods/p-1: its eviction was asked for again ${time - (asked[at - 1] ?? 0)} ms after it was refused`]
            : [],
        ),
    ],
    interrupts: [
      {
        name: "an eviction is asked for",
        before: (stage, { path, query }) =>
          path.endsWith("/pods/p-1/eviction") && query?.["dryRun"] === undefined && isAt(stage, "n-1", "Cordoned"),
        act: (stage) => void asked.push(stage.clock.now()),
        always: true,
      },
    ],
    scenario: until(5, {
      fleet: () =>
        fleet([{ name: "n-1", ring: "one" }], [], [pod("p-1", "n-1"), budget("late", "p-1", { minAvailable: 0 })]),
      policy,
      deeds: [
        deed(
          "a budget is spent after the cordon",
          (stage) => isAt(stage, "n-1", "Cordoned"),
          (stage) => tighten(stage, "late", { minAvailable: 1 }),
        ),
        deed(
          "and is gone",
          (stage) => isPast(stage, "07:03:30"),
          async (stage) => {
            const uid = textAt(look(stage, "poddisruptionbudgets.policy", "shop/late"), "metadata", "uid") ?? "";
            await stage.admin.delete(POD_DISRUPTION_BUDGETS, { namespace: "shop", name: "late" }, { uid });
          },
        ),
      ],
    }),
  };
})();

/** Of a repository that counts for nothing its status says so. */
function tellsSecond(history: readonly StoredVersion[]): readonly string[] {
  const last = history.findLast(
    ({ resource, object }) => resource === "policyrepositories.ringward.dev" && object.metadata.name === "second",
  );
  const says = listAt(last?.object, "status", "conditions").some(
    (condition) => textAt(condition, "reason") === "OneRepositoryOnly",
  );
  return says ? [] : ["second policyrepositories/second: nothing tells people that it counts for nothing"];
}

/** Somebody makes a second PolicyRepository. */
export const TWO_REPOSITORIES: Scene = {
  promises: [tellsSecond],
  scenario: until(3, {
    fleet: () => fleet([{ name: "n-1", ring: "one" }]),
    policy,
    deeds: [
      deed(
        "a second repository",
        (stage) => isPast(stage, "07:01:00"),
        async (stage) => {
          const first = look(stage, "policyrepositories.ringward.dev", "policy") as { readonly spec: object };
          await stage.admin.create(POLICY_REPOSITORIES, {
            apiVersion: "ringward.dev/v1alpha1",
            kind: "PolicyRepository",
            metadata: { name: "second" },
            spec: first.spec,
          });
        },
      ),
    ],
  }),
};
