// Secrets that can be found again: each is planted once, and looked for in every form in which it could leak.
import { randomBytes } from "node:crypto";

export interface Canary {
  /** What it is, for a person. */
  readonly name: string;
  /** Texts that nobody but its owner and its addressee may see. */
  readonly forms: readonly string[];
}

/** A secret of one line; `users` are the names that may stand before it in Basic credentials. */
export function makeSecret(
  name: string,
  users: readonly string[] = [],
): { readonly text: string; readonly canary: Canary } {
  const text = `canary${randomBytes(18).toString("hex")}`;
  return { text, canary: { name, forms: formsOf(text, users) } };
}

/** One that somebody else made. */
export function watchSecret(name: string, text: string): Canary {
  return { name, forms: formsOf(text, []) };
}

/** A private key in PEM: each of its lines is one too many. */
export function watchKey(name: string, pem: string): Canary {
  const lines = pem.split("\n").filter((line) => line.length > 40 && !line.startsWith("-----"));
  if (lines.length === 0) throw new Error(`${name} is no key`);
  // The first line of OpenSSH's format is the same for all keys.
  return { name, forms: lines.slice(Math.min(1, lines.length - 1)) };
}

function formsOf(text: string, users: readonly string[]): readonly string[] {
  const bytes = Buffer.from(text);
  // Base64 of it at each of three places within a longer text: the letters that do not depend on what stands beside it.
  const shifted = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    return encoded.slice(before === 0 ? 0 : 4, -2);
  });
  const basic = users.map((user) => Buffer.from(`${user}:${text}`).toString("base64"));
  return [
    ...new Set([
      text,
      bytes.toString("hex"),
      ...shifted,
      ...shifted.map((form) => form.replaceAll("+", "-").replaceAll("/", "_")),
      ...basic,
    ]),
  ];
}

/** What was found: `canary in place`, each once. */
export function findCanaries(canaries: readonly Canary[], places: ReadonlyMap<string, string>): readonly string[] {
  return canaries.flatMap(({ name, forms }) =>
    [...places].flatMap(([place, text]) => (forms.some((form) => text.includes(form)) ? [`${name} in ${place}`] : [])),
  );
}
