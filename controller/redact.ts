// Takes credentials out of what is told: a server may give back what it was sent, and libraries put addresses and headers into their errors.
// Never the only guard: secrets do not go where they could be told from, and this takes out what comes back.

const HIDDEN = "***";

/** Texts that are credentials by their form, whoever's they are. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/([a-z][a-z0-9+.-]*:\/\/)[^/\s@'"]*@/gi, `$1${HIDDEN}@`],
  [/(authorization:\s*\S+\s+)\S+/gi, `$1${HIDDEN}`],
  // Not a word of a sentence, such as "token permissions" or "basic authentication": whoever reads on must understand it.
  [
    /\b([Bb]earer|BEARER|[Tt]oken|TOKEN|[Bb]asic|BASIC)\s+(?![a-z]+\.?(?![A-Za-z0-9._~+/=-]))[A-Za-z0-9._~+/=-]{8,}/g,
    `$1 ${HIDDEN}`,
  ],
  [/\b(?:gh[a-z]_|github_pat_)[A-Za-z0-9_]+/g, HIDDEN],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, HIDDEN],
];

/** A text without these secrets, as they are, in base64 or encoded for an address, and without what looks like a credential. */
export function redact(text: string, secrets: readonly string[] = []): string {
  let clean = removeSecrets(text, secrets);
  for (const [form, instead] of FORMS) clean = clean.replace(form, instead);
  return clean;
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
