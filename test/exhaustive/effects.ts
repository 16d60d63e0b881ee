// What comes of a step, computed once: the same step in the same stored objects at the same time has the same effect, whoever else is where.
// Most worlds of a search differ only in where the controllers are in their passes.
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import type { Checker } from "../../controller/sandbox/invariants/index.ts";
import type { Scene } from "./scene.ts";
import type { Kept, World, Worlds } from "./world.ts";

/** What a step left. */
export interface Effect<T> {
  readonly id: number;
  readonly after: Pick<World, "store" | "machines" | "now">;
  readonly fresh: readonly StoredVersion[];
  readonly answer: T;
}

export interface Verdict {
  readonly judge: Kept<Checker>;
  readonly problems: readonly string[];
}

export interface Effects {
  /** Takes a step in a world. `name` says all that the step depends on but stored objects, machines and time. */
  of<T>(world: World, name: string, step: () => Promise<T> | T): Promise<Effect<T>>;
  /** What the checks say of what a step stored. */
  judge(world: World, effect: Effect<unknown>): Verdict;
  /** Invariants whose precondition occurred in some world. */
  readonly occurred: ReadonlySet<string>;
}

export function createEffects({ cluster }: Scene, worlds: Worlds): Effects {
  const { store } = cluster.server;
  const effects = new Map<string, Effect<unknown>>();
  const verdicts = new Map<string, Verdict>();
  const occurred = new Set<string>();
  return {
    occurred,
    async of<T>(world: World, name: string, step: () => Promise<T> | T): Promise<Effect<T>> {
      const key = `${world.store.id} ${world.machines.id} ${world.now} ${name}`;
      const known = effects.get(key);
      if (known !== undefined) return known as Effect<T>;
      worlds.put(world);
      const { length } = store.history();
      const answer = await step();
      const fresh = store.history().slice(length);
      const made = { id: effects.size, after: worlds.take(), fresh, answer };
      effects.set(key, made);
      return made;
    },
    judge(world, { id, fresh }) {
      if (fresh.length === 0) return { judge: world.judge, problems: [] };
      const key = `${world.judge.id} ${id}`;
      const known = verdicts.get(key);
      if (known !== undefined) return known;
      const checker = world.judge.value.clone();
      checker.feed(fresh);
      for (const one of checker.occurred()) occurred.add(one);
      const found = checker.violations().slice(world.judge.value.violations().length);
      const made = {
        judge: worlds.keepChecker(checker),
        problems: found.map(({ invariant, object, message }) => `${invariant} ${object}: ${message}`),
      };
      verdicts.set(key, made);
      return made;
    },
  };
}
