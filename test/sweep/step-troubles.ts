// What may happen at a step beside what people do: a leader that sleeps, machines that lie or never come back, a ledger that is lost or old, Git and
// forges that are away, and webhooks that come twice.
import { DISRUPTION_LEDGERS } from "../../controller/kube/resources.ts";
import { DEEDS } from "../simulate/deeds.ts";
import { bear, passOf, type Run, turn } from "../simulate/run.ts";
import type { Blow } from "./step.ts";

// ------------------------------------------------------------------------------------------------------- leaders

/** The leader sleeps with a request in its hand while another one leads for so many passes; then both go on. */
const sleeps = (passes: number): Blow => ({
  name: `the leader sleeps for ${passes} passes of another one, wakes and sends what it had in hand`,
  stays: 6,
  async strike(run, place) {
    if (run.players.length === 1) bear(run);
    const heir = run.players.length - 1 - place;
    for (let pass = 0; pass < passes; pass += 1) {
      await passOf(run, heir);
      await turn(run);
    }
    return `${passes} passes`;
  },
});

export const SLEEPS: readonly Blow[] = [
  sleeps(1),
  sleeps(5),
  sleeps(20),
  { ...sleeps(4), name: "the leaders sleep in turns for 4 passes of the other one", every: 41 },
];

// ------------------------------------------------------------------------------------------------------- machines

const machine = (name: string, how: (run: Run, node: string) => void): Blow => ({
  name: `a machine ${name}`,
  stays: 14,
  strike(run) {
    const node = run.trouble.aim;
    if (node === undefined || run.stage.cluster.machines.get(node) === undefined) return undefined;
    how(run, node);
    return node;
  },
});

export const MACHINES: readonly Blow[] = [
  machine("never comes back from its reboot", ({ stage }, node) => stage.cluster.machines.neverReadyAfterReboot(node)),
  machine("comes back on its old kernel", ({ stage }, node) => stage.cluster.machines.bootOldKernel(node)),
  machine("says 0 and has updated nothing", ({ stage }, node) => stage.cluster.machines.dropUpdate(node)),
  machine("says 143 though it has updated", ({ stage }, node) => stage.cluster.machines.lieWith(node, 143)),
  machine("says 143 and has updated nothing", ({ stage }, node) => {
    stage.cluster.machines.dropUpdate(node);
    stage.cluster.machines.lieWith(node, 143);
  }),
  machine("fails to update", ({ stage }, node) => stage.cluster.machines.failUpdate(node)),
  machine("vanishes", ({ stage, trouble }, node) => {
    const { machines } = stage.cluster;
    const spec = machines.specs().find(({ name }) => name === node);
    machines.vanish(node);
    if (spec !== undefined) trouble.undo.push(() => machines.join(spec));
  }),
];

// --------------------------------------------------------------------------------------------------------- ledger

const LEDGER = { name: "cluster" };

const gone = (isBack: boolean): Blow => ({
  name: isBack ? "the ledger is deleted, and made anew by a person" : "the ledger is deleted",
  stays: 5,
  async strike({ stage: { admin, scenario }, players }, place) {
    // Evictions of one drain follow each other without another look at the ledger: the mark on the node is what they are made under.
    if (players[place]?.flight.waiting[0]?.name.includes("/eviction") === true) return undefined;
    const there = await admin.get(DISRUPTION_LEDGERS, LEDGER);
    if (there === undefined) return undefined;
    await admin.delete(DISRUPTION_LEDGERS, LEDGER, { uid: there.metadata.uid ?? "" });
    const spec = { mode: "Enforce", limits: scenario.limits };
    if (isBack) await admin.create(DISRUPTION_LEDGERS, { metadata: LEDGER, spec });
    return "it is gone";
  },
});

/** Its status is as it was so many versions ago, as a backup brings it back. */
const restored = (versions: number): Blow => ({
  name: `the ledger is restored as it was ${versions} versions ago`,
  stays: 5,
  async strike({ stage: { admin, cluster } }) {
    const key = "disruptionledgers.ringward.dev/cluster";
    const all = cluster.server.store.history().filter((version) => version.key === key && version.type !== "DELETED");
    const old = all.at(-1 - versions) ?? all[0];
    if (old === undefined || (await admin.get(DISRUPTION_LEDGERS, LEDGER)) === undefined) return undefined;
    const body = [{ op: "add" as const, path: "/status", value: old.object.status ?? {} }];
    await admin.patch(DISRUPTION_LEDGERS, LEDGER, { type: "json", body }, { subresource: "status" });
    return `of ${new Date(old.time).toISOString()}`;
  },
});

export const LEDGERS: readonly Blow[] = [
  gone(true),
  gone(false),
  restored(1),
  restored(4),
  restored(12),
  restored(1000),
];

// ----------------------------------------------------------------------------------------------- Git and the forge

const away = (name: string, what: { readonly git: boolean; readonly forge: boolean }, stays: number): Blow => ({
  name: `${name} away for ${stays} passes`,
  stays,
  strike({ trouble }) {
    trouble.gitDown = what.git;
    trouble.forgeDown = what.forge;
    return name;
  },
});

const rewrite = DEEDS.find(({ name }) => name === "rewrites the history");

export const HOUSES: readonly Blow[] = [
  away("Git is", { git: true, forge: false }, 3),
  away("Git is", { git: true, forge: false }, 15),
  away("the forge is", { git: false, forge: true }, 3),
  away("the forge is", { git: false, forge: true }, 15),
  away("both are", { git: true, forge: true }, 8),
  { name: "the history is rewritten", stays: 6, strike: ({ trouble }) => rewrite?.act(trouble) },
  {
    name: "a webhook comes twice at each write",
    every: 1,
    stays: 2,
    strike({ players }, place) {
      players[place]?.poke();
      players[place]?.poke();
      return "twice";
    },
  },
];
