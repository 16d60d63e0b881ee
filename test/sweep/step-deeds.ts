// What people do at a step beside the deeds of simulated runs: reverts, emergencies, approvals out of turn, edits that break a file, targets that are
// made anew under their old name, and machines that join or lie.
import type { RolloutRingSpec } from "../../controller/api/rollout-ring.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { DEPLOYMENTS, NODES, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import { NODE_RING_LABEL, WORKLOAD_RING_LABEL } from "../../controller/sandbox/fleet/quickstart.ts";
import { load } from "js-yaml";
import {
  bringBack,
  type Deed,
  editLevels,
  list,
  pickOf,
  type RingDocument,
  ringsOf,
  type Trouble,
} from "../simulate/deeds.ts";

type Entry = NonNullable<RolloutRingSpec["levels"]>[number];

const ringFileOf = (ring: string): string => `rings/${ring}.yaml`;

function entriesOf({ stage }: Trouble, path: string): readonly Entry[] {
  const document = load(stage.remote.people.text("main", path) ?? "") as RingDocument | undefined;
  return document?.spec.levels ?? [];
}

/** Entries as they are wanted again, where nobody changed them since. */
function putLevelsBack({ stage, undo }: Trouble, path: string, wanted: readonly Entry[], left: readonly Entry[]): void {
  const [before, now] = [byBaseline(wanted), byBaseline(left)];
  undo.push(() => {
    editLevels(stage, path, (entry) =>
      entry.level === now.get(entry.baseline)?.level ? (before.get(entry.baseline) ?? entry) : entry,
    );
  });
}

function byBaseline(entries: readonly Entry[]): ReadonlyMap<string, Entry> {
  return new Map(entries.map((entry) => [entry.baseline, entry]));
}

function withoutExpedite(entry: Entry): Entry {
  const { expedite, ...rest } = entry;
  return expedite === undefined ? entry : rest;
}

export const MORE_DEEDS: readonly Deed[] = [
  {
    name: "reverts a ring's last approval",
    act(trouble) {
      const { people } = trouble.stage.remote;
      const path = ringFileOf(pickOf(trouble, ringsOf(trouble)) ?? "");
      const present = entriesOf(trouble, path);
      const now = people.text("main", path);
      for (let id = people.head("main"); id !== undefined; id = people.commit(id).parents[0]) {
        const text = people.commit(id).tree.get(path)?.bytes.toString("utf8");
        if (text === undefined || text === now) continue;
        const earlier = byBaseline((load(text) as RingDocument).spec.levels);
        const taken = editLevels(trouble.stage, path, (entry) => earlier.get(entry.baseline) ?? entry);
        if (taken === undefined) continue;
        putLevelsBack(trouble, path, present, entriesOf(trouble, path));
        return path;
      }
      return undefined;
    },
  },
  {
    name: "expedites what is approved",
    act(trouble) {
      const path = ringFileOf(pickOf(trouble, ringsOf(trouble)) ?? "");
      const until = new Date(trouble.stage.clock.now() + 600_000).toISOString();
      const done = editLevels(trouble.stage, path, (entry) =>
        entry.level === undefined
          ? entry
          : { ...entry, expedite: { reason: "an emergency", until, skip: ["Soak", "Windows"] } },
      );
      if (done === undefined) return undefined;
      trouble.undo.push(() => void editLevels(trouble.stage, path, withoutExpedite));
      return path;
    },
  },
  {
    name: "approves the newest level in the last ring, before its turn",
    act(trouble) {
      const rings = ringsOf(trouble);
      const first = byBaseline(entriesOf(trouble, ringFileOf(rings[0] ?? "")));
      const path = ringFileOf(rings.at(-1) ?? "");
      const done = editLevels(trouble.stage, path, (entry) => {
        const level = first.get(entry.baseline)?.level;
        return level === undefined ? entry : { ...entry, level };
      });
      return done && path;
    },
  },
  {
    name: "breaks a policy file",
    act(trouble) {
      const { remote, clock } = trouble.stage;
      const head = remote.people.head("main");
      if (head === undefined) return undefined;
      const { tree } = remote.people.commit(head);
      const path = pickOf(trouble, [...tree.keys()].filter((name) => !name.startsWith("levels/")).sort());
      const bytes = path === undefined ? undefined : tree.get(path)?.bytes;
      if (path === undefined || bytes === undefined) return undefined;
      const broken = Buffer.from(`${bytes.toString("utf8")}\n: [`);
      remote.people.commitFiles("main", { [path]: broken }, { message: "oops", time: clock.now() });
      trouble.undo.push(() => bringBack(trouble.stage, path, bytes, broken));
      return path;
    },
  },
  {
    name: "deletes a policy file",
    act(trouble) {
      const { remote, clock } = trouble.stage;
      const head = remote.people.head("main");
      if (head === undefined) return undefined;
      const { tree } = remote.people.commit(head);
      const path = pickOf(trouble, [...tree.keys()].sort());
      const bytes = path === undefined ? undefined : tree.get(path)?.bytes;
      if (path === undefined || bytes === undefined) return undefined;
      remote.people.commitFiles("main", { [path]: null }, { message: "tidy", time: clock.now() });
      trouble.undo.push(() => bringBack(trouble.stage, path, bytes, undefined));
      return path;
    },
  },
  {
    name: "edits a live ring's budget",
    async act(trouble) {
      const name = pickOf(trouble, ringsOf(trouble)) ?? "";
      if ((await trouble.stage.admin.get(ROLLOUT_RINGS, { name })) === undefined) return undefined;
      const body = { spec: { budget: { nodes: 9, workloads: 9 } } };
      await trouble.stage.admin.patch(ROLLOUT_RINGS, { name }, { type: "merge", body });
      return name;
    },
  },
  {
    name: "moves a workload to another ring",
    async act(trouble) {
      const workload = pickOf(trouble, await list(trouble, DEPLOYMENTS));
      if (workload === undefined) return undefined;
      const { name, namespace, labels } = workload.metadata;
      const rings = ringsOf(trouble);
      const now = labels?.[WORKLOAD_RING_LABEL] ?? "";
      const move = async (ring: string): Promise<void> => {
        const body = { metadata: { labels: { [WORKLOAD_RING_LABEL]: ring } } };
        await trouble.stage.admin.patch(DEPLOYMENTS, { name, namespace }, { type: "merge", body });
      };
      await move(rings[(rings.indexOf(now) + 1) % rings.length] ?? "");
      trouble.undo.push(() => move(now));
      return name;
    },
  },
  {
    name: "deletes a workload and makes it again",
    async act(trouble) {
      const { admin, scenario } = trouble.stage;
      const workload = pickOf(trouble, await list(trouble, DEPLOYMENTS));
      if (workload === undefined) return undefined;
      const { name, namespace, uid = "" } = workload.metadata;
      // As the person's own file has it: with the image that it had when the rollout began.
      const own = scenario
        .fleet()
        .objects.find(({ kind, metadata }) => kind === "Deployment" && metadata.name === name);
      if (own === undefined) return undefined;
      await admin.delete(DEPLOYMENTS, { name, namespace }, { uid, propagationPolicy: "Background" });
      await admin.create(DEPLOYMENTS, structuredClone(own) as KubeObject);
      return name;
    },
  },
  {
    name: "lets a node join",
    act(trouble) {
      const { machines } = trouble.stage.cluster;
      const like = pickOf(trouble, machines.specs());
      trouble.number += 1;
      const name = `joined-${trouble.number}`;
      if (like === undefined || machines.get(name) !== undefined) return undefined;
      machines.join({ ...like, name });
      return `${name} to ${like.labels[NODE_RING_LABEL] ?? "no ring"}`;
    },
  },
  {
    name: "takes the ring's label off a node",
    async act(trouble) {
      const node = pickOf(trouble, await list(trouble, NODES));
      if (node === undefined) return undefined;
      const body = { metadata: { labels: { [NODE_RING_LABEL]: null } } };
      await trouble.stage.admin.patch(NODES, { name: node.metadata.name }, { type: "merge", body });
      return node.metadata.name;
    },
  },
];
