// What stops everything, or a ring, while a node and a workload are in change: Stop, Observe, a rewritten history, a calendar that goes away, a
// ledger that is lost or comes back old, states that are lost.
import { oldImage } from "../../../controller/sandbox/fleet/images.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import {
  DISRUPTION_LEDGERS,
  JOBS,
  NODE_PATCH_STATES,
  POLICY_REPOSITORIES,
  ROLLOUT_RINGS,
} from "../../../controller/kube/resources.ts";
import { at, listAt, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import type { Deed } from "../../sweep/stage.ts";
import type { Stage } from "../../sweep/stage.ts";
import { keepsModes, keepsStill } from "../promises.ts";
import type { Scene } from "../scene.ts";
import {
  claims,
  commit,
  deed,
  edit,
  file,
  FLATCAR,
  fleet,
  IMAGES,
  isAt,
  isCordoned,
  isPast,
  LIMITS,
  look,
  mode,
  pod,
  ring,
  RING,
  rings,
  until,
} from "./parts.ts";

const NODES = ["n-1", "n-2", "n-3"];
const HOLD = "tuppr.home-operations.com/upgrading";

const EVERY_DAY = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: all-day }
spec:
  windows: [{ schedule: "0 0 * * *", duration: 23h }]
`;

function scene(deeds: readonly Deed[], minutes = 20, spec = ""): Scene {
  return {
    isRough: true,
    promises: [keepsModes],
    scenario: until(minutes, {
      fleet: () =>
        fleet(
          NODES.map((name, place) => ({ name, ring: place < 2 ? "one" : "two", zone: `zone-${name}` })),
          [
            { name: "web", ring: "one" },
            { name: "api", ring: "two" },
          ],
          [pod("p-1", "n-1"), pod("p-2", "n-2")],
        ),
      policy: async () => ({
        ...(await FLATCAR()),
        "baselines/images.yaml": IMAGES,
        "calendars/all-day.yaml": EVERY_DAY,
        ...rings({
          one: ring(
            "one",
            `  drain: { timeout: 10m, barePods: Evict }\n  calendarRefs: [{ name: all-day }]\n  budget: { nodes: 1, workloads: 1 }\n${spec}`,
            ["flatcar", "images"],
          ),
          two: ring("two", "  after: [one]\n  drain: { timeout: 10m, barePods: Evict }\n", ["flatcar", "images"]),
        }),
      }),
      deeds,
    }),
  };
}

const someCordoned = (stage: Stage): boolean => NODES.some((name) => isAt(stage, name, "Cordoned"));
const patching = (stage: Stage): boolean =>
  textAt(look(stage, "workloadpatchstates.ringward.dev", "shop/deployment-web"), "status", "operation", "step") ===
  "Patching";

const isIn = (stage: Stage, wanted: string): boolean =>
  textAt(look(stage, "disruptionledgers.ringward.dev", "cluster"), "spec", "mode") === wanted;
const isQuietIn =
  (wanted: string) =>
  (stage: Stage): boolean =>
    isIn(stage, wanted) && claims(stage).length === 0;

/** Stop at the cordon, go on; Observe at the second cordon, go on. */
export const STOPPED = scene(
  [
    deed("people say stop while a workload is about to be patched", patching, (stage) => mode(stage, "Stop")),
    deed("and go on", isQuietIn("Stop"), (stage) => mode(stage, "Enforce")),
    deed(
      "people say stop while a node is cordoned, which another tool holds, too",
      (stage) => isIn(stage, "Enforce") && someCordoned(stage),
      async (stage) => {
        const name = NODES.find((one) => isAt(stage, one, "Cordoned")) ?? "";
        await edit(stage, name, { labels: { [HOLD]: "true" } });
        await mode(stage, "Stop");
      },
    ),
    deed("and go on again", isQuietIn("Stop"), async (stage) => {
      for (const name of NODES) await edit(stage, name, { labels: { [HOLD]: null } });
      await mode(stage, "Enforce");
    }),
    deed(
      "people go back to Observe while another node is cordoned",
      (stage) => isIn(stage, "Enforce") && isAt(stage, "n-2", "Cordoned"),
      (stage) => mode(stage, "Observe"),
    ),
    deed("and go on once more", isQuietIn("Observe"), (stage) => mode(stage, "Enforce")),
  ],
  40,
);

/** The branch is rewritten while a node is cordoned; accepted later. */
export const REWRITTEN = scene([
  deed("the branch is rewritten", someCordoned, (stage) => {
    const people = stage.house?.remote.people;
    const head = people?.head("main");
    if (people === undefined || head === undefined) return;
    const [parent] = people.commit(head).parents;
    if (parent === undefined) return;
    people.forcePush("main", parent);
    commit(stage, { "README.md": "another history" });
  }),
  deed(
    "a person accepts it",
    (stage) => isPast(stage, "07:04:00"),
    async (stage) => {
      const acknowledgedCommit = stage.house?.remote.people.head("main");
      await stage.admin.patch(
        POLICY_REPOSITORIES,
        { name: "policy" },
        { type: "merge", body: { spec: { acknowledgedCommit } } },
      );
    },
  ),
]);

/** The ring's calendar goes away while a node is cordoned, and comes back. */
export const CALENDAR_GONE = scene([
  deed("the calendar is deleted", someCordoned, (stage) => commit(stage, { "calendars/all-day.yaml": null })),
  deed(
    "it comes back",
    (stage) => isPast(stage, "07:04:00"),
    (stage) => commit(stage, { "calendars/all-day.yaml": EVERY_DAY }),
  ),
]);

async function deleteLedger(stage: Stage): Promise<void> {
  const uid = textAt(look(stage, "disruptionledgers.ringward.dev", "cluster"), "metadata", "uid") ?? "";
  await stage.admin.delete(DISRUPTION_LEDGERS, { name: "cluster" }, { uid });
  await stage.admin.create(DISRUPTION_LEDGERS, {
    metadata: { name: "cluster" },
    spec: { mode: "Enforce", limits: LIMITS },
  } as KubeObject);
}

/** The ledger is deleted while a node is claimed, and again while one is cordoned. */
export const LEDGER_LOST = scene(
  [
    deed(
      "the ledger is deleted, and made anew, while an operation has begun",
      (stage) => isAt(stage, "n-1", "Claimed") || isAt(stage, "n-2", "Claimed"),
      deleteLedger,
    ),
    deed(
      "and again while a node is cordoned",
      (stage) => isPast(stage, "07:01:00") && NODES.some((name) => isCordoned(stage, name)),
      deleteLedger,
    ),
    deed(
      "and while a workload is marked",
      (stage) => {
        const marks = at(look(stage, "deployments.apps", "shop/api"), "metadata", "annotations");
        return textAt(marks, "ringward.dev/claim") !== undefined;
      },
      deleteLedger,
    ),
  ],
  8,
);

async function restoreLedger(stage: Stage): Promise<void> {
  const versions = stage.cluster.server.store
    .history()
    .filter(({ resource }) => resource === "disruptionledgers.ringward.dev");
  const old = versions.find(({ object }) => at(object.status, "rebuiltTime") !== undefined)?.object;
  const now = (await stage.admin.get(DISRUPTION_LEDGERS, { name: "cluster" })) as KubeObject;
  await stage.admin.updateStatus(DISRUPTION_LEDGERS, { ...now, status: old?.status });
}

/** An old copy of the ledger is put back while a node is cordoned. */
export const LEDGER_OLD = scene([
  deed(
    "an old copy of the ledger is put back",
    (stage) => NODES.some((name) => isCordoned(stage, name)),
    restoreLedger,
  ),
]);

/** The state of a cordoned node is deleted. */
export const STATE_LOST = scene([
  deed("the state of a cordoned node is deleted", someCordoned, async (stage) => {
    const name = NODES.find((one) => isAt(stage, one, "Cordoned")) ?? "";
    const uid = textAt(look(stage, "nodepatchstates.ringward.dev", name), "metadata", "uid") ?? "";
    await stage.admin.delete(NODE_PATCH_STATES, { name }, { uid });
  }),
]);

/** The ring of a cordoned node is deleted, in Git and in the cluster. */
export const RING_GONE = scene([
  deed(
    "the ring is deleted",
    (stage) => isAt(stage, "n-1", "Cordoned") || isAt(stage, "n-2", "Cordoned"),
    async (stage) => {
      commit(stage, { "rings/one.yaml": null });
      const uid = textAt(look(stage, "rolloutrings.ringward.dev", "one"), "metadata", "uid") ?? "";
      await stage.admin.delete(ROLLOUT_RINGS, { name: "one" }, { uid });
    },
  ),
]);

/** No update begins under a claim of a ring that is gone. */
function keepsRings(history: readonly StoredVersion[]): readonly string[] {
  const gone = new Set<string>();
  const ringOf = new Map<string, string>();
  const lines: string[] = [];
  for (const { resource, object, previous, type } of history) {
    if (resource === "rolloutrings.ringward.dev" && type === "DELETED") gone.add(object.metadata.name);
    if (resource === "disruptionledgers.ringward.dev")
      for (const claim of listAt(object, "status", "claims"))
        ringOf.set(textAt(claim, "id") ?? "", textAt(claim, "ring") ?? "");
    if (resource !== "jobs.batch" || at(previous?.spec, "suspend") !== true || at(object.spec, "suspend") === true)
      continue;
    const ring = ringOf.get(object.metadata.labels?.["ringward.dev/claim"] ?? "");
    if (ring !== undefined && gone.has(ring))
      lines.push(`ring jobs/${object.metadata.name}: it was let run under a claim of ring ${ring}, which is gone`);
  }
  return lines;
}

/** A ring gets another name while one of its nodes is cordoned: the new one is approved for the same level and selects the same nodes. */
export const RING_RENAMED: Scene = (() => {
  const renamed = scene([
    deed("the ring is renamed", someCordoned, async (stage) => {
      const text = file(stage, "rings/one.yaml").replace("name: one }", "name: uno }");
      commit(stage, { "rings/one.yaml": null, "rings/uno.yaml": text });
      const uid = textAt(look(stage, "rolloutrings.ringward.dev", "one"), "metadata", "uid") ?? "";
      await stage.admin.delete(ROLLOUT_RINGS, { name: "one" }, { uid });
    }),
  ]);
  return { ...renamed, promises: [...(renamed.promises ?? []), keepsRings] };
})();

/** The file of a level gets other content under its name, once while a node is cordoned and once while another one is updated; then it is put back. */
const forge = (stage: Stage, from: string, to: string): void => {
  const level = /level: (flatcar-\S+)/.exec(file(stage, "rings/one.yaml"))?.[1] ?? "";
  const path = `levels/${level}.yaml`;
  commit(stage, { [path]: file(stage, path).replaceAll(from, to) });
};
const [REAL, FORGED] = ["3975.2.2", "3975.2.1"];

export const LEVEL_FORGED: Scene = {
  ...scene(
    [
      deed("the level is changed under a cordoned node", someCordoned, (stage) => forge(stage, REAL, FORGED)),
      deed(
        "and put back",
        (stage) => isPast(stage, "07:03:00"),
        (stage) => forge(stage, FORGED, REAL),
      ),
      deed(
        "it is changed while a node is updated",
        (stage) => isPast(stage, "07:03:30") && NODES.some((name) => isAt(stage, name, "Updating")),
        (stage) => forge(stage, REAL, FORGED),
      ),
      deed(
        "and put back again",
        (stage) => isPast(stage, "07:09:00"),
        (stage) => forge(stage, FORGED, REAL),
      ),
    ],
    25,
  ),
  // What was begun waits for its level, and goes on with no other.
  promises: [keepsModes, keepsStill("n-1", "07:05:45", "07:09:00")],
};

/** The branch is rewritten before anything was asked for, and nobody accepts it. */
export const REWRITTEN_EARLY: Scene = {
  isRough: true,
  scenario: until(15, {
    fleet: () => fleet([{ name: "n-1", ring: "one" }]),
    policy: async () => ({ ...(await FLATCAR()), ...rings({ one: ring("one", "  promotion: PullRequest\n") }) }),
    answer: () => Promise.resolve(),
    repository: { interval: "1s" },
    deeds: [
      deed(
        "the branch is rewritten",
        () => true,
        (stage) => {
          const people = stage.house?.remote.people;
          const head = people?.head("main");
          if (people === undefined || head === undefined) return;
          const { tree } = people.commit(head);
          people.deleteBranch("main");
          people.commitFiles("main", Object.fromEntries([...tree].map(([path, { bytes }]) => [path, bytes])), {
            message: "another history",
            time: stage.clock.now(),
          });
        },
      ),
    ],
  }),
};

const isOurs = ({ head }: { readonly head: string }): boolean => head.startsWith("ringward/one/");

/** People refuse a proposal, and then the forge's lists cannot be read. */
export const FORGE_UNREAD: Scene = {
  isRough: true,
  isForgeUnread: (stage) =>
    stage.house?.forge.people.pulls().some((pull) => isOurs(pull) && pull.state !== "open") === true &&
    !isPast(stage, "07:08:00"),
  scenario: until(6, {
    fleet: () => fleet([{ name: "n-1", ring: "one" }]),
    policy: async () => ({ ...(await FLATCAR()), ...rings({ one: ring("one", "  promotion: PullRequest\n") }) }),
    answer: () => Promise.resolve(),
    deeds: [
      deed(
        "people refuse a proposal",
        (stage) => stage.house?.forge.people.pulls().some(isOurs) === true,
        (stage) => {
          const people = stage.house?.forge.people;
          const pull = people?.pulls().find(isOurs);
          if (pull !== undefined) people?.close(pull.number, "ana");
        },
      ),
    ],
  }),
};

/** What is asked about one node's pods is answered with an error; the others are served all the same. */
export const POISONED: Scene = {
  isRough: true,
  scenario: until(6, {
    fleet: () => fleet(NODES.map((name) => ({ name, ring: `of-${name}`, zone: `zone-${name}` }))),
    policy: async () => ({
      ...(await FLATCAR()),
      ...rings(Object.fromEntries(NODES.map((name) => [`of-${name}`, ring(`of-${name}`)]))),
    }),
  }),
  interrupts: [
    {
      name: "pods of a node cannot be listed",
      before: (_, { method, path, query }) =>
        method === "GET" && path.endsWith("/pods") && query?.["fieldSelector"] === "spec.nodeName=n-1",
      act: () => {
        throw new Error("etcd does not answer");
      },
      always: true,
    },
  ],
};

/** A node joins an approved ring when nobody has read the repository for longer than that may be. */
const joins = (at: string): Deed =>
  deed(
    "a node joins",
    (stage) => isPast(stage, at),
    (stage) =>
      stage.cluster.machines.join({
        name: "n-2",
        labels: { [RING]: "one", "topology.kubernetes.io/zone": "zone-b" },
        image: oldImage("flatcar"),
      }),
  );

function unread(isGitDown: Scene["isGitDown"], deeds: readonly Deed[]): Scene {
  return {
    isRough: true,
    livesOn: true,
    ...(isGitDown === undefined ? {} : { isGitDown }),
    scenario: until(40, {
      fleet: () => fleet([{ name: "n-1", ring: "one" }]),
      policy: async () => ({ ...(await FLATCAR()), ...rings({ one: ring("one") }) }),
      repository: { maxStaleness: "10m" },
      deeds,
    }),
  };
}

/** Git does not answer for half an hour. */
export const GIT_DOWN = unread((stage) => isPast(stage, "07:03:00"), [joins("07:20:00")]);

/** People suspend the repository. */
export const REPOSITORY_SUSPENDED = unread(undefined, [
  deed(
    "the repository is suspended",
    (stage) => isPast(stage, "07:03:00"),
    async (stage) => {
      const body = { spec: { suspend: true } };
      await stage.admin.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body });
    },
  ),
  joins("07:20:00"),
]);

const accept = async (stage: Stage): Promise<void> => {
  const acknowledgedCommit = stage.house?.remote.people.head("main");
  const body = { spec: { acknowledgedCommit } };
  await stage.admin.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body });
};

/** The branch is rewritten, a person accepts that, and while it is accepted it moves on; later it goes back to what was accepted once. */
export const REWRITTEN_TWICE: Scene = (() => {
  let accepted: string | undefined;
  return {
    isRough: true,
    scenario: until(30, {
      fleet: () =>
        fleet([
          { name: "n-1", ring: "one" },
          { name: "n-2", ring: "two", zone: "zone-b" },
        ]),
      policy: async () => ({
        ...(await FLATCAR()),
        ...rings({ one: ring("one"), two: ring("two", "  suspend: true\n") }),
      }),
      deeds: [
        deed("the branch is rewritten", someCordoned, (stage) => {
          const people = stage.house?.remote.people;
          const head = people?.head("main");
          const [parent] = head === undefined || people === undefined ? [] : people.commit(head).parents;
          if (people === undefined || parent === undefined) return;
          people.forcePush("main", parent);
          commit(stage, { "README.md": "another history" });
        }),
        deed(
          "a person accepts it, and somebody writes on",
          (stage) => isPast(stage, "07:04:00"),
          async (stage) => {
            accepted = stage.house?.remote.people.head("main");
            await accept(stage);
            commit(stage, { "README.md": "and on" });
          },
        ),
        deed(
          "the branch goes back to what was accepted then",
          (stage) => isPast(stage, "07:10:00") && accepted !== undefined,
          (stage) => stage.house?.remote.people.forcePush("main", accepted as never),
        ),
        deed(
          "a node joins",
          (stage) => isPast(stage, "07:12:00"),
          (stage) =>
            stage.cluster.machines.join({
              name: "n-3",
              labels: { [RING]: "one", "topology.kubernetes.io/zone": "zone-c" },
              image: oldImage("flatcar"),
            }),
        ),
      ],
    }),
  };
})();

/** Jobs of updates that wait to be let run. */
function waiting(stage: Stage, node: string): KubeObject | undefined {
  const jobs = [...(stage.cluster.server.store.snapshot().tables.get("jobs.batch")?.objects.values() ?? [])];
  return jobs.find(
    (job) => at(job, "spec", "suspend") === true && textAt(job, "spec", "template", "spec", "nodeName") === node,
  ) as KubeObject | undefined;
}

/** In the end no job waits to be let run, and one whose claim is over is not left to whoever cleans up. */
function keepsNoJobs(history: readonly StoredVersion[]): readonly string[] {
  const left = new Set<string>();
  const over = new Map<string, number>();
  const lines: string[] = [];
  for (const { resource, key, object, previous, type, time } of history) {
    if (resource === "disruptionledgers.ringward.dev") {
      const now = new Set(listAt(object, "status", "claims").map((claim) => textAt(claim, "id")));
      for (const claim of listAt(previous, "status", "claims"))
        if (!now.has(textAt(claim, "id"))) over.set(textAt(claim, "id") ?? "", time);
    }
    if (resource !== "jobs.batch") continue;
    const isWaiting = at(object.spec, "suspend") === true;
    if (type !== "DELETED" && isWaiting) left.add(key);
    else left.delete(key);
    const since = over.get(object.metadata.labels?.["ringward.dev/claim"] ?? "") ?? time;
    if (type === "DELETED" && isWaiting && !key.endsWith("-late") && time - since > 120_000)
      lines.push(`left ${key}: it waited to be let run long after its claim was over`);
  }
  return [...lines, ...[...left].map((key) => `left ${key}: it waits to be let run, and its claim is over`)];
}

/** People say stop while a job waits, delete another one that waits, and a third one comes when its claim is long over. */
export const LEFT_JOBS: Scene = {
  ...scene(
    [
      deed(
        "people say stop while the job of an update waits",
        (stage) => waiting(stage, "n-1") !== undefined,
        (stage) => mode(stage, "Stop"),
      ),
      deed("and go on", isQuietIn("Stop"), (stage) => mode(stage, "Enforce")),
      deed(
        "somebody deletes a job that waits, and was written down",
        (stage) => waiting(stage, "n-2") !== undefined && isAt(stage, "n-2", "Updating"),
        async (stage) => {
          const { name = "", namespace, uid = "" } = waiting(stage, "n-2")?.metadata ?? {};
          await stage.admin.delete(JOBS, { name, namespace }, { uid, propagationPolicy: "Background" });
        },
      ),
      deed(
        "a controller that stood still makes a job of a claim that is over",
        (stage) => isPast(stage, "07:05:00") && claims(stage).length === 0,
        async (stage) => {
          const made = stage.cluster.server.store
            .history()
            .find(({ resource, type }) => resource === "jobs.batch" && type === "ADDED")?.object;
          if (made === undefined) return;
          const { name, namespace, labels, annotations } = made.metadata;
          await stage.admin.create(JOBS, {
            metadata: { name: `${name}-late`, namespace, labels, annotations },
            spec: { ...(made.spec as object), suspend: true },
          } as KubeObject);
        },
      ),
    ],
    35,
  ),
  promises: [keepsModes, keepsNoJobs],
};
