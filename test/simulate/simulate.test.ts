// Some simulated runs with every run of the tests; that a run replays exactly from its seed and from its draws; and that a broken controller
// is found, and shown by a run as simple as can be. `npm run simulate` makes as many runs as one has time for.
import { beforeAll, describe, expect, it } from "vitest";
import type { ApiPort } from "../../controller/kube/port.ts";
import { chanceOf, replay } from "./chance.ts";
import { type Prepared, prepare, simulate } from "./run.ts";
import { shrink } from "./shrink.ts";

const PLANS = 16;
/** What so many runs must have tried. */
const TRIED = ["A1", "B1", "B2", "B3", "B4", "B5", "B9", "B10", "B11", "R1", "S4"];

/** Nodes get their mark taken off, and stay cordoned. */
const neverUncordons = (port: ApiPort): ApiPort => ({
  ...port,
  request(request) {
    const { body } = request;
    if (!Array.isArray(body)) return port.request(request);
    const kept = (body as readonly { readonly op: string; readonly path: string }[]).filter(
      ({ op, path }) => op !== "remove" || path !== "/spec/unschedulable",
    );
    return port.request({ ...request, body: kept });
  },
});

describe("simulated runs", () => {
  let prepared: Prepared;
  beforeAll(async () => {
    prepared = await prepare();
  }, 120_000);

  it(`keep every promise, whatever goes wrong in ${PLANS} of them`, async () => {
    const broken: string[] = [];
    const occurred = new Set<string>();
    for (let seed = 0; seed < PLANS; seed += 1) {
      const outcome = await simulate(prepared, chanceOf(seed));
      for (const problem of outcome.problems) broken.push(`npm run simulate -- --seed ${seed}: ${problem}`);
      for (const id of outcome.occurred) occurred.add(id);
    }
    expect(broken).toEqual([]);
    expect(TRIED.filter((id) => !occurred.has(id))).toEqual([]);
  }, 600_000);

  it("are the same again from their seed, and from their draws", async () => {
    const first = await simulate(prepared, chanceOf(5), { tells: true });
    expect(first.story.length).toBeGreaterThan(100);
    expect(await simulate(prepared, chanceOf(5), { tells: true })).toEqual(first);
    const again = await simulate(prepared, replay(first.drawn), { tells: true });
    expect(again.story).toEqual(first.story);
  }, 120_000);

  it("find a controller that never uncordons, and show it by a run in which nothing else goes wrong", async () => {
    const breaks = neverUncordons;
    // More controllers, crashes and lost answers than it takes.
    const failing = await simulate(prepared, replay([2, 1, 1, 1, 1]), { breaks });
    expect(failing.problems.join("\n")).toMatch(/^B6 nodes/m);

    expect((await shrink(prepared, failing, { breaks, most: 12 })).drawn).toEqual([]);
  }, 600_000);
});
