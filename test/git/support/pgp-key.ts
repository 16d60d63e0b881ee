// OpenPGP keys that sign commits, each in a GNUPGHOME of its own below a remote's folder.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommitSha } from "../../../controller/git/port.ts";
import type { DiskRemote } from "./disk-remote.ts";

export interface PgpKey {
  readonly home: string;
  readonly publicFile: string;
  run(...args: string[]): string;
}

/** A key that signs, of `NAME@example.test`. */
export function newPgpKey({ folder }: Pick<DiskRemote, "folder">, name: string, expires = "never"): PgpKey {
  const home = join(folder, `pgp-${name}`);
  mkdirSync(home, { mode: 0o700 });
  const run = (...args: string[]): string =>
    execFileSync("gpg", ["--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase", "", ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  run(
    "--faked-system-time",
    "20251201T000000",
    "--quick-generate-key",
    `${name}@example.test`,
    "ed25519",
    "sign",
    expires,
  );
  const publicFile = join(folder, `${name}.asc`);
  writeFileSync(publicFile, run("--armor", "--export"));
  return { home, publicFile, run };
}

/** Puts a signed commit with the files of main's head in its place, without parents; signed at a time that gpg believes. */
export function signHead(disk: DiskRemote, key: PgpKey, at = "20260101T000000"): CommitSha {
  const program = join(key.home, "sign.sh");
  writeFileSync(program, `#!/bin/sh\nexec gpg --homedir ${key.home} --batch --faked-system-time ${at} "$@"\n`, {
    mode: 0o755,
  });
  const made = execFileSync(
    "git",
    [
      "-C",
      disk.bare,
      "-c",
      "gpg.format=openpgp",
      "-c",
      "user.signingKey=ann@example.test",
      "-c",
      `gpg.program=${program}`,
      "commit-tree",
      "-S",
      "-m",
      "signed",
      `${disk.people.head("main")}^{tree}`,
    ],
    {
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"],
        HOME: key.home,
        GIT_AUTHOR_NAME: "Ann",
        GIT_AUTHOR_EMAIL: "ann@example.test",
        GIT_COMMITTER_NAME: "Ann",
        GIT_COMMITTER_EMAIL: "ann@example.test",
      },
    },
  ).trim() as CommitSha;
  disk.people.forcePush("main", made);
  return made;
}

/** Ends the agents of all keys made for this remote. */
export function stopPgpAgents({ folder }: Pick<DiskRemote, "folder">): void {
  for (const name of readdirSync(folder).filter((one) => one.startsWith("pgp-")))
    execFileSync("gpgconf", ["--homedir", join(folder, name), "--kill", "gpg-agent"]);
}
