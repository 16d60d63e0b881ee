// GitHub's pull request documents read into ours, field by field: what comes over the wire is untrusted, and a document without
// the fields we decide by is an error, never a guess. Pure.
import type { CommitSha } from "../../git/port.ts";
import type { PullRequest } from "../port.ts";

type Json = Readonly<Record<string, unknown>>;

function object(value: unknown, what: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`the forge's answer has no ${what}`);
  return value as Json;
}

function string(value: unknown, what: string): string {
  if (typeof value !== "string") throw new Error(`the forge's answer has no ${what}`);
  return value;
}

function time(value: unknown, what: string): string {
  const text = string(value, what);
  if (!Number.isFinite(Date.parse(text))) throw new Error(`the forge's answer has no time in ${what}`);
  return text;
}

function sha(value: unknown, what: string): CommitSha {
  const text = string(value, what);
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(text)) throw new Error(`the forge's answer has no commit in ${what}`);
  return text as CommitSha;
}

function labelName(value: unknown): string {
  return typeof value === "string" ? value : string(object(value, "label")["name"], "label name");
}

/** One pull request. */
export function readPull(value: unknown): PullRequest {
  const pull = object(value, "pull request");
  const number = pull["number"];
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < 1)
    throw new Error("the forge's answer has no pull request number");
  const merged = pull["merged_at"] !== null && pull["merged_at"] !== undefined;
  const state = string(pull["state"], "state");
  if (state !== "open" && state !== "closed")
    throw new Error(`the forge's answer has a state that we do not know: ${JSON.stringify(state.slice(0, 40))}`);
  const head = object(pull["head"], "head");
  const closedTime =
    pull["closed_at"] === null || pull["closed_at"] === undefined ? undefined : time(pull["closed_at"], "closed_at");
  return {
    number,
    url: string(pull["html_url"], "html_url"),
    state: merged ? "merged" : state,
    head: string(head["ref"], "head.ref"),
    headSha: sha(head["sha"], "head.sha"),
    base: string(object(pull["base"], "base")["ref"], "base.ref"),
    title: string(pull["title"], "title"),
    body: typeof pull["body"] === "string" ? pull["body"] : "",
    labels: Array.isArray(pull["labels"]) ? pull["labels"].map(labelName) : [],
    // GitHub shows a deleted account as "ghost" and sends null.
    author:
      typeof pull["user"] === "object" && pull["user"] !== null
        ? string(object(pull["user"], "user")["login"], "user.login")
        : "ghost",
    createdTime: time(pull["created_at"], "created_at"),
    ...(closedTime === undefined ? {} : { closedTime }),
  };
}

/** True when its head branch is in that repository itself; a fork that was deleted sends null. */
export function isFromRepository(value: unknown, owner: string, repository: string): boolean {
  const repo = object(object(value, "pull request")["head"], "head")["repo"];
  if (typeof repo !== "object" || repo === null) return false;
  return String((repo as Json)["full_name"]).toLowerCase() === `${owner}/${repository}`.toLowerCase();
}

/** A list's items, with forks left out. */
export function readPulls(value: unknown, owner: string, repository: string): readonly PullRequest[] {
  if (!Array.isArray(value)) throw new Error("the forge's answer is not a list of pull requests");
  return value.filter((item: unknown) => isFromRepository(item, owner, repository)).map(readPull);
}

/** The address of the next page, if the Link header names one (RFC 8288). */
export function nextPage(link: string | undefined): string | undefined {
  for (const part of (link ?? "").split(/,\s*(?=<)/)) {
    const match = /^<([^>]*)>\s*;.*\brel="?next"?/.exec(part.trim());
    if (match !== null) return match[1];
  }
  return undefined;
}
