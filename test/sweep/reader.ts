// Reads the cluster for a pass straight from the store's tables: what `listing` would answer, without the requests.
// A test of its own holds that both answer the same.
import type { KubeObject } from "../../controller/kube/port.ts";
import type { ClusterReader } from "../../controller/reconcile/cluster.ts";
import {
  CLUSTER_KEYS,
  type ClusterKey,
  type ClusterObjects,
  resourceOf,
  scopeOf,
} from "../../controller/reconcile/cluster-kinds.ts";
import { Crash, type Soul } from "./soul.ts";
import type { Stage } from "./stage.ts";

function tableName(key: ClusterKey): string {
  const { plural, group } = resourceOf(key);
  return group === "" ? plural : `${plural}.${group}`;
}

/** A reader over the present of a stage's store. */
export function directReader(stage: Stage, soul: Soul): ClusterReader {
  const { store } = stage.cluster.server;
  return {
    read() {
      if (soul.dead) return Promise.reject(new Crash("dead"));
      const { tables } = store.snapshot();
      const lists = CLUSTER_KEYS.map((key): readonly [ClusterKey, readonly KubeObject[]] => {
        const { namespace } = scopeOf(key);
        const objects = tables.get(tableName(key))?.objects;
        const names = [...(objects?.keys() ?? [])]
          .filter((name) => namespace === undefined || name.startsWith(`${namespace}/`))
          .sort();
        return [key, names.map((name) => objects?.get(name) as unknown as KubeObject)];
      });
      return Promise.resolve(Object.fromEntries(lists) as unknown as ClusterObjects);
    },
    pending: () => [],
    stop: () => Promise.resolve(),
  };
}
