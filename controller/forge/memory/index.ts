// A forge in memory over an in-memory repository, for tests and crash sweeps: the same promises as the GitHub adapter (one contract
// suite runs on both), made of the same requests in the same order, so that a fault can hit each of them. Holds A5 as the adapter
// does: look, open, look again. Must never know more than a forge could see: branches and who asked.
import type { Forge } from "../port.ts";
import { createOperate, openClient } from "./client.ts";
import { type Lag, startLagging } from "./lag.ts";
import { type MemoryForgePeople, peopleOf } from "./people.ts";
import {
  type Around,
  type ForgeOperation,
  type MemoryForgeFault,
  type MemoryForgeOptions,
  type MemoryForgeSnapshot,
  observe,
  type Store,
} from "./store.ts";

export type { Lag } from "./lag.ts";
export type { MemoryForgePeople } from "./people.ts";
export { type ForgeOperation, forgeWrites, type MemoryForgeSnapshot } from "./store.ts";

export interface MemoryForge {
  /** A client of its own; `login` is the author of what it opens. */
  open(options: { readonly login: string; readonly name?: string; readonly around?: Around }): Forge;
  /** Decides the fault of each operation from now on. */
  setFault(fault: (operation: ForgeOperation) => MemoryForgeFault): void;
  /** From now on lists answer late. */
  setLag(lag: Lag): void;
  /** Told about each operation before it runs. Answers how to stop listening. */
  onOperation(listener: (operation: ForgeOperation) => void): () => void;
  /** Lets the pull requests follow their branches now (every request does it too); a scheduler calls it after each move of a branch. */
  observe(): void;
  snapshot(): MemoryForgeSnapshot;
  /** The repository must be put back first. */
  restore(snapshot: MemoryForgeSnapshot): void;
  readonly people: MemoryForgePeople;
}

/** A fresh forge without pull requests, over that repository. */
export function createMemoryForge(options: MemoryForgeOptions): MemoryForge {
  const store: Store = {
    options,
    pulls: new Map(),
    issues: new Map(),
    statuses: [],
    rules: { methods: ["merge", "squash"], protection: undefined, hasIssues: true },
    nextNumber: 1,
    nextId: 1,
    sequence: 0,
    fault: () => "none",
    listeners: new Set(),
    lagging: undefined,
  };
  return {
    open: ({ login, name, around }) => openClient(store, login, createOperate(store, name ?? login, around)),
    setFault(fault) {
      store.fault = fault;
    },
    setLag(lag) {
      store.lagging = startLagging(lag);
    },
    onOperation(listener) {
      store.listeners.add(listener);
      return () => void store.listeners.delete(listener);
    },
    observe: () => observe(store),
    snapshot: () =>
      structuredClone({
        pulls: [...store.pulls.values()],
        issues: [...store.issues.values()],
        statuses: store.statuses,
        rules: store.rules,
        nextNumber: store.nextNumber,
        nextId: store.nextId,
        lagging: store.lagging,
      }),
    restore(snapshot) {
      const copy = structuredClone(snapshot);
      store.pulls = new Map(copy.pulls.map((record) => [record.number, record]));
      store.issues = new Map(copy.issues.map((record) => [record.number, record]));
      store.statuses = [...copy.statuses];
      store.rules = copy.rules;
      store.nextNumber = copy.nextNumber;
      store.nextId = copy.nextId;
      store.lagging = copy.lagging;
    },
    people: peopleOf(store),
  };
}
