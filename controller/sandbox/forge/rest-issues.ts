// Issues, and what pull requests have of them: comments and labels.
import { Refusal } from "./refusal.ts";
import { list, numberOf, required, type RestContext, type Route, text } from "./rest-context.ts";
import { commentShape, issueShape, labelsShape } from "./shapes.ts";
import { type Answer, jsonAnswer } from "./wire.ts";

/** GET /issues: pull requests are issues, too. */
function listIssues(context: RestContext): Answer {
  const { repository, at } = context;
  const query = context.url.searchParams;
  const state = query.get("state") ?? "open";
  const creator = query.get("creator");
  const ascending = (query.get("direction") ?? "desc") === "asc";
  const issues = repository.rules().hasIssues ? repository.issues.all() : [];
  const chosen = [...issues, ...repository.pulls()]
    .filter((record) => state === "all" || (state === "open") === (record.state === "open"))
    .filter((record) => creator === null || record.author === creator)
    .sort((one, other) => (ascending ? one.number - other.number : other.number - one.number));
  return list(
    context,
    chosen.map((record) => issueShape(at, record)),
  );
}

function checkIssues(context: RestContext): void {
  if (!context.repository.rules().hasIssues) throw new Refusal(410, "Issues are disabled for this repo");
}

function createIssue(context: RestContext): Answer {
  checkIssues(context);
  const made = context.repository.issues.open(context.login, required(context, "title"), text(context, "body") ?? "");
  return jsonAnswer(context.request, 201, issueShape(context.at, made));
}

function getIssue(context: RestContext): Answer {
  const number = numberOf(context);
  const found = context.repository.issues.find(number) ?? context.repository.pull(number);
  if (!("headSha" in found)) checkIssues(context);
  return jsonAnswer(context.request, 200, issueShape(context.at, found));
}

function changeIssue(context: RestContext): Answer {
  checkIssues(context);
  const state = text(context, "state");
  if (state !== undefined && state !== "open" && state !== "closed")
    throw new Refusal(422, "Validation Failed", [{ resource: "Issue", code: "invalid", field: "state" }]);
  const changed = context.repository.issues.change(numberOf(context), context.login, {
    title: text(context, "title"),
    body: text(context, "body"),
    state,
  });
  return jsonAnswer(context.request, 200, issueShape(context.at, changed));
}

async function changeLabels(context: RestContext): Promise<Answer> {
  const names: readonly unknown[] = Array.isArray(context.body["labels"]) ? context.body["labels"] : [];
  const labels = names.map((label) => {
    const name: unknown = typeof label === "object" && label !== null && "name" in label ? label.name : label;
    if (typeof name !== "string") throw new Refusal(422, "Invalid request.\n\nA label is a string or has a name.");
    return name;
  });
  const replace = context.request.method === "PUT";
  return jsonAnswer(
    context.request,
    200,
    labelsShape(context.at, await context.repository.label(numberOf(context), labels, replace)),
  );
}

function postComment(context: RestContext): Answer {
  const made = context.repository.comment(numberOf(context), context.login, required(context, "body"));
  return jsonAnswer(context.request, 201, commentShape(context.at, numberOf(context), made));
}

function patchComment(context: RestContext): Answer {
  const edited = context.repository.editComment(numberOf(context), context.login, required(context, "body"));
  return jsonAnswer(context.request, 200, commentShape(context.at, edited.number, edited.comment));
}

function deleteComment(context: RestContext): Answer {
  context.repository.editComment(numberOf(context), context.login, undefined);
  return { status: 204 };
}

/** GET /issues/N/comments, oldest first. */
function listComments(context: RestContext): Answer {
  const number = numberOf(context);
  const { comments } = context.repository.pull(number);
  return list(
    context,
    comments.map((comment) => commentShape(context.at, number, comment)),
  );
}

/** Paths below /repos/OWNER/REPOSITORY. */
export const issueRoutes: readonly Route[] = [
  ["GET", /^\/issues$/, listIssues],
  ["POST", /^\/issues$/, createIssue],
  ["GET", /^\/issues\/(\d+)$/, getIssue],
  ["PATCH", /^\/issues\/(\d+)$/, changeIssue],
  ["GET", /^\/issues\/(\d+)\/comments$/, listComments],
  ["POST", /^\/issues\/(\d+)\/comments$/, postComment],
  ["PATCH", /^\/issues\/comments\/(\d+)$/, patchComment],
  ["DELETE", /^\/issues\/comments\/(\d+)$/, deleteComment],
  [
    "GET",
    /^\/issues\/(\d+)\/labels$/,
    (context) => list(context, labelsShape(context.at, context.repository.pull(numberOf(context)).labels)),
  ],
  ["POST", /^\/issues\/(\d+)\/labels$/, changeLabels],
  ["PUT", /^\/issues\/(\d+)\/labels$/, changeLabels],
];
