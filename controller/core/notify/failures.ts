// Targets whose operation failed, each attempt once. What was rolled back failed, too, and a failed attempt that then rolls back is one.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../api/patch-state.ts";
import { describeReason, REASONS } from "../../api/reasons.ts";
import type { FleetLook } from "../metrics/index.ts";
import { type Notification, notify } from "./notification.ts";

type Operation = NonNullable<(NodePatchStateStatus | WorkloadPatchStateStatus)["operation"]>;

interface Failed {
  readonly uid: string;
  readonly operation: Operation;
  readonly reason: string | undefined;
  readonly message: string;
  readonly time: string;
}

export function findFailures({ input: { stored, policy }, plan }: FleetLook): readonly Notification[] {
  const failed = [stored.nodes, stored.workloads].flatMap((states) =>
    [...states].flatMap(([uid, { operation }]) =>
      operation === undefined
        ? []
        : failureOf(uid, operation).filter(() => policy.rings.some(({ name }) => name === operation.ring)),
    ),
  );
  if (failed.length === 0) return [];
  const names = new Map(plan.rows.map(({ asset }) => [asset.uid, asset]));
  return failed.map(({ uid, operation, reason, message, time }) => {
    const asset = names.get(uid);
    const name = [asset?.namespace, asset?.name ?? uid].filter((part) => part !== undefined).join("/");
    const { ring, baseline, level, claimId, attempt } = operation;
    const known = REASONS.find((one) => one === reason);
    return notify(["attempt", claimId, String(attempt)], {
      cluster: policy.clusterName,
      ring,
      baseline,
      level,
      event: "Failed",
      at: Date.parse(time),
      title: `${asset?.kind ?? "Target"} ${name} of ring ${ring} failed${reason === undefined ? "" : `: ${reason}`}`,
      text: message === "" && known !== undefined ? describeReason(known).text : message,
      ...(reason === undefined ? {} : { reason }),
    });
  });
}

function failureOf(uid: string, operation: Operation): readonly Failed[] {
  const { failure, step, stepTime } = operation;
  if (failure !== undefined) return [{ uid, operation, ...failure }];
  return step === "RollingBack" || step === "RolledBack"
    ? [{ uid, operation, reason: undefined, message: "Its update failed and is rolled back.", time: stepTime }]
    : [];
}
