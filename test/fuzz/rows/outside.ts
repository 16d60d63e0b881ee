// What forges and git answer, and what people type at the command line: readers may throw their own documented errors, and nothing else.
import fc from "fast-check";
import { checkAddress } from "../../../controller/forge/address.ts";
import { describe as describeError, failureOf } from "../../../controller/forge/failure.ts";
import * as gitea from "../../../controller/forge/gitea/documents.ts";
import * as github from "../../../controller/forge/github/documents.ts";
import * as reading from "../../../controller/forge/reading.ts";
import { saysProtected } from "../../../controller/forge/protected.ts";
import { boundBody, boundLine, boundTitle, escapeCode, escapeMarkdown } from "../../../controller/forge/text.ts";
import { readAssetName } from "../../../controller/cli/asset-name.ts";
import { readImagePrefixes } from "../../../controller/cli/image-prefixes.ts";
import { readWait } from "../../../controller/cli/live/wait.ts";
import { oneLine, parseFlags, readFormat, readTime } from "../../../controller/cli/output.ts";
import { ageOfSource } from "../../../controller/core/promotion/evidence-age.ts";
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
import { parseRetryAfter } from "../../../controller/notify/post.ts";
import { readDestinations } from "../../../controller/notify/settings.ts";
import { isPrintable, showText } from "../../../controller/printable.ts";
import { readTrailers } from "../../../controller/reconcile/promotion/files.ts";
import { redact } from "../../../controller/redact.ts";
import { digits, hex, jsonOf, many, name, noise, oneOf, seq } from "../grammar.ts";
import { bytesOf, type Parser, valueOf } from "../parser.ts";

const FORGE = "controller/forge";
const COMMIT = "a".repeat(40);

const PULL = {
  number: 7,
  html_url: "https://github.example.com/o/r/pull/7",
  state: "closed",
  draft: false,
  head: { ref: "ringward/early/_all", label: "ringward/early/_all", sha: COMMIT, repo: { full_name: "O/r" } },
  base: { ref: "main" },
  title: "Promote",
  body: "b",
  labels: [{ name: "x" }, "y"],
  user: { login: "bot" },
  created_at: "2026-11-21T12:00:00Z",
  updated_at: "2026-11-21T12:00:00Z",
  closed_at: "2026-11-21T12:00:00Z",
  merged_at: "2026-11-21T12:00:00Z",
  merged_by: null,
  merge_commit_sha: COMMIT,
  mergeable: true,
  mergeable_state: "clean",
};

const DOCUMENTS: readonly unknown[] = [
  PULL,
  { ...PULL, merged_at: null, state: "open" },
  { state: "APPROVED", commit_id: COMMIT, user: null, submitted_at: "2026-11-21T12:00:00Z", dismissed: true },
  {
    id: 3,
    user: { login: "Bot" },
    body: "/ringward propose",
    created_at: "2026-11-21T12:00:00Z",
    type: "comment",
    name: "label",
    status: "success",
    context: "c",
    state: "success",
  },
  { check_runs: [{ id: 1, name: "n", status: "completed", output: { annotations_count: 2 }, external_id: "e" }] },
  {
    slug: "s",
    token: "t",
    expires_at: "2026-11-21T12:00:00Z",
    allow_squash_merge: false,
    has_issues: false,
    total_commits: 3,
    login: "l",
    sha: COMMIT,
  },
  { ref: "refs/heads/main", object: { type: "commit", sha: COMMIT } },
  { tree: { sha: COMMIT }, parents: [{ sha: COMMIT }], message: "m", truncated: false },
  { tree: [{ path: "a.yaml", mode: "100644", sha: COMMIT }], filename: "a", previous_filename: "b" },
  { number: 3, html_url: "u", title: "t", state: "open", closed_by: { login: "x" } },
];

const READERS: readonly ((value: unknown) => unknown)[] = [
  (value) => reading.readPull(value, "o/R"),
  (value) => reading.readComment(value, "BOT"),
  reading.readIssue,
  reading.readFileNames,
  reading.readLogin,
  (value) => reading.readList(value, "things", (one) => one),
  (value) => github.readPullDetail(value, "o/r"),
  github.readReview,
  github.readCloser,
  github.readStatus,
  github.readCheckRuns,
  github.readMergeMethods,
  github.readSlug,
  github.readToken,
  github.readRef,
  github.readSha,
  github.readGitCommit,
  github.readTree,
  github.readMergeCommit,
  (value) => gitea.readGiteaPull(value, "o/r"),
  (value) => gitea.readPullDetail(value, "o/r"),
  gitea.readReview,
  gitea.readStatus,
  gitea.readEvent,
  gitea.readLabel,
  gitea.readTotalCommits,
  (value) => gitea.readRef(value, "refs/heads/main"),
  gitea.readHasIssues,
  gitea.readMergeMethods,
];

/** Each document through every reader: what is no such document is an error that says which field is missing. */
const documents: Parser = {
  name: "forge/documents",
  form: "json",
  covers: [
    ...["readPull", "readComment", "readIssue", "readFileNames", "readLogin", "readList"].map(
      (one) => `${FORGE}/reading.ts ${one}`,
    ),
    ...[
      "readPullDetail",
      "readReview",
      "readCloser",
      "readStatus",
      "readCheckRuns",
      "readMergeMethods",
      "readSlug",
      "readToken",
      "readRef",
    ].map((one) => `${FORGE}/github/documents.ts ${one}`),
    ...["readSha", "readGitCommit", "readTree", "readMergeCommit"].map((one) => `${FORGE}/github/documents.ts ${one}`),
    ...[
      "readGiteaPull",
      "readPullDetail",
      "readReview",
      "readStatus",
      "readEvent",
      "readLabel",
      "readTotalCommits",
      "readRef",
      "readHasIssues",
      "readMergeMethods",
    ].map((one) => `${FORGE}/gitea/documents.ts ${one}`),
  ],
  run(text) {
    const value = valueOf(text);
    return READERS.map((read) => {
      try {
        return read(value);
      } catch (error) {
        if (error instanceof Error && error.message.startsWith("the forge's answer ")) return error.message;
        throw error;
      }
    });
  },
  grammar: jsonOf(fc.constantFrom(...DOCUMENTS)),
  seeds: DOCUMENTS.map((one) => JSON.stringify(one)),
  words: [
    "user",
    "login",
    "sha",
    "head",
    "base",
    "ref",
    "repo",
    "full_name",
    "state",
    "open",
    "closed",
    "number",
    "labels",
    "name",
    "merged_at",
    "tree",
    "parents",
    "truncated",
    COMMIT,
  ],
  // One document is answered by up to five readers.
  mostPerCharacter: 64,
};

const failures: Parser = {
  name: "forge/failures",
  form: "json",
  covers: [],
  run: (text) => [failureOf(valueOf(text), 1_000), describeError(valueOf(text))],
  check(_text, answer) {
    const [failure] = answer as readonly [ReturnType<typeof failureOf>];
    const wait = failure.kind === "Limited" ? failure.waitMs : undefined;
    return wait === undefined || (wait >= 0 && wait <= 7_200_000) ? undefined : `waits ${wait} ms`;
  },
  grammar: jsonOf(
    fc.record({
      status: fc.constantFrom(304, 401, 403, 404, 409, 422, 429, 500),
      message: fc.string(),
      response: fc.record({ headers: fc.record({ "retry-after": fc.oneof(fc.string(), fc.nat().map(String)) }) }),
    }),
  ),
  seeds: [
    '{"status":403,"message":"rate limit","response":{"headers":{"x-ratelimit-remaining":"0","x-ratelimit-reset":"99","date":"Sat, 21 Nov 2026 12:00:00 GMT"}}}',
    '{"status":429,"message":"m","response":{"headers":{"retry-after":"Sat, 21 Nov 2026 12:00:00 GMT"}}}',
    '{"status":502,"message":"https://u:p@h/ Bearer abcdefghij","response":{}}',
    '{"message":{"a":1}}',
  ],
  words: [
    "status",
    "message",
    "response",
    "headers",
    "retry-after",
    "x-ratelimit-reset",
    "x-ratelimit-remaining",
    "date",
    "-1",
    "1e400",
    "Infinity",
  ],
};

/** Foreign words in our sentences: in Markdown, on a terminal, in logs. */
const words: Parser = {
  name: "forge/text",
  form: "text",
  covers: [],
  run: (text) => [
    escapeMarkdown(text),
    escapeCode(text),
    boundTitle(text),
    boundBody(text),
    boundLine(text),
    redact(text, ["s3cret"]),
    oneLine(text),
    showText(text),
    saysProtected(text),
    reading.linkedPage(text, "next"),
    ageOfSource(text, 0),
  ],
  check(text) {
    if (!isPrintable(showText(text))) return "what is shown cannot be seen";
    if (/[<>@#]/.test(escapeMarkdown(text).replaceAll(/&#\d+;/g, ""))) return "Markdown that is more than text";
    if (boundTitle(text).length > 256 || boundLine(text).length > 140) return "a title that is too long";
    return redact(redact(text)) === redact(text) || text.includes("*")
      ? undefined
      : "what is redacted is redacted once more";
  },
  grammar: many(
    oneOf(noise, "@user", "#12", "GH-3", "closes ", "https://u:p@h/", "Bearer abcdefghij", "`", "<b>", "\n- ", "www.a"),
    { most: 6 },
  ),
  seeds: [
    "closes #12, fixes GH-3 @team/a https://user:pa55@host/x?y <img src=x> `a` | b\r\n- 1) c",
    "authorization: basic abcdefghijkl ghp_abcdef123456 eyJhbGciOi.eyJzdWIi.c2ln",
    '<https://api.example.com/x?page=2>; rel="next", <https://api.example.com/x?page=9>; rel="last"',
    "required status check \u202e\ud800 Token abcdef0123456789",
    "20241212T000000Z",
  ],
  words: [
    "@",
    "#",
    "GH-",
    "://",
    "www.",
    "closes ",
    "fix",
    "resolved:",
    "Bearer ",
    "token ",
    "authorization: ",
    "eyJ",
    "ghp_",
    ".",
    "`",
    "<",
    ">",
    "|",
    "*",
    "_",
    "[a](b)",
    "!",
    "&#64;",
    "\u2060",
    ", <",
    '>; rel="next"',
  ],
  mostPerCharacter: 64,
};

const DESTINATIONS = `destinations:
  - name: chat
    type: Slack
    urlFile: /run/secrets/chat
    events: [Failed, Done]
  - { name: pager, type: Webhook, urlFile: /run/u, hmacKeyFile: /run/k, rings: [prod] }
`;

/** The operator's file, and what a receiver says of time. */
const notifications: Parser = {
  name: "notify/settings",
  form: "text",
  covers: ["controller/notify/settings.ts readDestinations", "controller/notify/post.ts parseRetryAfter"],
  run(text) {
    const wait = parseRetryAfter(text, 1_000);
    try {
      return [wait, readDestinations("n.yaml", text)];
    } catch (error) {
      if (error instanceof UserError && error.code === "RW1402") return [wait, error.message];
      throw error;
    }
  },
  check(_text, answer) {
    const [wait, found] = answer as readonly [number, ReturnType<typeof readDestinations> | string];
    if (!(wait >= 0 && wait <= 3_600_000)) return `waits ${wait} ms`;
    if (typeof found === "string") return found.startsWith("n.yaml:") ? undefined : "a problem without a place";
    const isWhole = (one: (typeof found)[number]): boolean =>
      one.name !== "" && (one.type === "CommitStatus" || one.urlFile.startsWith("/"));
    return found.every(isWhole) ? undefined : "no destination";
  },
  grammar: oneOf(
    seq(
      "destinations:\n",
      many(
        seq(
          oneOf("  - name: ", "  - "),
          name,
          "\n",
          oneOf("    type: Slack\n", "    type: Webhook\n", "    type: CommitStatus\n", "    hmacKeyFile: /k\n", ""),
          oneOf("    urlFile: /run/x\n", "    urlFile: https://h/x\n", "    urlFile: 1\n", ""),
          oneOf("    events: [Done]\n", "    events: [Done, Done]\n", "    rings: []\n", ""),
        ),
        { most: 4 },
      ),
    ),
    seq(digits),
    noise,
  ),
  seeds: [DESTINATIONS, "120", "Sat, 21 Nov 2026 12:00:00 GMT"],
  words: [
    "destinations",
    "name",
    "type",
    "Slack",
    "Webhook",
    "CommitStatus",
    "urlFile",
    "hmacKeyFile",
    "events",
    "Done",
    "rings",
    "- ",
    ": ",
    "\n",
    "/",
  ],
  // Every wrong place is told, in a sentence.
  mostPerCharacter: 128,
};

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

const commands: Parser = {
  name: "cli/words",
  form: "text",
  covers: [
    "controller/cli/asset-name.ts readAssetName",
    "controller/cli/image-prefixes.ts readImagePrefixes",
    "controller/cli/output.ts readFormat",
    "controller/cli/output.ts readTime",
    "controller/cli/output.ts parseFlags",
    "controller/cli/live/wait.ts readWait",
  ],
  run(text) {
    // As many as a command line has.
    const words = text.split(" ", 100);
    return [
      () => readAssetName("why", words, undefined),
      () => readImagePrefixes("plan", words),
      () => readFormat("plan", text),
      () => readTime("plan", "--at", text),
      () => readWait("status", { wait: true, timeout: text }),
      () => parseFlags("plan", words, { namespace: { type: "string", short: "n" }, watch: { type: "boolean" } }),
    ].map((read) => {
      try {
        return read();
      } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
      }
    });
  },
  grammar: oneOf(
    seq(oneOf("node/", "deploy/", "sts "), name),
    seq("--namespace ", name),
    seq("2026-", digits, "-21T12:00:00Z"),
    hex,
  ),
  seeds: [
    "node/worker-1",
    "deployment.apps/shop/web",
    "deployment web",
    "json",
    "45m",
    "2026-11-21T17:50:00+01:00",
    "-n shop --watch",
    "registry.example.com/ringward",
    "--namespace=a --no-watch --",
  ],
  words: [
    "node/",
    "/",
    " ",
    "deploy",
    ".apps",
    "-n",
    "--",
    "--namespace=",
    "--watch",
    "json",
    "yaml",
    "2026-11-21T",
    "Z",
    "+01:00",
    "=",
    "__proto__",
    "--__proto__=1",
    "--constructor",
  ],
};

export const OUTSIDE_PARSERS: readonly Parser[] = [
  documents,
  failures,
  words,
  notifications,
  urls,
  gitOutput,
  lastChanges,
  commands,
];
