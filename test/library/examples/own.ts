// Ringward's own objects in the examples' dumps: the ledger, what rings have soaked, and what inventory jobs saw of nodes.
import { createHash } from "node:crypto";
import type { LevelInForce } from "../../../controller/core/model.ts";
import { API, uid } from "./objects.ts";

export interface Claim {
  readonly id: string;
  readonly node: string;
  readonly zone: string;
  readonly ring: string;
  readonly level: LevelInForce;
  readonly since: string;
}

export interface Soaked {
  readonly level: LevelInForce;
  readonly targets: number;
  readonly done: number;
  readonly inFlight?: number;
  readonly offered: string;
  readonly started?: string;
  readonly completed?: string;
  /** When the soak was served in full, and how long it was. */
  readonly soaked?: { readonly time: string; readonly seconds: number };
}

export interface Seen {
  readonly node: string;
  readonly os: { readonly id: string; readonly versionId: string; readonly scheme: "dpkg" | "rpm" };
  readonly time: string;
  readonly kernel: string;
  readonly packages: Readonly<Record<string, string>>;
  readonly verified?: {
    readonly level: LevelInForce;
    readonly ring: string;
    readonly started: string;
    readonly finished: string;
  };
  readonly claim?: Claim;
  /** Its last attempt found that the source lacks the exact version. */
  readonly notAvailable?: {
    readonly level: LevelInForce;
    readonly message: string;
    readonly time: string;
    readonly notBefore: string;
  };
}

function own(kind: string, name: string, rest: object): object {
  const metadata = {
    name,
    uid: uid(`${kind} ${name}`),
    resourceVersion: "5000",
    creationTimestamp: "2026-06-03T08:00:00Z",
  };
  return { apiVersion: API, kind, metadata, ...rest };
}

function naming(level: LevelInForce): object {
  return { baseline: level.spec.baseline, level: level.name, digest: level.digest };
}

/** The ledger, which enforces, with the claims that are held. */
export function ledger(
  limits: { readonly nodes: number; readonly workloads: number; readonly nodesPerZone: number },
  claims: readonly Claim[],
): object {
  return own("DisruptionLedger", "cluster", {
    spec: { mode: "Enforce", limits: { ...limits, controlPlane: 1 } },
    status: {
      rebuiltTime: "2026-06-03T08:00:00Z",
      held: { nodes: claims.length, workloads: 0 },
      claims: claims.map(({ id, node, zone, ring, level, since }) => ({
        uid: uid(node),
        id,
        kind: "Node",
        name: node,
        cluster: "cluster",
        zone,
        ring,
        ...naming(level),
        since,
      })),
    },
  });
}

/** A ring as the controller left its status. */
export function ring(name: string, spec: unknown, levels: readonly Soaked[]): object {
  return own("RolloutRing", name, {
    spec,
    status: {
      observedCommit: "4f1c2ab0",
      levels: levels.map(({ level, targets, done, inFlight = 0, offered, started, completed, soaked }) => ({
        ...naming(level),
        offeredTime: offered,
        ...(started === undefined ? {} : { startedTime: started }),
        ...(completed === undefined ? {} : { completedTime: completed }),
        soakedSeconds: soaked?.seconds ?? 0,
        ...(soaked === undefined ? {} : { soakedTime: soaked.time }),
        targets,
        done,
        failed: 0,
        inFlight,
        phase: soaked === undefined ? "InProgress" : "Done",
      })),
    },
  });
}

/** What is known of a node. */
export function nodeState(seen: Seen): object {
  const { node, os, time, kernel, packages, verified, claim, notAvailable } = seen;
  const inventory = {
    time,
    digest: createHash("sha256").update(node).digest("hex"),
    osId: os.id,
    osVersionId: os.versionId,
    scheme: os.scheme,
    installedKernels: [kernel],
    rebootRequired: false,
    packages: Object.entries(packages).map(([name, version]) => ({ name, version })),
  };
  return own("NodePatchState", node, {
    status: {
      targetUID: uid(node),
      inventory,
      ...(verified === undefined ? {} : verifiedStatus(verified)),
      ...(claim === undefined ? {} : { operation: operation(claim) }),
      ...(notAvailable === undefined ? {} : { attempted: [attempt(notAvailable)] }),
    },
  });
}

function verifiedStatus({ level, ring: of, started, finished }: NonNullable<Seen["verified"]>): object {
  return {
    verified: [{ baseline: level.spec.baseline, digest: level.digest, time: finished }],
    history: [
      {
        claimId: "0000000000000001",
        level: level.name,
        ring: of,
        result: "Succeeded",
        startedTime: started,
        finishedTime: finished,
      },
    ],
  };
}

function operation({ id, node, ring: of, level, since }: Claim): object {
  return {
    claimId: id,
    ring: of,
    ...naming(level),
    startedTime: since,
    stepTime: since,
    attempt: 1,
    step: "Cordoned",
    bootId: uid(`${node} boot`),
    priorUnschedulable: false,
    marked: true,
    disrupt: true,
  };
}

function attempt({ level, message, time, notBefore }: NonNullable<Seen["notAvailable"]>): object {
  const { baseline } = level.spec;
  return {
    baseline,
    digest: level.digest,
    result: "NotAvailable",
    reason: "VersionNotAvailable",
    message,
    time,
    notBefore,
  };
}
