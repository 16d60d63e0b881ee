// Foreign strings (node names, labels, messages of other programs) made harmless in the Markdown of a pull request: no mention, no
// reference, no closing keyword that works, no HTML, no table or emphasis syntax, no link, bounded. Pure. Whatever is put in, what
// a reader sees is the same text and nothing else happens on the forge.

/** Longest title and body that GitHub takes, in UTF-16 code units. */
export const titleLimit = 256;
export const bodyLimit = 65_536;
/** Longest description of a commit status. */
const lineLimit = 140;

// A character reference is never syntax in CommonMark (§2.5), neither in a table cell nor inside HTML, so one list serves everywhere.
const references: Readonly<Record<string, string>> = Object.fromEntries(
  "&<>|\\`*_~[](){}!#@$^\"'".split("").map((character) => [character, `&#${character.codePointAt(0) ?? 0};`]),
);

// A word joiner is invisible, allows no line break, and ends what a forge reads as a mention, a reference or an address.
const joiner = "&#8288;";

/** Control and direction-changing characters out, white space to single blanks, at most `limit` characters (then an ellipsis). */
function plain(text: string, limit: number): string {
  const clean = text
    .toWellFormed()
    .replace(/[\s\u0085\u2028\u2029]+/gu, " ")
    .replace(/[\p{Cc}\p{Bidi_C}\u200B-\u200D\u2060-\u2064\uFEFF\u00AD]/gu, "")
    .trim();
  const characters = Array.from(clean);
  return characters.length <= limit ? clean : `${characters.slice(0, Math.max(0, limit - 1)).join("")}…`;
}

/** Where a forge would start to see more than text: after `@`, `#`, `GH-`, a URL's scheme, `www.` and at a closing keyword's end. */
function breakReferences(text: string): string {
  // Without the u flag: `\b` is then ASCII's, which finds every boundary that a forge could find, and more.
  return text
    .replace(/[@#](?!\s)/gu, "$&\u2060")
    .replace(/\bGH-(?=\d)/gi, "$&\u2060")
    .replace(/:(?=\/\/)/gi, ":\u2060")
    .replace(/\b(mailto|xmpp|javascript|data):/gi, "$1\u2060:")
    .replace(/www\.(?=\S)/gi, "www\u2060.")
    .replace(/\b(clos|fix|resolv)(e[sd]?|ed|es)?\b(?=:?(?:\s|$))/gi, "$1$2\u2060")
    .replace(/!(?=\d)/gu, "!\u2060");
}

/** The first characters of a line can start a list, a heading, a rule or a set-heading: they are written as references there. */
function breakLineStart(text: string): string {
  return text.replace(/^(?:[-+=:]|\d{1,9}(?=[.)]))/u, (start) =>
    Array.from(start, (character) => `&#${character.codePointAt(0) ?? 0};`).join(""),
  );
}

/**
 * Foreign text for a Markdown paragraph, list item, heading, summary or table cell. One line; at most `limit` characters of the
 * original (default 200), then an ellipsis.
 */
export function escapeMarkdown(text: string, limit = 200): string {
  const broken = breakReferences(plain(text, limit));
  return breakLineStart(
    broken
      .replace(/[&<>|\\`*_~[\](){}!#@$^"']/gu, (character) => references[character] ?? "")
      .replaceAll("\u2060", joiner),
  );
}

/**
 * Foreign text as inline code, for names that people copy (images, digests, versions). Plain names get back quotes; anything else
 * is written with references inside `<code>`, which is as safe as `escapeMarkdown` but without invisible characters: forges see
 * neither mentions nor references in code.
 */
export function escapeCode(text: string, limit = 200): string {
  const clean = plain(text, limit);
  if (clean === "") return "";
  if (/^[A-Za-z0-9._:/@+=,~-]+(?: [A-Za-z0-9._:/@+=,~-]+)*$/.test(clean)) return `\`${clean}\``;
  return `<code>${Array.from(clean, (character) => (/[A-Za-z0-9 ]/.test(character) || character > "\u007F" ? character : `&#${character.codePointAt(0) ?? 0};`)).join("")}</code>`;
}

/** Cuts at a character's border and says so in the text itself. */
function cut(text: string, limit: number, note: string): string {
  if (text.length <= limit) return text;
  return `${text
    .slice(0, limit - note.length)
    .toWellFormed()
    .replace(/\uFFFD$/, "")}${note}`;
}

/** A title that a forge takes: one line, at most 256 characters (GitHub) or as many as it says. */
export function boundTitle(title: string, limit = titleLimit): string {
  return cut(title.replace(/\s+/g, " ").trim(), limit, "…");
}

/** A body that GitHub takes: at most 65,536 characters, with a note where it was cut. */
export function boundBody(body: string): string {
  return cut(body, bodyLimit, "\n\n…\n\n*(The rest was cut: the forge takes no longer text.)*\n");
}

/** One line that forges take beside a verdict: at most 140 characters. */
export function boundLine(line: string): string {
  return cut(line.replace(/\s+/g, " ").trim(), lineLimit, "…");
}
