// The speed that others rely on, measured as processor time so that a busy machine does not decide.
import { expect, it } from "vitest";
import { PODS, pod, setting } from "./support.ts";

/** Milliseconds of processor time that `work` takes. */
async function processorMs(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

it("creates 10,000 pods in two seconds, lists 5,000 in 300 ms, and goes back to a snapshot a thousand times in two seconds", async () => {
  const { server, ok } = setting();
  const creating = await processorMs(async () => {
    for (let index = 0; index < 10_000; index++)
      await ok("POST", PODS, pod(`p${String(index).padStart(5, "0")}`, { app: "web" }));
  });
  let listed = 0;
  const listing = await processorMs(async () => {
    const list = (await ok("GET", PODS, undefined, {
      query: { limit: "5000", labelSelector: "app=web" },
    })) as unknown as { items: unknown[] };
    listed = list.items.length;
  });
  const small = setting();
  for (let index = 0; index < 300; index++) await small.ok("POST", PODS, pod(`p${index}`));
  const restoring = await processorMs(async () => {
    const snapshot = small.server.store.snapshot();
    for (let index = 0; index < 1000; index++) {
      await small.ok("DELETE", `${PODS}/p${index % 300}`);
      small.server.store.restore(snapshot);
    }
  });
  process.stdout.write(
    `created 10,000 in ${creating.toFixed(0)} ms, listed ${listed} in ${listing.toFixed(0)} ms, 1,000 restores in ${restoring.toFixed(0)} ms of processor time\n`,
  );

  expect(server.store.revision()).toBeGreaterThan(10_000);
  expect(listed).toBe(5000);
  expect(creating).toBeLessThan(2000);
  expect(listing).toBeLessThan(300);
  expect(restoring).toBeLessThan(2000);
});
