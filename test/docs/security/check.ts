// What a row of docs/security.md is made of, and how a title is looked for in a test file.

/** A test that holds a check: its file below test/, and its title as it stands there. */
export type HeldBy = readonly [file: string, title: string];

export interface SecurityCheck {
  readonly id: number;
  /** What is looked for, in a sentence. */
  readonly says: string;
  readonly tests: readonly HeldBy[];
  /** What no test shows, and why. Needed where there is no test at all. */
  readonly open?: string;
}

/** Titles of tests and groups of a file that run: those of `skip` and `todo` are none. */
export function titlesIn(text: string): ReadonlySet<string> {
  const titles = text.matchAll(
    /(?:\b(?:it|describe)((?:\.\w+)*)\(\s*|\)\(\s*)(["`])((?:\\.|(?!\2)[^\\])*)\2\s*,\s*(?:async\b\s*)?(?:\(|\w+\s*=>)/g,
  );
  return new Set([...titles].flatMap(([, how = "", , title = ""]) => (/\.(?:skip|todo)\b/.test(how) ? [] : [title])));
}
