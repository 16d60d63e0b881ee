// The sweeps over steps can fail, and what they lean on holds: a blow that does nothing changes nothing, a broken controller is found.
import { beforeAll, describe, expect, it } from "vitest";
import type { ApiPort } from "../../controller/kube/port.ts";
import type { Prepared } from "../simulate/run.ts";
import { SMALL } from "../simulate/small.ts";
import { type Blow, prepareSteps, strikeAt } from "./step.ts";
import { spread } from "./step-sweep.ts";
import { SLEEPS } from "./step-troubles.ts";

const NOTHING: Blow = { name: "nothing", strike: () => "nothing", stays: 1 };

/** Sends what changes nodes without saying which version of them it means. */
const forgetsTests = (port: ApiPort): ApiPort => ({
  ...port,
  request(request) {
    const { body } = request;
    if (!Array.isArray(body) || !request.path.startsWith("/api/v1/nodes/")) return port.request(request);
    return port.request({
      ...request,
      body: (body as readonly { readonly op: string }[]).filter(({ op }) => op !== "test"),
    });
  },
});

describe("sweeps over steps", () => {
  let prepared: Prepared;
  let cordon: number;
  beforeAll(async () => {
    prepared = await prepareSteps(SMALL);
    cordon = prepared.reference.writes.findIndex(({ name }) => name.startsWith("PATCH /api/v1/nodes/"));
  }, 180_000);

  it("find nothing wrong where nothing happens", async () => {
    const { problems, blows, inFlight } = await strikeAt(prepared, cordon, NOTHING);

    expect(problems).toEqual([]);
    expect({ blows, inFlight }).toEqual({ blows: 1, inFlight: 1 });
  });

  it("find a controller that does not say which version of a node it means, when a sleeper wakes", async () => {
    const blow = SLEEPS[2];
    if (blow === undefined) throw new Error("nobody sleeps");

    expect((await strikeAt(prepared, cordon, blow)).problems).toEqual([]);
    expect((await strikeAt(prepared, cordon, blow, { breaks: forgetsTests })).problems.join("\n")).toMatch(
      /^K1 |^B\d/m,
    );
  }, 180_000);

  it("are spread over the whole rollout, and take every step where all are wanted", () => {
    expect(spread(100, 2, 2)).toEqual([
      [12, 62],
      [37, 87],
    ]);
    expect(spread(3, 2, 3)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });
});
