// Text that a person can see as it is. Line breaks, escapes, direction marks, joiners and halves of characters can hide what a text says, break
// the line it stands in, or make two texts look the same.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const EACH_UNSEEN = new RegExp(UNSEEN.source, "gu");

export function isPrintable(text: string): boolean {
  return !UNSEEN.test(text);
}

/** The text with what cannot be seen written as `\u{…}`. */
export function showText(text: string): string {
  return text.replace(EACH_UNSEEN, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
