// What git prints, and the addresses, branches and paths that it is given.
import fc from "fast-check";
import { checkAddress } from "../../../controller/forge/address.ts";
import { UserError } from "../../../controller/errors.ts";
import { explainRemoteError } from "../../../controller/git/explain-remote-error.ts";
import { GitExit, reasonIn } from "../../../controller/git/git-process.ts";
import { checkGitVersion } from "../../../controller/git/git-version.ts";
import { createLastChanges } from "../../../controller/git/last-changes.ts";
import {
  checkBranch,
  checkCommit,
  checkForgeUrl,
  checkPath,
  checkProxyUrl,
  checkUrl,
} from "../../../controller/git/url.ts";
import type { CommitSha } from "../../../controller/git/port.ts";
import { readTrailers } from "../../../controller/reconcile/promotion/files.ts";
import { many, name, noise, oneOf, seq } from "../grammar.ts";
import { bytesOf, type Parser } from "../parser.ts";

const COMMIT = "a".repeat(40);

const urls: Parser = {
  name: "git/url",
  form: "text",
  covers: [],
  run: (text) =>
    [
      checkUrl,
      checkProxyUrl,
      checkForgeUrl,
      (one: string) => checkUrl(one, { allowInsecure: true }),
      checkBranch,
      checkPath,
      checkCommit,
      checkAddress,
    ].map((check) => {
      try {
        const answer: unknown = check(text);
        return answer instanceof URL ? answer.href : answer;
      } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
      }
    }),
  check(text, answer) {
    const [url, , , , branch, path] = answer as readonly unknown[];
    // What passes is handed to git: it must be no option and hold nothing that ends a line.
    for (const passed of [typeof url === "object" ? text : "", branch === text ? text : "", path === text ? text : ""])
      if (/^-|\p{Cc}/u.test(passed)) return "what passes could be an option, or two lines";
    return undefined;
  },
  grammar: oneOf(
    seq(
      oneOf("https://", "ssh://git@", "git@", "file://", "http://"),
      oneOf(name, "[::1]", "169.254.169.254", "0x7f.1"),
      oneOf("/", ":", ":443/"),
      many(name, { by: "/" }),
    ),
    noise,
  ),
  seeds: [
    "https://git.example.com/team/policy.git",
    "ssh://git@git.example.com:2222/a/b",
    "git@git.example.com:team/policy.git",
    "/srv/git/policy.git",
    "https://[fe80::1]/a",
    "https://user:pass@h/a",
    "ext::sh -c x",
    "https://h/a%2e%2e/b",
    "main",
    "policies/prod",
    COMMIT,
    "http://127.0.0.1:3128",
  ],
  words: [
    "https://",
    "ssh://",
    "git@",
    "::",
    "%2e",
    "%00",
    "..",
    "/",
    ":",
    "@",
    "[",
    "]",
    "ffff:",
    "-",
    "--upload-pack=x",
    "\\",
    ".git",
    ".lock",
    "@{",
    "refs/",
    "0x7f",
    "127.0.0.1",
  ],
};

const gitOutput: Parser = {
  name: "git/output",
  form: "text",
  covers: ["controller/reconcile/promotion/files.ts readTrailers"],
  run(text) {
    const exit = new GitExit("fetch", 128, text, text);
    const version = attempt(() => checkGitVersion(text));
    return [version, explainRemoteError(exit, "https://h/a", "main"), reasonIn(exit), readTrailers(text)];
  },
  grammar: many(
    oneOf(
      "fatal: ",
      "remote: ",
      "error: ",
      "couldn't find remote ref",
      "git version 2.45.1",
      "Ringward-Base: abc",
      "Ringward-Content: def",
      noise,
    ),
    { most: 6, by: "\n" },
  ),
  seeds: [
    "git version 2.39.5 (Apple Git-154)",
    "fatal: unable to access 'https://u:p@h/': The requested URL returned error: 403\nremote: Counting objects: 3",
    "Promote\n\nRingward-Base: abc\nRingward-Content: def\nRingward-Evidence: x\nRingward-Max-Targets: 12",
    "remote: no ssh host key is known\nrepository not found",
  ],
  words: [
    "fatal: ",
    "remote: ",
    "no ",
    " host key is known",
    "repository ",
    "not found",
    "Ringward-Base: ",
    "Ringward-Content: ",
    "Ringward-Max-Targets: ",
    "\n",
    "\r",
    "git version ",
    "2.45.1",
  ],
};

function attempt(run: () => void): string {
  try {
    run();
    return "fine";
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

function logOf(id: string, parents: readonly string[], from?: string): string {
  const list = parents.map((parent) => ` ${parent}`).join("");
  return `commit ${id}${list}${from === undefined ? "" : ` (from ${from})`}\ntree ${id}\nauthor A <a@b> 1700000000 +0000\ncommitter A <a@b> 1700000000 +0000\n\n    m\n\nM\0a.yaml\0A\0b.yaml\0`;
}

/** `git log --name-status -z`, as a server's history makes it. */
const lastChanges: Parser = {
  name: "git/last-changes",
  form: "bytes",
  covers: [],
  async run(input) {
    const bytes = bytesOf(input);
    const git = {
      local: (_args: readonly string[], run?: { readonly onOutput?: (chunk: Buffer) => boolean }) => {
        run?.onOutput?.(bytes.subarray(0, bytes.length >> 1));
        run?.onOutput?.(bytes.subarray(bytes.length >> 1));
        return Promise.resolve(Buffer.alloc(0));
      },
    };
    const ask = createLastChanges(git as unknown as Parameters<typeof createLastChanges>[0]);
    return ask("1".repeat(40) as CommitSha, ["a.yaml", "b.yaml", "__proto__"]);
  },
  mayThrow: (error) =>
    error instanceof Error &&
    error.constructor === Error &&
    /^git log (?:answered in an unknown form|names no committer)/.test(error.message),
  grammar: many(
    fc
      .tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 }))
      .map(([a, b]) => logOf(String(a).repeat(40), [String(b).repeat(40)])),
    { most: 4 },
  ),
  seeds: [
    logOf("1".repeat(40), ["2".repeat(40)]) + logOf("2".repeat(40), []),
    logOf("1".repeat(40), ["2".repeat(40), "3".repeat(40)], "2".repeat(40)) +
      logOf("1".repeat(40), ["2".repeat(40), "3".repeat(40)], "3".repeat(40)),
  ],
  words: [
    "commit ",
    "\u0000",
    "\n",
    "committer A <a@b> 1 +0000",
    " (from ",
    "M",
    "A",
    "D",
    "R100",
    "a.yaml",
    "b.yaml",
    "1".repeat(40),
  ],
};

export const GIT_PARSERS: readonly Parser[] = [urls, gitOutput, lastChanges];
