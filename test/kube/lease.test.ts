import { afterEach, describe, expect, it } from "vitest";
import { manualClock, seededRandom } from "../../controller/clock.ts";
import type { ManualClock } from "../../controller/clock.ts";
import { createClient } from "../../controller/kube/client.ts";
import { startLeaderElection } from "../../controller/kube/lease.ts";
import type { LeaderElection, LeaseObject } from "../../controller/kube/lease.ts";
import { TransportError } from "../../controller/kube/port.ts";
import { scriptedApi, settle } from "./support.ts";
import type { ScriptedApi } from "./support.ts";

const path = "/apis/coordination.k8s.io/v1/namespaces/ringward/leases/controller";
const started: LeaderElection[] = [];

afterEach(async () => {
  for (const election of started.splice(0)) await election.stop();
});

function compete(api: ScriptedApi, identity: string, clock: ManualClock, changes: boolean[] = []): LeaderElection {
  const election = startLeaderElection({
    client: createClient(api, { fieldManager: "ringward", clock }),
    namespace: "ringward",
    name: "controller",
    identity,
    clock,
    random: seededRandom(identity.length),
    onChange: (leading) => changes.push(leading),
  });
  started.push(election);
  return election;
}

async function pass(clocks: readonly ManualClock[], ms: number): Promise<void> {
  for (let past = 0; past < ms; past += 500) {
    for (const clock of clocks) clock.advance(500);
    await settle(6);
  }
}

const lease = (api: ScriptedApi): LeaseObject => api.object(path) as LeaseObject;
const writes = (api: ScriptedApi): number => api.requests.filter((request) => request.method !== "GET").length;

describe("leader election", () => {
  it("takes a free Lease and renews it every two seconds", async () => {
    const api = scriptedApi();
    const clock = manualClock(Date.UTC(2026, 0, 1));
    const changes: boolean[] = [];
    const one = compete(api, "one", clock, changes);
    await one.acquired();

    expect(one.isLeader()).toBe(true);
    expect(one.term()).toBe(0);
    expect(lease(api).spec).toEqual({
      holderIdentity: "one",
      leaseDurationSeconds: 15,
      acquireTime: "2026-01-01T00:00:00.000000Z",
      renewTime: "2026-01-01T00:00:00.000000Z",
      leaseTransitions: 0,
    });
    await pass([clock], 60_000);

    expect(one.isLeader()).toBe(true);
    expect(writes(api)).toBe(31);
    expect(lease(api).spec?.acquireTime).toBe("2026-01-01T00:00:00.000000Z");
    expect(lease(api).spec?.renewTime).toBe("2026-01-01T00:01:00.000000Z");
    expect(changes).toEqual([true]);
  });

  it("does not take a Lease that is renewed, whatever the holder's clock says", async () => {
    const api = scriptedApi();
    const clock = manualClock(Date.UTC(2026, 0, 1));
    const skewed = manualClock(Date.UTC(2020, 0, 1));
    compete(api, "one", skewed);
    await settle();
    const two = compete(api, "two", clock);
    await pass([clock, skewed], 120_000);

    expect(two.isLeader()).toBe(false);
    expect(two.holder()).toBe("one");
    expect(two.term()).toBeUndefined();
  });

  it("takes over within 20 s of a leader's death, under the next term", async () => {
    const api = scriptedApi();
    const [dead, clock] = [manualClock(0), manualClock(0)];
    compete(api, "one", dead);
    await settle();
    const two = compete(api, "two", clock);
    await pass([clock, dead], 10_000);

    // The first one's clock stands still: the process is paused.
    await pass([clock], 20_000);

    expect(two.isLeader()).toBe(true);
    expect(two.term()).toBe(1);
  });

  it("is nobody as soon as it wakes from a pause, before any timer or answer", async () => {
    const api = scriptedApi();
    const clock = manualClock(0);
    const one = compete(api, "one", clock);
    await settle();
    expect(one.isLeader()).toBe(true);

    clock.advance(10_000);

    expect(one.isLeader()).toBe(false);
    expect(one.term()).toBeUndefined();
  });

  it("counts the age from when the renewal was sent, not from when it was answered", async () => {
    const api = scriptedApi();
    const clock = manualClock(0);
    const inner = api.request.bind(api);
    const slow = {
      ...api,
      request: async (request: Parameters<typeof inner>[0]) => {
        const answer = await inner(request);
        if (request.method === "POST") await clock.sleep(6000);
        return answer;
      },
    };
    const one = compete(slow as ScriptedApi, "one", clock);
    await settle();

    clock.advance(6000);
    await settle();
    expect(one.isLeader()).toBe(true);
    clock.advance(4000);

    expect(one.isLeader()).toBe(false);
  });

  it("stops leading when it cannot renew, and leads again after", async () => {
    const api = scriptedApi();
    const clock = manualClock(0);
    const changes: boolean[] = [];
    const one = compete(api, "one", clock, changes);
    await settle();
    api.script = () => new TransportError("connection", "unknown", "ECONNRESET");

    await pass([clock], 12_000);
    expect(one.isLeader()).toBe(false);
    api.script = () => undefined;
    await pass([clock], 5_000);

    expect(one.isLeader()).toBe(true);
    expect(changes).toEqual([true, false, true]);
  });

  it("lets exactly one of two win the race for a free Lease", async () => {
    const api = scriptedApi();
    const clock = manualClock(0);
    const elections = ["one", "two", "three"].map((identity) => compete(api, identity, clock));
    await pass([clock], 10_000);

    expect(elections.filter((election) => election.isLeader())).toHaveLength(1);
  });

  it("gives the Lease back when stopped, so that the next one leads at its next try", async () => {
    const api = scriptedApi();
    const clock = manualClock(0);
    const one = compete(api, "one", clock);
    await settle();
    const two = compete(api, "two", clock);
    await pass([clock], 4_000);

    await one.stop();
    expect(one.isLeader()).toBe(false);
    expect(lease(api).spec?.holderIdentity).toBe("");
    await pass([clock], 3_000);

    expect(two.isLeader()).toBe(true);
    expect(two.term()).toBe(1);
  });

  it("gives the Lease back although the stop cut a renewal that was stored all the same", async () => {
    const api = scriptedApi();
    const clock = manualClock(0);
    const one = compete(api, "one", clock);
    await settle();
    const request = api.request.bind(api);
    let cut = false;
    api.request = async (call) => {
      const answer = await request(call);
      if (call.method !== "PUT" || cut) return answer;
      cut = true;
      // The answer never arrives.
      return new Promise((_, reject) => {
        call.signal?.addEventListener("abort", () => reject(new TransportError("aborted", "unknown", "given up")));
      });
    };
    await pass([clock], 2_500);
    expect(cut).toBe(true);

    await one.stop();

    expect(lease(api).spec?.holderIdentity).toBe("");
  });

  it("is there when a dead leader's time is over, not a whole try later", async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const api = scriptedApi();
      const [dead, clock] = [manualClock(0), manualClock(0)];
      compete(api, "one", dead);
      await settle();
      const two = compete(api, "two".padEnd(3 + seed, "x"), clock);
      await settle();
      await pass([clock, dead], 4_000 + 100 * seed);
      const renewed = Date.parse(lease(api).spec?.renewTime ?? "");

      let late = 0;
      for (; !two.isLeader() && late < 20_000; late += 100) {
        clock.advance(100);
        await settle(4);
      }

      expect(clock.now() - renewed).toBeLessThanOrEqual(15_000 + 2_400 + 200 + 100);
    }
  });

  it("refuses times with which two could lead", () => {
    const clock = manualClock(0);
    const client = createClient(scriptedApi(), { fieldManager: "ringward", clock });
    const options = { client, namespace: "n", name: "l", identity: "i", clock, random: seededRandom(1) };

    expect(() => startLeaderElection({ ...options, leaseDurationMs: 5000, renewDeadlineMs: 5000 })).toThrow(
      /leader election/,
    );
  });
});
