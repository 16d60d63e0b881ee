// A node of the first ring never comes Ready after its reboot: the ring halts, the claim is kept, later rings have none.
import type { RolloutRingStatus } from "../../../api/rollout-ring.ts";
import { NODE_PATCH_STATES } from "../../../kube/resources.ts";
import type { Fault } from "../fault.ts";
import { isFinished } from "../facts.ts";

const NODE = "ubuntu-01";
/** How long the halt is watched before the node is repaired. */
const WATCH_MINUTES = 12;

export function failingNode(): Fault {
  let haltedAt: number | undefined;
  let claimKept = true;
  let laterClaims = 0;
  let repaired = false;
  return {
    name: "failing-node",
    promise:
      "the ring halts at maxFailures, the claim is kept, later rings have none; with the repair and a retry the run ends compliant",
    async prepare({ machines }) {
      machines.neverReadyAfterReboot(NODE);
    },
    async step(stage, facts) {
      const canary = facts.objects.rings.find((ring) => ring.metadata.name === "canary")?.status as
        | RolloutRingStatus
        | undefined;
      const halted = canary?.blockedBy?.some((block) => block.reason === "RingHalted") === true;
      if (repaired) return undefined;
      if (!halted) return undefined;
      claimKept &&= facts.claims.some((claim) => claim.name === NODE);
      laterClaims += facts.claims.filter((claim) => claim.ring !== "canary").length;
      if (haltedAt === undefined) {
        haltedAt = facts.at;
        return `ring canary is halted: ${NODE} did not come back; its claim is kept`;
      }
      if (facts.at - haltedAt < WATCH_MINUTES * stage.minute) return undefined;
      repaired = true;
      stage.machines.repair(NODE);
      const body = { status: { operation: { retryTime: new Date(facts.at + 1000).toISOString() } } };
      await stage.client.patch(NODE_PATCH_STATES, { name: NODE }, { type: "merge", body }, { subresource: "status" });
      return `a person repaired ${NODE} and asked for another attempt`;
    },
    result(facts) {
      const ok =
        haltedAt !== undefined &&
        claimKept &&
        laterClaims === 0 &&
        repaired &&
        facts !== undefined &&
        isFinished(facts);
      return {
        ok,
        observed: `halted: ${haltedAt !== undefined}, claim kept: ${claimKept}, claims of later rings while halted: ${laterClaims}, repaired and retried: ${repaired}`,
      };
    },
  };
}
