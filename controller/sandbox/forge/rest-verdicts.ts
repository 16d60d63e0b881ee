// Verdicts on commits: statuses, which any token with the right may write, and check runs, which only an App may.
import type { StatusRecord } from "../../forge/memory/records.ts";
import type { CommitSha } from "../../git/port.ts";
import type { CheckAnnotation, CheckChange, CheckRecord } from "./checks.ts";
import { invalid, Refusal } from "./refusal.ts";
import { list, numberOf, required, type RestContext, type Route, text } from "./rest-context.ts";
import { checkShape, statusShape } from "./shapes-verdicts.ts";
import { type Answer, jsonAnswer, paginate } from "./wire.ts";

const states: readonly string[] = ["error", "failure", "pending", "success"] satisfies StatusRecord["state"][];

async function postStatus(context: RestContext): Promise<Answer> {
  const state = required(context, "state");
  if (!states.includes(state))
    throw new Refusal(
      422,
      `Invalid request.\n\n${JSON.stringify(state)} is not a member of ${JSON.stringify(states)}.`,
    );
  const made = await context.repository.say({
    commit: (context.path[0] ?? "") as CommitSha,
    name: text(context, "context") ?? "default",
    state: state as StatusRecord["state"],
    title: text(context, "description") ?? "",
    summary: "",
    annotations: [],
    author: context.login,
  });
  return jsonAnswer(context.request, 201, statusShape(context.at, made));
}

/** GET /commits/REF/statuses, newest first. */
function listStatuses(context: RestContext): Answer {
  const name = decodeURIComponent(context.path[0] ?? "");
  const commit = context.repository.branches().get(name) ?? (name as CommitSha);
  return list(
    context,
    context.repository.statuses(commit).map((status) => statusShape(context.at, status)),
  );
}

function readChange(context: RestContext): CheckChange {
  const output = (context.body["output"] ?? {}) as Readonly<Record<string, unknown>>;
  const status = text(context, "status");
  const conclusion = text(context, "conclusion");
  const annotations = (output["annotations"] ?? []) as readonly CheckAnnotation[];
  if (context.body["output"] !== undefined && typeof output["summary"] !== "string")
    throw new Refusal(422, 'Invalid request.\n\n"summary" wasn\'t supplied.');
  if (String(output["summary"] ?? "").length > 65_535)
    throw invalid({ resource: "CheckRun", code: "custom", field: "summary", message: "Summary is too long" });
  return {
    ...(context.body["external_id"] === undefined ? {} : { externalId: required(context, "external_id") }),
    ...(status === undefined ? {} : { status: status as CheckRecord["status"] }),
    ...(conclusion === undefined ? {} : { conclusion }),
    ...(context.body["output"] === undefined
      ? {}
      : { title: String(output["title"] ?? ""), summary: String(output["summary"]), annotations }),
  };
}

/** Apps go by a name that no person can have. */
function checkApp(context: RestContext): void {
  if (!context.login.endsWith("[bot]")) throw new Refusal(403, "You must authenticate via a GitHub App.");
}

async function postCheck(context: RestContext): Promise<Answer> {
  checkApp(context);
  const commit = required(context, "head_sha") as CommitSha;
  if ((await context.repository.git.details(commit)) === undefined)
    throw new Refusal(422, `No commit found for SHA: ${commit}`);
  const run = { commit, name: required(context, "name"), author: context.login };
  const made = context.repository.checks.make(run, readChange(context));
  return jsonAnswer(context.request, 201, checkShape(context.at, made));
}

function patchCheck(context: RestContext): Answer {
  checkApp(context);
  const changed = context.repository.checks.change(numberOf(context), context.login, readChange(context));
  return jsonAnswer(context.request, 200, checkShape(context.at, changed));
}

/** GET /commits/REF/check-runs. */
function listChecks(context: RestContext): Answer {
  const query = context.url.searchParams;
  const name = query.get("check_name");
  const runs = context.repository.checks
    .all()
    .filter((run) => run.commit === context.path[0] && (name === null || run.name === name))
    .reverse();
  const { items, link } = paginate(runs, context.url);
  const document = { total_count: runs.length, check_runs: items.map((run) => checkShape(context.at, run)) };
  return jsonAnswer(context.request, 200, document, link);
}

/** Paths below /repos/OWNER/REPOSITORY. */
export const verdictRoutes: readonly Route[] = [
  ["GET", /^\/commits\/([^/]+)\/statuses$/, listStatuses],
  ["POST", /^\/statuses\/([0-9a-f]{40})$/, postStatus],
  ["GET", /^\/commits\/([0-9a-f]{40})\/check-runs$/, listChecks],
  ["POST", /^\/check-runs$/, postCheck],
  ["PATCH", /^\/check-runs\/(\d+)$/, patchCheck],
];
