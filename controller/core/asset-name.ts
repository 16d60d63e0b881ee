// Assets as people name them, everywhere the same. Pure.
import type { AssetRef } from "./model.ts";

/** `Node n1`, `Deployment shop/web`. */
export function nameAsset({ kind, namespace, name }: Pick<AssetRef, "kind" | "namespace" | "name">): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}
