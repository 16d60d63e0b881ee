// Three-way merge of text by lines, as a forge's merge button does it: hunks of both sides that touch or adjoin one another conflict
// (that is why entries in RolloutRing.levels are lists with map keys). Used by the in-memory repository for merges and reverts.

/** Lines with their line breaks. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

interface Hunk {
  /** Lines [start, end) of the base are replaced. */
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** Longest common subsequence, as hunks of what differs. Quadratic: for policy files, not for novels. */
function hunksOf(base: readonly string[], side: readonly string[]): Hunk[] {
  const width = side.length + 1;
  const length = new Uint32Array((base.length + 1) * width);
  for (let i = base.length - 1; i >= 0; i--) {
    for (let j = side.length - 1; j >= 0; j--) {
      length[i * width + j] =
        base[i] === side[j]
          ? (length[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(length[(i + 1) * width + j] ?? 0, length[i * width + j + 1] ?? 0);
    }
  }
  const hunks: Hunk[] = [];
  let i = 0;
  let j = 0;
  while (i < base.length || j < side.length) {
    if (i < base.length && j < side.length && base[i] === side[j]) {
      i++;
      j++;
      continue;
    }
    const start = i;
    const from = j;
    while ((i < base.length || j < side.length) && !(i < base.length && j < side.length && base[i] === side[j])) {
      if (
        j >= side.length ||
        (i < base.length && (length[(i + 1) * width + j] ?? 0) >= (length[i * width + j + 1] ?? 0))
      )
        i++;
      else j++;
    }
    hunks.push({ start, end: i, lines: side.slice(from, j) });
  }
  return hunks;
}

/** The merged text, or undefined when both sides changed the same or adjoining lines differently. */
export function mergeText(base: string, ours: string, theirs: string): string | undefined {
  if (ours === theirs || theirs === base) return ours;
  if (ours === base) return theirs;
  const baseLines = linesOf(base);
  const left = hunksOf(baseLines, linesOf(ours));
  const right = hunksOf(baseLines, linesOf(theirs));
  const merged: string[] = [];
  let at = 0;
  while (left.length > 0 || right.length > 0) {
    const l = left[0];
    const r = right[0];
    if (l !== undefined && r !== undefined && l.start <= r.end && r.start <= l.end) {
      const same = l.start === r.start && l.end === r.end && l.lines.join("") === r.lines.join("");
      if (!same) return undefined;
      right.shift();
      continue;
    }
    const next = r === undefined || (l !== undefined && l.start < r.start) ? left.shift() : right.shift();
    if (next === undefined) break;
    merged.push(...baseLines.slice(at, next.start), ...next.lines);
    at = next.end;
  }
  merged.push(...baseLines.slice(at));
  return merged.join("");
}
