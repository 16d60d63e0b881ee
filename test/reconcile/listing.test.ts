// Proposals as a forge lists them, the newest first, in the order that everybody who asks for the newest relies on.
import { expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import type { Forge, PullRequest } from "../../controller/forge/port.ts";
import { createJustOpened } from "../../controller/reconcile/promotion/late.ts";
import { listProposals } from "../../controller/reconcile/promotion/listing.ts";

it("come by number, whatever the order of the forge's list: the newest merged one is the last (it is told how the rollout goes)", async () => {
  const clock = manualClock(Date.UTC(2026, 0, 1));
  const pull = (number: number): PullRequest =>
    ({
      number,
      head: `ringward/early/nginx/${"a".repeat(11)}${number}`,
      base: "main",
      state: "merged",
      body: "",
    }) as PullRequest;
  const forge = { list: async () => [pull(9), pull(5), pull(3)] } as unknown as Forge;

  const { known } = await listProposals({
    forge,
    branch: "main",
    matters: () => false,
    histories: new Map(),
    justOpened: createJustOpened(clock),
    transport: clock,
  });

  expect(known.map(({ number }) => number)).toEqual([3, 5, 9]);
});
