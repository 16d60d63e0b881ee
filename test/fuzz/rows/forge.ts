// What forges answer: readers may throw their own documented errors, and nothing else.
import fc from "fast-check";
import { describe as describeError, failureOf } from "../../../controller/forge/failure.ts";
import * as gitea from "../../../controller/forge/gitea/documents.ts";
import * as github from "../../../controller/forge/github/documents.ts";
import * as reading from "../../../controller/forge/reading.ts";
import { saysProtected } from "../../../controller/forge/protected.ts";
import { boundBody, boundLine, boundTitle, escapeCode, escapeMarkdown } from "../../../controller/forge/text.ts";
import { oneLine } from "../../../controller/cli/output.ts";
import { ageOfSource } from "../../../controller/core/promotion/evidence-age.ts";
import { isPrintable, showText } from "../../../controller/printable.ts";
import { redact } from "../../../controller/redact.ts";
import { jsonOf, many, noise, oneOf } from "../grammar.ts";
import { type Parser, valueOf } from "../parser.ts";

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

export const FORGE_PARSERS: readonly Parser[] = [documents, failures, words];
