// All machines of a fleet, and the troubles that tests and the demo inflict on them. Only the kubelet actor reads this;
// the API server and the controller see a machine only through what its kubelet reports.
// `snapshot` is plain JSON: put back together with the server's store it makes a run go on from that moment.
import type { Instant } from "../../clock.ts";
import type { Catalogue } from "./catalogue.ts";
import { debian } from "./debian.ts";
import { flatcar } from "./flatcar.ts";
import { booted, createMachine } from "./machine.ts";
import type { Machine, MachineImage, OsFamily } from "./machine.ts";
import { minimal } from "./minimal.ts";
import { NOT_YET, recipeStep, runRecipe } from "./program.ts";
import type { Family, Invocation, ProgramResult } from "./program.ts";
import { rhel } from "./rhel.ts";

/** A node of a fleet: its labels and what its machine is made from. */
export interface MachineSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints?: readonly {
    readonly key: string;
    readonly value?: string;
    readonly effect: "NoSchedule" | "NoExecute";
  }[];
  readonly image: MachineImage;
}

/** Troubles of one machine. */
export interface Trouble {
  /** After the next reboot the node stays NotReady until repaired. */
  readonly neverReadyAfterReboot?: boolean;
  /** Updates end with 0 and install nothing. */
  readonly dropUpdate?: boolean;
  /** Updates end with 1 and install nothing. */
  readonly failUpdate?: boolean;
  /** Updates do what they do and end with this code. */
  readonly liesWith?: number;
  /** Boots take the kernel that ran before, whatever is installed. */
  readonly oldKernel?: boolean;
  /** What `prepare` waits for is not there. */
  readonly unprepared?: boolean;
  /** How looks at the machine go wrong: they end with 1, or end well and print what is no report. */
  readonly inventory?: "Fails" | "Garbled" | undefined;
  /** Reboots end well, and the machine goes on. */
  readonly deafToReboot?: boolean;
  /** The kubelet does nothing: no Lease, no report, no pod. */
  readonly silent?: boolean;
  /** Added to every reboot, in policy milliseconds. */
  readonly slowReboot?: number;
  /** Added to every stage step, in policy milliseconds: a slow mirror. */
  readonly slowStage?: number;
}

export interface Machines {
  specs(): readonly MachineSpec[];
  get(name: string): Machine | undefined;
  put(machine: Machine): void;
  trouble(name: string): Trouble;
  /** Runs a recipe container's program and keeps what it did to the machine. */
  run(name: string, invocation: Invocation, now: Instant): ProgramResult;
  boot(name: string): Machine;
  neverReadyAfterReboot(name: string): void;
  dropUpdate(name: string, on?: boolean): void;
  failUpdate(name: string, on?: boolean): void;
  lieWith(name: string, exitCode: number): void;
  bootOldKernel(name: string, on?: boolean): void;
  unprepared(name: string, on?: boolean): void;
  blind(name: string, inventory: Trouble["inventory"]): void;
  deafToReboot(name: string): void;
  silence(name: string): void;
  slowReboot(name: string, extraMs: number): void;
  slowStage(name: string, extraMs: number): void;
  /** Takes all troubles away; a node that hung after its reboot comes Ready. */
  repair(name: string): void;
  /** The machine disappears for good, as when an autoscaler takes it away: its Node goes too. */
  vanish(name: string): void;
  /** A new machine, or a new one under an old name, from an image of any age. */
  join(spec: MachineSpec): void;
  /** Counts changes made from outside, so that a waiting actor can notice. */
  revision(): number;
  snapshot(): unknown;
  restore(state: unknown): void;
}

const FAMILIES: Readonly<Record<OsFamily, readonly Family[]>> = {
  debian: [debian, minimal],
  rhel: [rhel, minimal],
  flatcar: [flatcar, minimal],
  minimal: [minimal],
};

interface Entry {
  readonly spec: MachineSpec;
  readonly machine: Machine;
  readonly trouble: Trouble;
}

/** Throws `RangeError` for a name that no machine has. */
export function createMachines(specs: readonly MachineSpec[], catalogue: Catalogue): Machines {
  let entries = new Map<string, Entry>(specs.map((spec) => [spec.name, newEntry(spec)]));
  let revision = 0;
  const entryOf = (name: string): Entry => {
    const entry = entries.get(name);
    if (entry === undefined) throw new RangeError(`the fleet has no machine "${name}"`);
    return entry;
  };
  const change = (name: string, trouble: Trouble): void => {
    const entry = entryOf(name);
    entries.set(name, { ...entry, trouble: { ...entry.trouble, ...trouble } });
    revision += 1;
  };
  return {
    specs: () => [...entries.values()].map(({ spec }) => spec),
    get: (name) => entries.get(name)?.machine,
    put: (machine) => void entries.set(machine.name, { ...entryOf(machine.name), machine }),
    trouble: (name) => entryOf(name).trouble,
    run(name, invocation, now) {
      const entry = entryOf(name);
      const result = troubled(
        runRecipe(invocation, entry.machine, FAMILIES[entry.machine.family], { catalogue, now }),
        invocation,
        entry,
      );
      entries.set(name, { ...entry, machine: result.machine });
      return result;
    },
    boot(name) {
      const entry = entryOf(name);
      const after = booted(entry.machine);
      const { running } = entry.machine.kernel;
      const machine = entry.trouble.oldKernel === true ? { ...after, kernel: { ...after.kernel, running } } : after;
      entries.set(name, { ...entry, machine });
      return machine;
    },
    neverReadyAfterReboot: (name) => change(name, { neverReadyAfterReboot: true }),
    dropUpdate: (name, on = true) => change(name, { dropUpdate: on }),
    failUpdate: (name, on = true) => change(name, { failUpdate: on }),
    lieWith: (name, exitCode) => change(name, { liesWith: exitCode }),
    bootOldKernel: (name, on = true) => change(name, { oldKernel: on }),
    unprepared: (name, on = true) => change(name, { unprepared: on }),
    blind: (name, inventory) => change(name, { inventory }),
    deafToReboot: (name) => change(name, { deafToReboot: true }),
    silence: (name) => change(name, { silent: true }),
    slowReboot: (name, extraMs) => change(name, { slowReboot: extraMs }),
    slowStage: (name, extraMs) => change(name, { slowStage: extraMs }),
    repair(name) {
      entries.set(name, { ...entryOf(name), trouble: {} });
      revision += 1;
    },
    vanish(name) {
      const entry = entryOf(name);
      entries.set(name, { ...entry, machine: { ...entry.machine, power: { state: "gone" } } });
      revision += 1;
    },
    join(spec) {
      const bootCount = (entries.get(spec.name)?.machine.bootCount ?? 0) + 1;
      const entry = newEntry(spec);
      entries.set(spec.name, { ...entry, machine: { ...entry.machine, bootCount } });
      revision += 1;
    },
    revision: () => revision,
    snapshot: () => structuredClone({ entries: [...entries], revision }),
    restore(state) {
      const saved = structuredClone(state) as { entries: [string, Entry][]; revision: number };
      entries = new Map(saved.entries);
      revision = saved.revision;
    },
  };
}

function newEntry(spec: MachineSpec): Entry {
  return { spec, machine: createMachine(spec.name, spec.image), trouble: {} };
}

/** A look that cannot read the package database, or whose standard output another program writes to, too. */
function blinded(result: ProgramResult, inventory: Trouble["inventory"]): ProgramResult {
  if (inventory === "Fails") return { ...result, exitCode: 1, log: "error: rpmdb open failed\n" };
  return inventory === "Garbled" ? { ...result, log: "Last metadata expiration check: 0:12:04 ago\n{" } : result;
}

/** A dropped or failing update leaves the machine alone, whatever it printed. */
function troubled(result: ProgramResult, invocation: Invocation, { machine, trouble }: Entry): ProgramResult {
  const step = recipeStep(invocation);
  if (step === "prepare" && trouble.unprepared === true)
    return { exitCode: NOT_YET, log: "Servers of the cluster are still older than this level.\n", machine };
  if (step === "inventory") return blinded(result, trouble.inventory);
  if (step === "reboot" && trouble.deafToReboot === true)
    return { exitCode: 0, log: "Failed to connect to bus; rebooting anyway.\n", machine };
  if (step !== "update") return result;
  if (trouble.failUpdate === true)
    return { exitCode: 1, log: "E: Sub-process /usr/bin/dpkg returned an error code (1)\n", machine };
  const told = trouble.liesWith === undefined ? result : { ...result, exitCode: trouble.liesWith };
  return trouble.dropUpdate === true ? { ...told, machine } : told;
}
