// Credentials for the policy repository. A secret is read from a mounted file (or asked from a callback, such as a GitHub App's)
// for each use, so rotation needs no restart; it travels to git in one process's environment only: never in argv, on disk,
// in an address, a log or an error (security checklist 31, 32).
import { access, constants, readFile } from "node:fs/promises";

import { UserError } from "../errors.ts";

export type GitAuth =
  | {
      readonly kind: "Token";
      /** User name for Basic authentication; forges accept any with a token. Default `x-access-token`. */
      readonly username?: string;
      readonly token: () => Promise<string>;
    }
  | {
      /** A person's or a machine account's name and password. */
      readonly kind: "Basic";
      readonly username: string;
      readonly password: () => Promise<string>;
    }
  | {
      readonly kind: "Ssh";
      /** Absolute paths. Without a known_hosts file nobody would know whom we talk to: it is required. */
      readonly privateKeyFile: string;
      readonly knownHostsFile: string;
    };

/** A proxy for https, asked with CONNECT: it sees the repository's host, and neither our credentials nor what is fetched. */
export interface GitProxy {
  /** `http://HOST:PORT` or `https://HOST:PORT`, without credentials. */
  readonly url: string;
  /** Answers `USER:PASSWORD`. */
  readonly credentials?: () => Promise<string>;
}

async function readSecret(path: string, what: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new UserError(
      "RW1105",
      `${what} file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "error"}`,
      "mount the secret there",
    );
  }
  if (text.trim() === "")
    throw new UserError("RW1105", `${what} file ${path} is empty`, `put the ${what} into it, alone on one line`);
  return text;
}

/** A `token` callback that reads the file anew each time. Throws UserError RW1105 when it is missing or empty. */
export function tokenFile(path: string): () => Promise<string> {
  return async () => (await readSecret(path, "token")).trim();
}

/** The same for a password, in which blanks count: only the line break at the end goes. */
export function passwordFile(path: string): () => Promise<string> {
  return async () => (await readSecret(path, "password")).replace(/\r?\n$/, "");
}

/** The same for a proxy's `USER:PASSWORD`. */
export function proxyCredentialsFile(path: string): () => Promise<string> {
  return async () => (await readSecret(path, "proxy credentials")).replace(/\r?\n$/, "");
}

/** The value of an Authorization header and all spellings of the secret that must be redacted from messages. */
export function basicHeader(username: string, token: string): Header {
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new UserError(
      "RW1105",
      "the token holds a blank, a line break or a character outside ASCII",
      "the file must hold the token alone",
    );
  }
  if (!/^[\x21-\x39\x3b-\x7e]+$/.test(username))
    throw new UserError("RW1105", "the user name for the token is malformed", "leave it out");
  return encodeBasic(username, token);
}

interface Header {
  readonly header: string;
  readonly secrets: readonly string[];
}

function encodeBasic(username: string, secret: string): Header {
  const encoded = Buffer.from(`${username}:${secret}`).toString("base64");
  return { header: `Authorization: Basic ${encoded}`, secrets: [secret, encoded, encodeURIComponent(secret)] };
}

/** As `basicHeader`, for a password: any characters but controls. Throws UserError RW1105. */
export function passwordHeader(username: string, password: string): Header {
  if (password === "" || /\p{Cc}/u.test(password))
    throw new UserError(
      "RW1105",
      "the password is empty or holds a line break or a control character",
      "the file must hold the password alone, on one line",
    );
  if (username === "" || /[\p{Cc}:]/u.test(username))
    throw new UserError("RW1105", "the user name for the password is malformed", "no colon and no control characters");
  const { header, secrets } = encodeBasic(username, password);
  return { header, secrets: [username, ...secrets] };
}

/** The proxy's address with its credentials, for one process's environment, and what must be redacted. Throws UserError RW1105. */
export async function proxyAddress(
  proxy: GitProxy,
): Promise<{ readonly url: string; readonly secrets: readonly string[] }> {
  if (proxy.credentials === undefined) return { url: proxy.url, secrets: [] };
  const text = await proxy.credentials();
  const [, username = "", password = ""] = /^([^:]+):(.+)$/s.exec(text) ?? [];
  if (username === "" || password === "" || /\p{Cc}/u.test(text))
    throw new UserError(
      "RW1105",
      "the proxy's credentials are not of the form USER:PASSWORD",
      "the file must hold both on one line, with a colon between",
    );
  const [user, word] = [encodeURIComponent(username), encodeURIComponent(password)];
  return {
    url: proxy.url.replace("://", `://${user}:${word}@`),
    secrets: [username, password, word, `${user}:${word}`, Buffer.from(text).toString("base64")],
  };
}

/** Says of a missing key what it is; ssh would merely say that the server refused us. Throws UserError RW1106. */
export async function checkSshFiles(auth: GitAuth & { readonly kind: "Ssh" }): Promise<void> {
  for (const path of [auth.privateKeyFile, auth.knownHostsFile]) {
    try {
      await access(path, constants.R_OK);
    } catch (error) {
      throw new UserError(
        "RW1106",
        `ssh file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "error"}`,
        "mount the secret there",
      );
    }
  }
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
    // Known hosts are people's: neither a question nor the server itself adds one.
    "UpdateHostKeys=no",
    "VerifyHostKeyDNS=no",
    "CanonicalizeHostname=no",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "PreferredAuthentications=publickey",
    "ControlMaster=no",
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
