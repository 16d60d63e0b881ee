// What may be handed to git at all: addresses, branch names, paths, commit ids. Everything is checked against an allow-list
// grammar BEFORE a process starts (an argument that looks like an option, a transport helper such as `ext::`, or a line
// break must never reach argv). Never repairs input: what does not match is refused with a UserError that says what to write.
import type { CommitSha } from "./port.ts";
import { UserError } from "../errors.ts";

export type GitTransport = "https" | "http" | "ssh" | "file";

/** A checked address. `text` is safe to hand to git; `origin` is where credentials may be sent (`https://host:port/`). */
export interface GitUrl {
  readonly text: string;
  readonly transport: GitTransport;
  readonly host: string;
  readonly origin: string;
}

const hint = "write https://HOST/PATH, ssh://git@HOST/PATH or git@HOST:PATH";
const maxLength = 2048;

const webUrl =
  /^(https?):\/\/(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?\/([A-Za-z0-9._~%+@-][A-Za-z0-9._~%+@/-]*)$/;
const sshUrl =
  /^ssh:\/\/(?:[A-Za-z_][A-Za-z0-9_.-]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?\/([A-Za-z0-9._~%+@][A-Za-z0-9._~%+@/-]*)$/;
const scpUrl =
  /^[A-Za-z_][A-Za-z0-9_.-]*@([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):([A-Za-z0-9._~+/][A-Za-z0-9._~+@/-]*)$/;
const localPath = /^(?:file:\/\/)?(\/[A-Za-z0-9._~+@/-]+)$/;

function refuse(what: string, why: string, todo: string): never {
  throw new UserError("RW1101", `${what}: ${why}`, todo);
}

/** Control characters (C0, DEL, C1) and the Unicode line separators: never part of an address, a ref or a path. */
function hasControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 32 || (code >= 127 && code < 160) || code === 0x2028 || code === 0x2029) return true;
  }
  return false;
}

/** Shows hostile text in a message without its control characters and without what could be a secret. */
function shown(text: string): string {
  let clean = "";
  for (const char of text.slice(0, 120)) clean += hasControl(char) ? "?" : char;
  return JSON.stringify(clean.replace(/\/\/[^/@]*@/, "//***@"));
}

function hasDotDot(path: string): boolean {
  return path.split("/").some((part) => part === ".." || part === ".");
}

/** Names under which clouds serve credentials, and loopback's second name in many a hosts file. */
const METADATA_NAMES: ReadonlySet<string> = new Set(["metadata.google.internal", "metadata.goog", "metadata"]);
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "ip6-localhost", "ip6-loopback"]);

/** Link-local addresses serve cloud credentials; odd spellings of an address (octal, decimal, mapped) exist to hide one. */
function checkHost(spelt: string, what: string, allowInsecure: boolean): void {
  // The root's dot at the end of a name changes nothing of where it leads.
  const host = spelt.replace(/\.$/, "");
  if (!allowInsecure && isLoopback(host))
    refuse(
      what,
      "this machine itself is not allowed",
      "use the server's name, or start the controller with --allow-insecure",
    );
  const lower = host.toLowerCase();
  if (lower.startsWith("[")) {
    if (!/^\[(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}\]$/.test(lower))
      refuse(what, "the IPv6 address is not in its plain form", hint);
    if (/^\[fe[89ab]/.test(lower)) refuse(what, "link-local addresses are not allowed", "use the host's name");
    if (/^\[(?:0{0,4}:){1,5}:?ffff:/.test(lower))
      refuse(what, "IPv4-mapped addresses are not allowed", "use the host's name");
    const embeds = /^\[(?:0{0,4}:)+[0-9a-f]{1,4}(?::[0-9a-f]{1,4})?\]$|^\[0{0,2}64:ff9b:/.test(lower);
    if (embeds && !isLoopback(host))
      refuse(what, "IPv4 addresses written as IPv6 are not allowed", "use the host's name");
    if (/^\[fd00:0?ec2:[0:]*:0?254\]$/.test(lower))
      refuse(what, "this host serves credentials, not repositories", hint);
    return;
  }
  if (host.includes("..")) refuse(what, "the host name has an empty part", hint);
  const last = lower.split(".").at(-1) ?? "";
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(last)) {
    const parts = host.split(".");
    const plain =
      parts.length === 4 && parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
    if (!plain) refuse(what, "the IP address is not in its plain form (a.b.c.d)", "use the host's name");
    if (parts[0] === "169" && parts[1] === "254")
      refuse(what, "link-local addresses are not allowed", "use the host's name");
    if (parts[0] === "0") refuse(what, "0.0.0.0/8 is not an address of a server", "use the host's name");
  }
  if (METADATA_NAMES.has(lower)) refuse(what, "this host serves credentials, not repositories", hint);
}

function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  return (
    LOOPBACK_NAMES.has(name) ||
    name.endsWith(".localhost") ||
    /^\[(?:0{0,4}:)+0{0,3}[01]?\]$/.test(name) ||
    /^127\.[0-9.]+$/.test(name)
  );
}

function checkPercent(path: string, url: string): void {
  for (const match of path.matchAll(/%(.{0,2})/g)) {
    const hex = match[1] ?? "";
    const code = /^[0-9A-Fa-f]{2}$/.test(hex) ? Number.parseInt(hex, 16) : -1;
    // An encoded dot, slash, backslash or control character only serves to get past a check like this one.
    if (code < 33 && code !== 32)
      refuse(`repository address ${shown(url)}`, `"%${hex}" is not allowed in the path`, hint);
    if ("./\\%".includes(String.fromCharCode(code)) || code >= 127) {
      refuse(`repository address ${shown(url)}`, `"%${hex}" is not allowed in the path`, hint);
    }
  }
}

/** What only a process that was started with `--allow-insecure` takes: this machine's disk and addresses, and http. */
export interface UrlRules {
  readonly allowInsecure?: boolean;
}

/** Checks a proxy's address: `http://HOST:PORT` or `https://HOST:PORT`. Throws UserError RW1131. */
export function checkProxyUrl(url: string, { allowInsecure: insecure = false }: UrlRules = {}): string {
  const what = `proxy address ${shown(url)}`;
  const [, host = "", port = ""] = /^https?:\/\/([^/:@?#\s]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?\/?$/.exec(url) ?? [];
  if (url.length > maxLength || !/^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)$/.test(host))
    throw new UserError(
      "RW1131",
      `${what}: not the address of a proxy`,
      "write http://HOST:PORT or https://HOST:PORT, and its credentials into spec.proxy.credentialsFile",
    );
  if (port !== "" && (Number(port) < 1 || Number(port) > 65535))
    throw new UserError("RW1131", `${what}: no such port`, "write a port from 1 to 65535");
  checkHost(host, what, insecure);
  return url;
}

/**
 * Holds a forge's address to the same servers as a repository's: our token goes there, too. What is no address at all is the forge's own to
 * refuse. Throws UserError RW1101.
 */
export function checkForgeUrl(url: string, { allowInsecure: insecure = false }: UrlRules = {}): void {
  if (insecure || !URL.canParse(url)) return;
  const what = `forge address ${shown(url)}`;
  // As it will be asked: 0x7f.1 is 127.0.0.1 by then.
  const { protocol, hostname } = new URL(url);
  checkHost(hostname, what, insecure);
  if (protocol !== "https:")
    refuse(
      what,
      `${protocol.slice(0, -1)} is not encrypted`,
      "use https, or start the controller with --allow-insecure",
    );
}

/**
 * Checks a repository's address. `https`, `ssh` and scp-like addresses are fine; `http`, this machine itself and paths on its disk
 * only with `allowInsecure` (tests, sandbox). Throws UserError RW1101.
 */
export function checkUrl(url: string, { allowInsecure: insecure = false }: UrlRules = {}): GitUrl {
  const what = `repository address ${shown(url)}`;
  if (url === "") refuse("repository address", "it is empty", hint);
  if (url.length > maxLength) refuse(what, `longer than ${maxLength} characters`, hint);
  if (hasControl(url)) refuse(what, "it holds a control character or a line break", hint);
  if (url.startsWith("-")) refuse(what, "it starts with '-'", hint);
  if (url.includes("::") && !url.includes("://["))
    refuse(what, "transport helpers (ext::, fd::) are not allowed", hint);
  if (/^https?:\/\/[^/]*@/i.test(url) || /^ssh:\/\/[^/@:]*:[^/@]*@/i.test(url)) {
    refuse(what, "it carries a user name or password", "remove it and give a token file in spec.auth");
  }
  if (/[?#]/.test(url)) refuse(what, "queries and fragments are not allowed", hint);

  const web = webUrl.exec(url);
  if (web !== null) {
    const [, scheme = "", host = "", port = "", path = ""] = web;
    checkHost(host, what, insecure);
    if (hasDotDot(path)) refuse(what, 'the path holds "." or ".."', hint);
    checkPercent(path, url);
    if (scheme === "http" && !insecure)
      refuse(what, "http is not encrypted", "use https, or start the controller with --allow-insecure");
    if (port !== "" && (Number(port.slice(1)) < 1 || Number(port.slice(1)) > 65535)) refuse(what, "no such port", hint);
    return { text: url, transport: scheme as "https" | "http", host, origin: `${scheme}://${host}${port}/` };
  }
  const ssh = sshUrl.exec(url);
  if (ssh !== null) {
    const [, host = "", port = "", path = ""] = ssh;
    checkHost(host, what, insecure);
    if (port !== "" && (Number(port.slice(1)) < 1 || Number(port.slice(1)) > 65535)) refuse(what, "no such port", hint);
    if (hasDotDot(path)) refuse(what, 'the path holds "." or ".."', hint);
    checkPercent(path, url);
    return { text: url, transport: "ssh", host, origin: "" };
  }
  const scp = scpUrl.exec(url);
  if (scp !== null && !url.includes("://")) {
    const [, host = "", path = ""] = scp;
    checkHost(host, what, insecure);
    if (hasDotDot(path)) refuse(what, 'the path holds "." or ".."', hint);
    return { text: url, transport: "ssh", host, origin: "" };
  }
  const local = localPath.exec(url);
  if (local !== null) {
    if (!insecure) refuse(what, "repositories on this machine's disk are not allowed", hint);
    if (hasDotDot(local[1] ?? "")) refuse(what, 'the path holds "." or ".."', hint);
    return { text: url, transport: "file", host: "", origin: "" };
  }
  return refuse(what, "not an address that Ringward fetches from", hint);
}

/** Checks a branch's short name (stricter than git-check-ref-format(1)). Throws UserError RW1102. */
export function checkBranch(name: string): string {
  const fail = (why: string): never => {
    throw new UserError("RW1102", `branch ${shown(name)}: ${why}`, 'write a plain branch name such as "main"');
  };
  if (name === "" || name.length > 200) fail("must have 1 to 200 characters");
  if (hasControl(name)) fail("holds a control character or a line break");
  if (name.startsWith("-")) fail("starts with '-'");
  if (name.startsWith("refs/") || name === "HEAD" || name === "@") fail("is not a branch's short name");
  if (!/^[A-Za-z0-9_][A-Za-z0-9._/+@#=,-]*$/.test(name)) fail("may hold only letters, digits and . _ / + @ # = , -");
  if (name.includes("..") || name.includes("@{") || name.includes("//")) fail('may not hold "..", "@{" or "//"');
  if (
    name.split("/").some((part) => part.startsWith(".") || part.endsWith(".lock") || part.endsWith(".") || part === "")
  ) {
    fail("has a part that is empty, starts or ends with a dot, or ends with .lock");
  }
  return name;
}

/** Checks a path inside the repository ("" is its root) and answers it without a closing slash. Throws UserError RW1103. */
export function checkPath(path: string): string {
  const fail = (why: string): never => {
    throw new UserError(
      "RW1103",
      `path ${shown(path)}: ${why}`,
      'write a path from the repository\'s root, such as "policies/prod"',
    );
  };
  const trimmed = path.endsWith("/") && path !== "/" ? path.slice(0, -1) : path;
  if (trimmed === "") return "";
  if (Buffer.byteLength(trimmed) > 1024) fail("longer than 1024 bytes");
  if (hasControl(trimmed)) fail("holds a control character or a line break");
  if (/^[-/:~]/.test(trimmed)) fail(`starts with '${trimmed.charAt(0)}'`);
  if (trimmed.includes("\\")) fail("holds a backslash");
  if (/[\uD800-\uDFFF]/u.test(trimmed)) fail("holds half of a character");
  for (const part of trimmed.split("/")) {
    if (part === "" || part === "." || part === "..") fail('has an empty part, "." or ".."');
    if (part.toLowerCase() === ".git") fail("leads into .git");
  }
  return trimmed;
}

/** Checks that a text is a full commit id (40 or 64 hex digits). Throws UserError RW1104. */
export function checkCommit(text: string): CommitSha {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) {
    throw new UserError("RW1104", `commit ${shown(text)}: not a full commit id`, "write all 40 hex digits, lower case");
  }
  return text as CommitSha;
}
