// Strings that occur again and again (label keys and values, images, node names) as one string each: looked up by their bytes, so
// that the hundred-thousandth pod of a node costs neither the decoding of its name nor memory for it. It may forget any of them at any
// time, which only costs memory; it never answers with other characters than stand in the bytes.

export interface Words {
  /** The text between two places, as UTF-8. */
  read(bytes: Buffer, start: number, end: number): string;
}

const SLOTS = 1 << 15;
/** Longer ones are rarely the same. */
const LONGEST = 192;

/** Whether a string of ASCII characters is what stands there. */
function stands(word: string, bytes: Buffer, start: number): boolean {
  for (let at = 0; at < word.length; at += 1) if (word.charCodeAt(at) !== bytes[start + at]) return false;
  return true;
}

/** A dictionary of fixed size: a word that meets another one in its place takes the place. */
export function createWords(): Words {
  const slots = Array.from<string | undefined>({ length: SLOTS });
  return {
    read(bytes, start, end) {
      const length = end - start;
      if (length === 0) return "";
      if (length > LONGEST) return bytes.toString("utf8", start, end);
      // FNV-1a; the upper bits are folded in because only the lower ones choose the place.
      let hash = 0x811c9dc5;
      for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
      const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
      const known = slots[slot];
      if (known !== undefined && known.length === length && stands(known, bytes, start)) return known;
      const word = bytes.toString("utf8", start, end);
      // Of other text the length in characters is not that in bytes, so that it would never be found again.
      if (word.length === length) slots[slot] = word;
      return word;
    },
  };
}
