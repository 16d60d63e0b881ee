// The words of version comparison, and the two primitives that every scheme shares.
// Pure. Must never guess: what cannot be ordered is "?", which callers turn into Unknown, never into Missing.

/** `<`, `=`, `>`, or `?`: not comparable, or at least one side is malformed. */
export type Order = "<" | "=" | ">" | "?";

/** The sign of a difference as an order. */
export function orderOf(difference: number): Order {
  return difference < 0 ? "<" : difference > 0 ? ">" : "=";
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

export function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}

/** The first index at or after `at` (below `end`) that holds no digit. */
export function digitsEnd(text: string, at: number, end: number): number {
  while (at < end && isDigit(text.charCodeAt(at))) at++;
  return at;
}

/**
 * Compares two runs of digits as whole numbers of any length (build numbers may exceed 2^53).
 * Leading zeros do not count; an empty run is zero.
 */
export function compareDigits(a: string, i: number, iEnd: number, b: string, j: number, jEnd: number): number {
  while (i < iEnd && a.charCodeAt(i) === 48) i++;
  while (j < jEnd && b.charCodeAt(j) === 48) j++;
  const longer = iEnd - i - (jEnd - j);
  if (longer !== 0) return longer;
  return compareCodes(a, i, iEnd, b, j, jEnd);
}

/** Compares two ranges by character code; of two where one begins the other, the shorter is smaller. */
export function compareCodes(a: string, i: number, iEnd: number, b: string, j: number, jEnd: number): number {
  while (i < iEnd && j < jEnd) {
    const difference = a.charCodeAt(i) - b.charCodeAt(j);
    if (difference !== 0) return difference;
    i++;
    j++;
  }
  return iEnd - i - (jEnd - j);
}

/** Compares two whole strings of digits as numbers of any length. */
export function compareNumbers(a: string, b: string): number {
  return compareDigits(a, 0, a.length, b, 0, b.length);
}
