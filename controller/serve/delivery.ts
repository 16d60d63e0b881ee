// Whether a webhook's delivery is the forge's: an HMAC-SHA-256 over its raw bytes with a secret that both sides hold (one of two while it is
// being changed), compared in constant time, and an id that was not seen before. What is in the body is never read: it says when to look, never what is true (A7).
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** What became of a request; also the label of its metric. */
export type DeliveryResult =
  | "accepted"
  /** Signed, and seen before: a replay, or the forge's own redelivery. */
  | "duplicate"
  /** Without a signature or an id that we know how to read. */
  | "unsigned"
  | "badSignature"
  | "tooLarge"
  | "limited"
  /** The secret's file cannot be read: nothing is taken. */
  | "noSecret"
  /** The body never came. */
  | "broken";

/** The shortest secret that is taken, bytes: less can be guessed. */
export const SHORTEST_SECRET = 16;

function one(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** GitHub: `X-Hub-Signature-256: sha256=HEX`; Gitea and Forgejo: `X-Gitea-Signature: HEX`, and newer ones GitHub's, too. */
function signatureOf(headers: IncomingHttpHeaders): Buffer | undefined {
  const github = /^sha256=([0-9a-f]{64})$/i.exec(one(headers["x-hub-signature-256"]) ?? "");
  const gitea = /^([0-9a-f]{64})$/i.exec(one(headers["x-gitea-signature"]) ?? "");
  const hex = github?.[1] ?? gitea?.[1];
  return hex === undefined ? undefined : Buffer.from(hex, "hex");
}

/** The delivery's id: a UUID of the forge's. */
function idOf(headers: IncomingHttpHeaders): string | undefined {
  const id = one(headers["x-github-delivery"]) ?? one(headers["x-gitea-delivery"]);
  return id !== undefined && /^[0-9A-Za-z-]{8,100}$/.test(id) ? id : undefined;
}

/** True for requests that could be a delivery: worth reading a body for. */
export function isSigned(headers: IncomingHttpHeaders): boolean {
  return signatureOf(headers) !== undefined && idOf(headers) !== undefined;
}

/** Judges deliveries by any of some secrets; remembers the ids of the last `remembered` that were the forge's. */
export function createDeliveries(
  remembered: number,
): (headers: IncomingHttpHeaders, body: Buffer, secrets: readonly Buffer[]) => DeliveryResult {
  const seen = new Set<string>();
  return (headers, body, secrets) => {
    const signature = signatureOf(headers);
    const id = idOf(headers);
    if (signature === undefined || id === undefined) return "unsigned";
    const isGood = (secret: Buffer): boolean =>
      timingSafeEqual(signature, createHmac("sha256", secret).update(body).digest());
    if (!secrets.some(isGood)) return "badSignature";
    // Only now: nobody without the secret can make us forget or remember an id. The id is not signed; a replay under another one costs a look.
    if (seen.has(id)) return "duplicate";
    seen.add(id);
    for (const oldest of seen) {
      if (seen.size <= remembered) break;
      seen.delete(oldest);
    }
    return "accepted";
  };
}
