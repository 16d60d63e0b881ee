// Credentials for the policy repository. A token is read from a mounted file (or asked from a callback, such as a GitHub App's)
// for each use, so rotation needs no restart; it travels to git in one process's environment only: never in argv, on disk,
// in an address, a log or an error (security checklist 31, 32).
import { readFile } from "node:fs/promises";

import { UserError } from "../errors.ts";

export type GitAuth =
  | {
      readonly kind: "Token";
      /** User name for Basic authentication; forges accept any with a token. Default `x-access-token`. */
      readonly username?: string;
      readonly token: () => Promise<string>;
    }
  | {
      readonly kind: "Ssh";
      /** Absolute paths. Without a known_hosts file nobody would know whom we talk to: it is required. */
      readonly privateKeyFile: string;
      readonly knownHostsFile: string;
    };

/** A `token` callback that reads the file anew each time. Throws UserError RW1105 when it is missing or empty. */
export function tokenFile(path: string): () => Promise<string> {
  return async () => {
    let text: string;
    try {
      text = (await readFile(path, "utf8")).trim();
    } catch (error) {
      throw new UserError(
        "RW1105",
        `token file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "error"}`,
        "mount the secret there",
      );
    }
    if (text === "")
      throw new UserError("RW1105", `token file ${path} is empty`, "put the token into it, alone on one line");
    return text;
  };
}

/** The value of an Authorization header and all spellings of the secret that must be redacted from messages. */
export function basicHeader(
  username: string,
  token: string,
): { readonly header: string; readonly secrets: readonly string[] } {
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new UserError(
      "RW1105",
      "the token holds a blank, a line break or a character outside ASCII",
      "the file must hold the token alone",
    );
  }
  if (!/^[\x21-\x39\x3b-\x7e]+$/.test(username))
    throw new UserError("RW1105", "the user name for the token is malformed", "leave it out");
  const encoded = Buffer.from(`${username}:${token}`).toString("base64");
  return { header: `Authorization: Basic ${encoded}`, secrets: [token, encoded, encodeURIComponent(token)] };
}

/** The ssh command for git: no user configuration, no prompts, unknown hosts refused. Paths are held to characters that no shell reads. */
export function sshCommand(auth: GitAuth & { readonly kind: "Ssh" }, connectTimeoutSeconds: number): string {
  for (const path of [auth.privateKeyFile, auth.knownHostsFile]) {
    if (!/^\/[A-Za-z0-9._/-]+$/.test(path) || path.split("/").includes("..")) {
      throw new UserError(
        "RW1106",
        `ssh file ${JSON.stringify(path)}: not a plain absolute path`,
        "mount it at a path of letters, digits and . _ / -",
      );
    }
  }
  const options = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    `UserKnownHostsFile=${auth.knownHostsFile}`,
    "GlobalKnownHostsFile=/dev/null",
    "IdentitiesOnly=yes",
    "ForwardAgent=no",
    "PermitLocalCommand=no",
    "ProxyCommand=none",
    `ConnectTimeout=${connectTimeoutSeconds}`,
    "ServerAliveInterval=10",
    "ServerAliveCountMax=3",
  ];
  return ["ssh", "-F", "/dev/null", "-i", auth.privateKeyFile, ...options.flatMap((option) => ["-o", option])].join(
    " ",
  );
}

/** Takes known secrets, and whatever stands where a user name stands in an address, out of a text. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@'"]*@/gi, "$1***@")
    .replace(/(authorization:\s*\S+\s+)\S+/gi, "$1***");
  for (const secret of secrets) if (secret.length > 0) clean = clean.replaceAll(secret, "***");
  return clean;
}
