// docs/errors.md: every error code of the sources with what it says. The code and its message stand together where the error
// is thrown, so the page is read from there and cannot lag behind.

interface Use {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly file: string;
}

const LITERAL = '`(?:[^`\\\\]|\\\\.)*`|"(?:[^"\\\\]|\\\\.)*"';

/** Finds `"RW0123", "message", "hint"` in sources; a message that is no literal is shown as such. */
export function findErrorCodes(sources: ReadonlyMap<string, string>): readonly Use[] {
  const uses: Use[] = [];
  for (const [file, text] of sources) {
    const pattern = new RegExp(`"(RW\\d{4})"(?:,\\s*(${LITERAL})(?:,\\s*(${LITERAL}))?)?`, "g");
    for (const match of text.matchAll(pattern)) {
      const use = { code: match[1] ?? "", message: plain(match[2]), hint: plain(match[3]), file };
      if (`${use.message}${use.hint}`.includes("${"))
        throw new Error(`${file}: ${use.code}: a template inside a template cannot be read: give the inner one a name`);
      uses.push(use);
    }
  }
  return uses.toSorted((a, b) => compare(a.code, b.code) || compare(a.file, b.file) || compare(a.message, b.message));
}

/** A literal's text; what is filled in at run time becomes `…`. */
function plain(literal: string | undefined): string {
  return (literal ?? "")
    .slice(1, -1)
    .replaceAll(/\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, "…")
    .replaceAll('\\"', '"')
    .replaceAll("\\`", "`")
    .replaceAll("\\n", " ")
    .replaceAll("|", "\\|");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function errorsPage(sources: ReadonlyMap<string, string>): string {
  const seen = new Set<string>();
  const rows = findErrorCodes(sources).flatMap(({ code, message, hint, file }) => {
    const row = `| \`${code}\` | ${message === "" ? "(the cause's own words)" : message} | ${hint} | ${file} |`;
    if (seen.has(row)) return [];
    seen.add(row);
    return [row];
  });
  return `<!-- Made by \`npm run generate\` from controller/. Do not edit. -->
# Error codes

An error with a code is one that a person must mend; it is shown without a stack, with its code at the end, and the exit code is 2. Codes
with the same first two digits come from the same part of the program. \`…\` stands for what is filled in at run time.

| code | what is wrong | what to do | where |
|---|---|---|---|
${rows.join("\n")}
`;
}
