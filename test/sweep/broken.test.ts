// The sweep can fail: a controller that is broken on purpose is caught, and what the sweep leans on holds.
import { describe, expect, it } from "vitest";
import { createClient } from "../../controller/kube/client.ts";
import type { ApiPort, ApiRequest } from "../../controller/kube/port.ts";
import { listing } from "../../controller/reconcile/cluster.ts";
import { checkHistory } from "../../controller/sandbox/invariants/index.ts";
import { at, textAt } from "../../controller/sandbox/invariants/readings.ts";
import { beBorn, createFate } from "./life.ts";
import { PEOPLE } from "./people.ts";
import { directReader } from "./reader.ts";
import { CONTROLLER_USERS, runReference } from "./run.ts";
import { REFERENCE } from "./scenario.ts";
import { createStage, portsOf } from "./stage.ts";

/** Marks and cordons the nodes of new claims just before the ledger is written: the act comes before the claim. */
function actsFirst(port: ApiPort): ApiPort {
  return {
    watch: (request) => port.watch(request),
    async request(request) {
      if (request.method === "PUT" && request.path.endsWith("/disruptionledgers/cluster/status"))
        for (const early of earlyMarks(request)) await mark(port, early);
      return port.request(request);
    },
  };
}

interface Claimed {
  readonly kind: string;
  readonly name: string;
  readonly id: string;
}

function earlyMarks({ body }: ApiRequest): readonly Claimed[] {
  const { status } = body as { readonly status: { readonly claims?: readonly Claimed[] } };
  return (status.claims ?? []).filter((claim) => claim.kind === "Node");
}

async function mark(port: ApiPort, claim: Claimed): Promise<void> {
  const path = `/api/v1/nodes/${claim.name}`;
  const { body } = await port.request({ method: "GET", path });
  if (textAt(body, "metadata", "annotations", "ringward.dev/claim") !== undefined) return;
  const bare = at(body, "metadata", "annotations") === undefined;
  const operations = [
    ...(bare ? [{ op: "add", path: "/metadata/annotations", value: {} }] : []),
    { op: "test", path: "/metadata/uid", value: textAt(body, "metadata", "uid") },
    { op: "add", path: "/metadata/annotations/ringward.dev~1claim", value: claim.id },
    { op: "add", path: "/metadata/annotations/ringward.dev~1prior-unschedulable", value: "false" },
    { op: "add", path: "/spec/unschedulable", value: true },
  ];
  const { status } = await port.request({
    method: "PATCH",
    path,
    body: operations,
    contentType: "application/json-patch+json",
  });
  if (status !== 200) throw new Error(`the break did not work: ${status}`);
}

describe("the crash sweep itself", () => {
  it("catches an executor that acts before its claim is written (B3)", async () => {
    const stage = await createStage(1, REFERENCE);
    const fate = createFate(0);
    const life = beBorn(stage, "ringward/0", portsOf(stage, "ringward/0"), fate, actsFirst);

    for (let pass = 0; pass < 12; pass += 1) {
      await life.pass();
      await stage.turn();
    }

    const { violations } = checkHistory({
      history: stage.cluster.server.store.history(),
      controllerUsers: CONTROLLER_USERS,
    });
    expect(violations.map(({ invariant }) => invariant)).toContain("B3");
    expect(violations.map(({ invariant }) => invariant)).toContain("S4");
  });

  it("writes the same history from the same seed, and another one from another seed (R6)", async () => {
    const [one, same, other] = [
      await createStage(7, PEOPLE),
      await createStage(7, PEOPLE),
      await createStage(8, PEOPLE),
    ];
    const histories = [];
    for (const stage of [one, same, other]) histories.push((await runReference(stage, 1)).history);

    const [first, second, third] = histories;
    const judge = (twin: typeof first) =>
      checkHistory({ history: first ?? [], controllerUsers: CONTROLLER_USERS, twin: twin ?? [] });
    expect(judge(second)).toMatchObject({ violations: [] });
    expect(judge(second).occurred.has("R6")).toBe(true);
    expect(judge(third).violations.some(({ invariant }) => invariant === "R6")).toBe(true);
  }, 120_000);

  it("reads what the API server lists", async () => {
    const stage = await createStage(3, REFERENCE);
    const fate = createFate(0);
    const life = beBorn(stage, "ringward/0", portsOf(stage, "ringward/0"), fate);
    for (let pass = 0; pass < 10; pass += 1) {
      await life.pass();
      await stage.turn();
    }
    const client = createClient(stage.cluster.server, { fieldManager: "test", clock: stage.clock });

    const [direct, listed] = [await directReader(stage, { dead: false }).read(), await listing(client).read()];

    expect(direct).toEqual(listed);
  });
});
