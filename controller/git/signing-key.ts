// The ssh key that signs our commits. Its kind matters: a push whose reply was lost is made again, and must become the very same commit, so
// only kinds whose signatures of equal bytes are equal will do (ed25519 and RSA; ECDSA and security keys draw random numbers).
import { readFile } from "node:fs/promises";

import { UserError } from "../errors.ts";

/** Throws UserError RW1133 where the file holds no key that can sign here. */
export async function checkSigningKey(path: string): Promise<void> {
  const refuse = (why: string): never => {
    throw new UserError("RW1133", `signing key ${path}: ${why}`, "mount one made with ssh-keygen -t ed25519 -N ''");
  };
  let text = "";
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    refuse(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? "error"}`);
  }
  if (text.includes("-----BEGIN RSA PRIVATE KEY-----") && !text.includes("ENCRYPTED")) return;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text)?.[1];
  if (body === undefined) return refuse("is not a private key of OpenSSH");
  const fields = readFields(Buffer.from(body, "base64"));
  if (fields === undefined) return refuse("is not a whole private key of OpenSSH");
  if (fields.cipher !== "none") return refuse("has a passphrase, and nobody is there to type it");
  if (fields.kind !== "ssh-ed25519" && fields.kind !== "ssh-rsa")
    refuse(
      `is of kind ${/^[a-z0-9@.-]{1,60}$/.test(fields.kind) ? fields.kind : "unknown"}, whose signatures differ each time`,
    );
}

/** The unencrypted head of the format (PROTOCOL.key): magic, cipher, kdf, its options, number of keys, first public key. */
function readFields(bytes: Buffer): { readonly cipher: string; readonly kind: string } | undefined {
  const magic = "openssh-key-v1\0";
  if (bytes.toString("latin1", 0, magic.length) !== magic) return undefined;
  let at = magic.length;
  const next = (): Buffer => {
    const length = bytes.readUInt32BE(at);
    const field = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return field;
  };
  try {
    const cipher = next().toString("latin1");
    next();
    next();
    at += 4;
    const key = next();
    return { cipher, kind: key.toString("latin1", 4, 4 + key.readUInt32BE(0)) };
  } catch {
    return undefined;
  }
}
