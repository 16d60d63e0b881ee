// One value instead of many equal ones: the pods of a workload have the same labels, containers and images, and a hundred thousand of
// them fit into the memory of one. Sharing changes nothing but identity; what is shared must never be written to.

/** The value itself, or one that is equal to it and known already. Only for plain data. */
export type Share = <T extends object>(value: T) => T;

export const shareNothing: Share = (value) => value;

/** More than a large cluster has of different values; beyond it the memory begins anew, which costs only memory. */
const MOST = 1 << 17;

/** Remembers values by their content. */
export function createSharing(): Share {
  const known = new Map<string, object>();
  return <T extends object>(value: T): T => {
    const content = JSON.stringify(value);
    const before = known.get(content);
    if (before !== undefined) return before as T;
    if (known.size >= MOST) known.clear();
    known.set(content, value);
    return value;
  };
}
