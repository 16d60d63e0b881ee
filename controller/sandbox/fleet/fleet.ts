// A fleet as data: the machines, the objects that people created, and the package sources in the world around. JSON all
// through, so that it can be generated from a seed, written to a file, or changed before a cluster is made of it.
import type { KubeObject } from "../../kube/port.ts";
import type { Catalogue } from "../nodes/catalogue.ts";
import type { MachineSpec } from "../nodes/machines.ts";

export interface Fleet {
  readonly machines: readonly MachineSpec[];
  readonly catalogue: Catalogue;
  /** Namespaces first; created in this order. */
  readonly objects: readonly KubeObject[];
}
