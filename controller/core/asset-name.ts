// Assets as people name them, everywhere the same. Pure.

export interface AssetName {
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** In sentences: `Node n1`, `Deployment shop/web`. */
export function nameAsset(asset: AssetName): string {
  return `${asset.kind} ${placeOf(asset)}`;
}

/** In tables and lists: `node/n1`, `deployment/shop/web`. */
export function shortName(asset: AssetName): string {
  return `${asset.kind.toLowerCase()}/${placeOf(asset)}`;
}

function placeOf({ namespace, name }: AssetName): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
