// Assets as people name them, everywhere the same. Pure.

/** `Node n1`, `Deployment shop/web`. */
export function nameAsset({
  kind,
  namespace,
  name,
}: {
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}
