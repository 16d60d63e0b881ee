// When a repository is fetched, on a wall clock that may be put back: the product has no other that outlives it.
import { describe, expect, it } from "vitest";
import type { CommitSha, PolicyGit } from "../../controller/git/port.ts";
import {
  createFetchBeside,
  type FetchMemory,
  findStaleness,
  forgotten,
  keepFetched,
} from "../../controller/reconcile/policy-fetch.ts";

const MINUTE = 60_000;
const spec = { url: "https://git.invalid/p.git", clusterName: "c", interval: "1m", maxStaleness: "5m" };

function bench() {
  const memory: FetchMemory = forgotten();
  let fails = false;
  let fetches = 0;
  const git: Partial<PolicyGit> = {
    fetch: () => {
      fetches += 1;
      return fails
        ? Promise.reject(new Error("away"))
        : Promise.resolve({ head: "a".repeat(40) as CommitSha, changed: false });
    },
  };
  const ports = {
    openGit: () => Promise.resolve(git as PolicyGit),
    openForge: () => Promise.resolve(undefined),
    onError: () => undefined,
  };
  const fetchBeside = createFetchBeside(undefined);
  return {
    memory,
    fail: (value: boolean) => void (fails = value),
    fetches: () => fetches,
    keep: (now: number) => keepFetched({ ports, fetchBeside, memory, name: "policy", spec, requested: undefined, now }),
  };
}

describe("a clock that is put back", () => {
  it("keeps no fetch waiting for as long as it went back", async () => {
    const { keep, fetches } = bench();
    await keep(100 * MINUTE);
    await keep(100.5 * MINUTE);
    expect(fetches()).toBe(1);

    await keep(40 * MINUTE);
    expect(fetches()).toBe(2);
    await keep(40.5 * MINUTE);
    expect(fetches()).toBe(2);
    await keep(41 * MINUTE);
    expect(fetches()).toBe(3);
  });

  it("keeps what cannot be fetched any more from growing stale no longer than it would have", async () => {
    const { keep, fail, memory } = bench();
    await keep(100 * MINUTE);
    fail(true);
    await keep(40 * MINUTE);
    expect(findStaleness(spec, memory, undefined, 44 * MINUTE)).toBeUndefined();
    expect(findStaleness(spec, memory, undefined, 45 * MINUTE)).toMatchObject({ reason: "RepositoryStale" });
  });
});
