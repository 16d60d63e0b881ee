// Takes credentials out of what is told: a server may give back what it was sent, and libraries put addresses and headers into their errors.
// Never the only guard: secrets do not go where they could be told from, and this takes out what comes back.

const HIDDEN = "***";

/**
 * Texts that are credentials by their form, whoever's they are. They meet what any server says: none may look at a text again from each of
 * its characters, so a long run is read from one place only, or for so many characters.
 */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/(?<=[a-z0-9+.-]:\/\/)[^/\s@'"]*@/gi, `${HIDDEN}@`],
  [/(authorization:\s{0,16}\S{1,64}\s{1,16})\S+/gi, `$1${HIDDEN}`],
  // Not a word of a sentence, such as "token permissions" or "basic authentication": whoever reads on must understand it.
  [
    /\b([Bb]earer|BEARER|[Tt]oken|TOKEN|[Bb]asic|BASIC)\s+(?![a-z]+\.?(?![A-Za-z0-9._~+/=-]))[A-Za-z0-9._~+/=-]{8,}/g,
    `$1 ${HIDDEN}`,
  ],
  [/\b(?:gh[a-z]_|github_pat_)[A-Za-z0-9_]+/g, HIDDEN],
];

/** JSON Web Tokens: three parts in base64url with dots between them, the first of which is an object. */
function hideTokens(run: string): string {
  const parts = run.split(".");
  const clean: string[] = [];
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at] ?? "";
    const start = at + 2 < parts.length && parts[at + 1] !== "" ? part.search(/(?<![^-])eyJ[\w-]/) : -1;
    clean.push(start < 0 ? part : part.slice(0, start) + HIDDEN);
    if (start >= 0) at += 2;
  }
  return clean.join(".");
}

/** A text without these secrets, as they are, in base64 or encoded for an address, and without what looks like a credential. */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = removeSecrets(text, secrets);
  for (const [form, instead] of FORMS) clean = clean.replace(form, instead);
  return clean.includes("eyJ") ? clean.replace(/[\w.-]+/g, hideTokens) : clean;
}

/** A text without these secrets, and otherwise as it is: for what is more than told. */
export function removeSecrets(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) {
    if (secret === "") continue;
    for (const form of [secret, Buffer.from(secret).toString("base64"), encodeURIComponent(secret)])
      clean = clean.replaceAll(form, HIDDEN);
  }
  return clean;
}
