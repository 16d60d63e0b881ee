// Verdicts on commits: statuses, which any token with the right may write.
import type { StatusRecord } from "../../forge/memory/records.ts";
import type { CommitSha } from "../../git/port.ts";
import { Refusal } from "./refusal.ts";
import { list, required, type RestContext, type Route, text } from "./rest-context.ts";
import { statusShape } from "./shapes.ts";
import { type Answer, jsonAnswer } from "./wire.ts";

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

/** Paths below /repos/OWNER/REPOSITORY. */
export const verdictRoutes: readonly Route[] = [
  ["GET", /^\/commits\/([^/]+)\/statuses$/, listStatuses],
  ["POST", /^\/statuses\/([0-9a-f]{40})$/, postStatus],
];
