// Whom signatures are trusted from: the mounted files, copied into a folder of ours so that one verdict is made from one state of them, and
// OpenPGP keys imported into a GNUPGHOME of its own there. Nothing of a person's or the machine's keyring, agent or trust is used.
import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { UserError } from "../errors.ts";
import type { LocalRun } from "./create-git.ts";

/** Mounted files with public keys; at least one of allowedSignersFile and keyringFile. */
export interface TrustFiles {
  /** ssh keys that may sign, in the form of ssh-keygen(1)'s ALLOWED SIGNERS. */
  readonly allowedSignersFile?: string;
  /** ssh keys that may not any more: public keys one a line, or a KRL. */
  readonly revokedKeysFile?: string;
  /** OpenPGP public keys, armored or not. */
  readonly keyringFile?: string;
}

export interface Trust {
  /** Of everything that the files hold. */
  readonly digest: string;
  readonly directory: string;
  /** How git is run so that it trusts these and nobody else. */
  readonly run: Pick<LocalRun, "config" | "environment">;
}

const MOST_BYTES = 8 * 1024 * 1024;

export function nobodyTrusted(): UserError {
  return new UserError(
    "RW1132",
    "signatures are to be verified, and no key is trusted",
    "give verification.allowedSignersFile or verification.keyringFile",
  );
}

/** The files as they are now; `before` where nothing changed. Throws UserError RW1132. */
export async function loadTrust(directory: string, files: TrustFiles, before: Trust | undefined): Promise<Trust> {
  const { allowedSignersFile, revokedKeysFile, keyringFile } = files;
  if (allowedSignersFile === undefined && keyringFile === undefined) throw nobodyTrusted();
  const signers = allowedSignersFile === undefined ? undefined : await read(allowedSignersFile);
  const revoked = revokedKeysFile === undefined ? undefined : await read(revokedKeysFile);
  const keyring = keyringFile === undefined ? undefined : await read(keyringFile);
  const hash = createHash("sha256");
  for (const part of [signers, revoked, keyring]) hash.update(`${part?.length ?? -1}\0`).update(part ?? "");
  const digest = hash.digest("hex");
  if (before?.digest === digest) return before;
  if (signers !== undefined && !/^[ \t]*[^#\s]/m.test(signers.toString("utf8")))
    throw new UserError("RW1132", `${allowedSignersFile ?? ""} names no signer`, "write one a line: EMAIL KEYTYPE KEY");
  // A folder of this digest alone, made whole before it is used: what an older verdict still reads is not changed under it.
  const folder = join(directory, `${digest.slice(0, 16)}-${randomUUID().slice(0, 8)}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const config: [string, string][] = [];
  const environment: Record<string, string> = {};
  if (signers !== undefined) {
    await writeFile(join(folder, "allowed_signers"), signers, { mode: 0o600 });
    config.push(["gpg.ssh.allowedSignersFile", join(folder, "allowed_signers")]);
  }
  if (revoked !== undefined) {
    await writeFile(join(folder, "revoked_keys"), revoked, { mode: 0o600 });
    config.push(["gpg.ssh.revocationFile", join(folder, "revoked_keys")]);
  }
  if (keyring !== undefined) {
    const home = await importKeyring(folder, keyring, keyringFile ?? "");
    config.push(["gpg.program", "gpg"]);
    environment["GNUPGHOME"] = home;
  }
  if (before !== undefined) await rm(before.directory, { recursive: true, force: true });
  return { digest, directory: folder, run: { config, environment } };
}

async function read(path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UserError(
      "RW1132",
      `file of trusted keys ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "error"}`,
      "mount it there",
    );
  }
  if (bytes.length > MOST_BYTES)
    throw new UserError(
      "RW1132",
      `file of trusted keys ${path} has ${bytes.length} bytes`,
      "leave out what does not sign",
    );
  return bytes;
}

/** A fresh GNUPGHOME that holds the keyring's public keys; answers where. */
async function importKeyring(folder: string, keyring: Buffer, path: string): Promise<string> {
  const home = join(folder, "gnupg");
  await mkdir(home, { mode: 0o700 });
  // Whose keys are in the file is decided by who mounted it: there is no web of trust here, no keyserver and no agent.
  const settings = [
    "batch",
    "no-tty",
    "no-autostart",
    "no-greeting",
    "trust-model always",
    "no-auto-key-locate",
    "no-auto-key-retrieve",
  ];
  await writeFile(join(home, "gpg.conf"), `${settings.join("\n")}\n`, { mode: 0o600 });
  const file = join(folder, "keyring");
  await writeFile(file, keyring, { mode: 0o600 });
  await gpg(home, ["--import", file], path);
  if (!/^pub:/m.test(await gpg(home, ["--list-keys", "--with-colons"], path)))
    throw new UserError("RW1132", `keyring ${path} holds no public key`, "export them with gpg --export");
  return home;
}

async function gpg(home: string, args: readonly string[], path: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("gpg", [...args], {
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: home, GNUPGHOME: home, LC_ALL: "C.UTF-8", TZ: "UTC" },
      timeout: 60_000,
      maxBuffer: MOST_BYTES,
    });
    return stdout;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "ENOENT"
      ? new UserError(
          "RW1132",
          "OpenPGP signatures cannot be verified: gpg is not installed",
          "install gnupg, or sign with ssh keys",
        )
      : new UserError("RW1132", `keyring ${path} cannot be imported`, "export public keys with gpg --export");
  }
}
