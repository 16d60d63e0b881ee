// Documents of forges read into ours, field by field: what comes over the wire is untrusted, and a document without the fields that we
// decide by is an error, never a guess. What is here is said alike by GitHub and by forges whose API follows its. Pure.
import type { CommitSha } from "../git/port.ts";
import type { FoundIssue } from "./keep-one.ts";
import type { PullComment, PullRequest } from "./port.ts";

export type Json = Readonly<Record<string, unknown>>;

export function object(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`the forge's answer has no ${what}`);
  return value as Json;
}

export function string(value: unknown, what: string): string {
  if (typeof value !== "string") throw new Error(`the forge's answer has no ${what}`);
  return value;
}

export function time(value: unknown, what: string): string {
  const text = string(value, what);
  if (!Number.isFinite(Date.parse(text))) throw new Error(`the forge's answer has no time in ${what}`);
  return text;
}

export function sha(value: unknown, what: string): CommitSha {
  const text = string(value, what);
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text)) throw new Error(`the forge's answer has no commit in ${what}`);
  return text as CommitSha;
}

/** An account that was deleted is null, and shown as "ghost". */
export function login(value: unknown, what: string): string {
  return typeof value === "object" && value !== null ? string(object(value, what)["login"], `${what}.login`) : "ghost";
}

export function identity(value: unknown, what: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1)
    throw new Error(`the forge's answer has no ${what}`);
  return value;
}

/** A list's items. */
export function readList<T>(value: unknown, what: string, read: (item: unknown) => T): readonly T[] {
  if (!Array.isArray(value)) throw new Error(`the forge's answer is not a list of ${what}`);
  return value.map((item: unknown) => read(item));
}

function labelName(value: unknown): string {
  return typeof value === "string" ? value : string(object(value, "label")["name"], "label name");
}

/** One pull request, as the repository `place` ("OWNER/NAME") sees it. */
export function readPull(value: unknown, place: string): PullRequest {
  const pull = object(value, "pull request");
  const merged = pull["merged_at"] !== null && pull["merged_at"] !== undefined;
  const state = string(pull["state"], "state");
  if (state !== "open" && state !== "closed")
    throw new Error(`the forge's answer has a state that we do not know: ${JSON.stringify(state.slice(0, 40))}`);
  const head = object(pull["head"], "head");
  const closedTime =
    pull["closed_at"] === null || pull["closed_at"] === undefined ? undefined : time(pull["closed_at"], "closed_at");
  return {
    number: identity(pull["number"], "pull request number"),
    url: string(pull["html_url"], "html_url"),
    state: merged ? "merged" : state,
    draft: pull["draft"] === true,
    fork: !isFrom(head, place),
    head: string(head["ref"], "head.ref"),
    headSha: sha(head["sha"], "head.sha"),
    base: string(object(pull["base"], "base")["ref"], "base.ref"),
    title: string(pull["title"], "title"),
    body: typeof pull["body"] === "string" ? pull["body"] : "",
    labels: Array.isArray(pull["labels"]) ? pull["labels"].map(labelName) : [],
    author: login(pull["user"], "user"),
    createdTime: time(pull["created_at"], "created_at"),
    ...(closedTime === undefined ? {} : { closedTime }),
    updatedTime: time(pull["updated_at"], "updated_at"),
  };
}

/** True when a head lies in that repository itself; a fork that was deleted sends null. */
function isFrom(head: Json, place: string): boolean {
  const { repo } = head;
  if (typeof repo !== "object" || repo === null) return false;
  const fullName = (repo as Json)["full_name"];
  return typeof fullName === "string" && fullName.toLowerCase() === place.toLowerCase();
}

/** `viewer`: the login of our account. */
export function readComment(value: unknown, viewer: string): PullComment {
  const comment = object(value, "comment");
  const author = login(comment["user"], "user");
  return {
    id: identity(comment["id"], "comment id"),
    author,
    body: typeof comment["body"] === "string" ? comment["body"] : "",
    time: time(comment["created_at"], "created_at"),
    mine: author.toLowerCase() === viewer.toLowerCase(),
  };
}

/** Undefined: it is a pull request. */
export function readIssue(value: unknown): FoundIssue | undefined {
  const issue = object(value, "issue");
  if (issue["pull_request"] !== undefined && issue["pull_request"] !== null) return undefined;
  return {
    number: identity(issue["number"], "issue number"),
    url: string(issue["html_url"], "html_url"),
    title: string(issue["title"], "title"),
    body: typeof issue["body"] === "string" ? issue["body"] : "",
    open: string(issue["state"], "state") === "open",
  };
}

/** Both names of a file that was renamed. */
export function readFileNames(value: unknown): readonly string[] {
  const file = object(value, "file");
  const before = file["previous_filename"];
  return [string(file["filename"], "filename"), ...(typeof before === "string" ? [before] : [])];
}

export function readLogin(value: unknown): string {
  return string(object(value, "user")["login"], "login");
}

/** The address of another page, if the Link header names one (RFC 8288). */
export function linkedPage(link: string | undefined, relation: "next" | "last"): string | undefined {
  for (const part of (link ?? "").split(/,\s*(?=<)/)) {
    const [, address, name] = /^<([^>]*)>\s*;.*\brel="?(\w+)"?/.exec(part.trim()) ?? [];
    if (name === relation) return address;
  }
  return undefined;
}
