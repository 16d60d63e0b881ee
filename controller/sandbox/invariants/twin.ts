// R6: the same input gives the same decisions. Two runs from the same seed must write the same things in the same order.
import { canonicalJson } from "../../core/levels/index.ts";
import type { StoredVersion } from "../apiserver/index.ts";

/** The first difference between two histories; undefined: there is none. */
export function findDifference(
  one: readonly StoredVersion[],
  other: readonly StoredVersion[],
): { readonly at: StoredVersion; readonly message: string } | undefined {
  for (let index = 0; index < Math.max(one.length, other.length); index += 1) {
    const [left, right] = [one[index], other[index]];
    const there = left ?? right;
    if (there === undefined) return undefined;
    if (left === undefined || right === undefined)
      return { at: there, message: `one run goes on with ${there.type} ${there.key}, and the other has ended` };
    if (left.key !== right.key || left.type !== right.type || left.time !== right.time || left.user !== right.user)
      return {
        at: left,
        message: `${left.type} ${left.key} by ${left.user} in one run, ${right.type} ${right.key} by ${right.user} in the other`,
      };
    if (left.object !== right.object && canonicalJson(left.object) !== canonicalJson(right.object))
      return { at: left, message: `${left.key} has other content in the other run` };
  }
  return undefined;
}
