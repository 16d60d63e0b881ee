// Workloads of a little world: what an act of the step machine does to one, and how its rollout goes on by itself.
import type { Claim } from "../../../controller/core/model.ts";
import type { WorkloadAct } from "../../../controller/core/operations/workload-steps.ts";
import { closeOperation } from "../../../controller/kube/closing.ts";
import { MINUTE } from "../../support/fleet.ts";
import { type Ground, type Item, loseTarget } from "./ground.ts";

/** Does it; true where it changed something. `free` collects targets whose claim ends. */
export function doWorkloadAct(
  ground: Ground,
  act: WorkloadAct,
  claim: Claim,
  item: Item | undefined,
  free: Set<string>,
): boolean {
  const state = ground.states.workloads.get(claim.uid) ?? {};
  switch (act.kind) {
    case "Free":
      if (act.lost) loseTarget(ground, claim);
      free.add(claim.uid);
      return false;
    case "Wait":
      return false;
    case "Record":
      ground.states.workloads.set(claim.uid, { ...state, operation: act.operation });
      if (act.operation.failure !== undefined)
        ground.chronicle.note(claim.ring, claim.name, `FAILED ${act.operation.failure.reason}`);
      else if (!["Claimed", "Patching"].includes(act.note)) ground.chronicle.note(claim.ring, claim.name, act.note);
      return true;
    case "SetImages": {
      if (item === undefined) return false;
      const to = new Map(act.images.map((image) => [image.container, image.to]));
      item.asset = {
        ...item.asset,
        mark: { claimId: claim.id },
        containers: item.asset.containers.map((container) => ({
          ...container,
          image: to.get(container.name) ?? container.image,
        })),
        rollout: { ...item.asset.rollout, complete: false, available: 0, deadlineExceeded: false },
      };
      item.changedAt = ground.now;
      ground.chronicle.note(
        claim.ring,
        claim.name,
        `image → ${act.images.map((image) => image.to.split(":").at(-1)).join(", ")}`,
      );
      return true;
    }
    case "Unmark":
      if (item !== undefined) item.asset = { ...item.asset, mark: undefined };
      return true;
    case "Close":
      ground.states.workloads.set(
        claim.uid,
        closeOperation(state, {
          claim,
          now: ground.now,
          result: act.result,
          reason: act.contested === true ? "FieldContested" : act.result,
          message: act.message,
          verified: act.result === "Succeeded",
          contested: act.contested,
        }),
      );
      ground.chronicle.note(
        claim.ring,
        claim.name,
        act.contested === true ? "closed FieldContested" : act.result === "Succeeded" ? "done" : `closed ${act.result}`,
      );
      return true;
    default:
      return act satisfies never;
  }
}

/** Rollouts that have come to their end, or will not. */
export function moveRollouts({ workloads, badTags, now }: Ground): void {
  for (const item of workloads.values()) {
    if (item.asset.rollout.complete) continue;
    const image = item.asset.containers[0]?.image ?? "";
    const bad = badTags.has(image.split(":").at(-1) ?? "");
    if (bad && now - item.changedAt >= 10 * MINUTE)
      item.asset = { ...item.asset, rollout: { ...item.asset.rollout, deadlineExceeded: true } };
    if (bad || now - item.changedAt < 3 * MINUTE) continue;
    item.asset = {
      ...item.asset,
      pods: [
        {
          name: `${item.asset.name}-0`,
          ready: true,
          running: [{ container: "web", image, imageId: `${image.split(":")[0]}@sha256:${"0".repeat(64)}` }],
        },
      ],
      rollout: { complete: true, deadlineExceeded: false, desired: 1, available: 1 },
    };
  }
}
