// What the tables of the examples are written in: the shape of an example, and nodes of the two systems before and after their update.
import type { LevelInForce } from "../../../controller/core/model.ts";
import { type NodeRow, type WorkloadRow } from "./objects.ts";
import type { Claim, Seen, Soaked } from "./own.ts";

/** Levels by their baseline. */
export type Levels = (baseline: string) => LevelInForce;

export interface Example {
  readonly name: string;
  /** When the dump was taken; the plan is of then. */
  readonly now: string;
  /** Further plans of the same dump: at these times, in these files. */
  readonly later?: readonly { readonly at: string; readonly file: string }[];
  readonly limits: { readonly nodes: number; readonly workloads: number; readonly nodesPerZone: number };
  readonly nodes: readonly NodeRow[];
  readonly workloads: readonly WorkloadRow[];
  readonly claims: (levels: Levels) => readonly Claim[];
  readonly rings: (levels: Levels) => Readonly<Record<string, readonly Soaked[]>>;
  readonly seen: (levels: Levels) => readonly Seen[];
}

export const RING = "node-restriction.kubernetes.io";
const UBUNTU = { id: "ubuntu", versionId: "24.04", scheme: "dpkg" } as const;
const ROCKY = { id: "rocky", versionId: "9.6", scheme: "rpm" } as const;
export const UBUNTU_OLD = { osImage: "Ubuntu 24.04.3 LTS", kernel: "6.8.0-85-generic", kubelet: "v1.34.1" } as const;
export const UBUNTU_NEW = { osImage: "Ubuntu 24.04.3 LTS", kernel: "6.8.0-87-generic", kubelet: "v1.34.2" } as const;
export const ROCKY_OLD = {
  osImage: "Rocky Linux 9.6 (Blue Onyx)",
  kernel: "5.14.0-570.49.1.el9_6.x86_64",
  kubelet: "v1.34.1",
} as const;
export const ROCKY_NEW = { ...ROCKY_OLD, kernel: "5.14.0-570.58.1.el9_6.x86_64" } as const;
const SSL_OLD = { libssl3t64: "3.0.13-0ubuntu3.5", openssl: "3.0.13-0ubuntu3.5" };
const SSL_NEW = { libssl3t64: "3.0.13-0ubuntu3.6", openssl: "3.0.13-0ubuntu3.6" };
const RPM_OLD = { "openssl-libs": "1:3.2.2-6.el9_5", sudo: "1.9.5p2-10.el9_6" };
const RPM_NEW = { "openssl-libs": "1:3.2.2-6.el9_5.1", sudo: "1.9.5p2-10.el9_6.1" };

/** What an inventory job saw of an Ubuntu or Rocky Linux node before and after its update. */
function sawOld(row: NodeRow, time: string): Seen {
  const rocky = row.osImage.startsWith("Rocky");
  return { node: row.name, os: rocky ? ROCKY : UBUNTU, time, kernel: row.kernel, packages: rocky ? RPM_OLD : SSL_OLD };
}

function sawNew(row: NodeRow, time: string, verified: NonNullable<Seen["verified"]>): Seen {
  const rocky = row.osImage.startsWith("Rocky");
  return { ...sawOld(row, time), packages: rocky ? RPM_NEW : SSL_NEW, verified };
}

/** Nodes whose kernel is the new one were updated by that ring, one after the other, the first at that time. */
export function sawAll(
  rows: readonly NodeRow[],
  time: string,
  of: (row: NodeRow) => { readonly level: LevelInForce; readonly ring: string; readonly started: string },
): readonly Seen[] {
  return rows.map((row) => {
    if (row.kernel !== UBUNTU_NEW.kernel && row.kernel !== ROCKY_NEW.kernel) return sawOld(row, time);
    const done = of(row);
    const finished = new Date(Date.parse(done.started) + 18 * 60_000).toISOString().replace(".000Z", "Z");
    return sawNew(row, time, { ...done, finished });
  });
}
