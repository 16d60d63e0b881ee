// What a controller that does not lead makes of pokes: how many requests, for whom, and what is told of those that fail.
import { expect, it, vi } from "vitest";
import { REQUESTED_AT } from "../../controller/api/policy-repository.ts";
import { seededRandom, systemClock } from "../../controller/clock.ts";
import { POLICY_REPOSITORIES } from "../../controller/kube/resources.ts";
import { createHandOver } from "../../controller/reconcile/hand-over.ts";
import { createRig } from "./rig.ts";

async function begin() {
  const rig = await createRig({ mode: "Observe" });
  await rig.turn();
  const errors: unknown[] = [];
  const { server } = rig.cluster;
  const handOver = createHandOver({
    client: rig.admin,
    clock: systemClock,
    random: seededRandom(1),
    onError: (error) => errors.push(error),
  });
  return {
    rig,
    server,
    errors,
    handOver,
    /** Requests that were stored, each once. */
    requests: () =>
      new Set(server.store.history().flatMap(({ object }) => object?.metadata.annotations?.[REQUESTED_AT] ?? [])).size,
    /** Long enough for what is under way to end. */
    settle: () => systemClock.sleep(200),
  };
}

it("makes one more request for all that came while one was under way, because the look for that one may have begun before", async () => {
  const { handOver, requests, settle } = await begin();

  for (let count = 0; count < 10; count += 1) handOver();
  await vi.waitFor(() => expect(requests()).toBe(2));
  await settle();

  expect(requests()).toBe(2);
});

it("asks nothing of a repository that is suspended", async () => {
  const { rig, handOver, requests, errors, settle } = await begin();
  const suspend = (is: boolean) =>
    rig.admin.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body: { spec: { suspend: is } } });
  await suspend(true);

  handOver();
  await settle();

  expect([requests(), errors]).toEqual([0, []]);
  await suspend(false);
  handOver();
  await vi.waitFor(() => expect(requests()).toBe(1));
});

it("tells the first failure after a success, and no other", async () => {
  const { server, handOver, requests, errors } = await begin();
  let tried = 0;
  const fail = (): void =>
    server.setFault(({ method, path }) => {
      if (method !== "PATCH" || !path.endsWith("/policyrepositories/policy")) return "none";
      tried += 1;
      return { status: 500 };
    });
  const failAgain = async (): Promise<void> => {
    const before = tried;
    handOver();
    await vi.waitFor(() => expect(tried).toBeGreaterThan(before));
    await systemClock.sleep(50);
  };

  fail();
  for (let count = 0; count < 3; count += 1) await failAgain();
  expect(errors).toHaveLength(1);

  server.setFault(() => "none");
  handOver();
  await vi.waitFor(() => expect(requests()).toBe(1));
  fail();
  await failAgain();
  expect(errors).toHaveLength(2);
});
