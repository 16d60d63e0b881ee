// Verdicts as check runs, which only an App may write: a summary, and annotations on lines, fifty in one request. A run is found again by its
// external id, a digest of all that it says, so that the same verdict is said once and one that was cut off between two requests goes on.
import { createHash } from "node:crypto";
import type { Annotation, Report } from "../port.ts";
import { boundLine } from "../text.ts";
import { type CheckRun, readCheckRuns } from "./documents.ts";
import type { Session } from "./session.ts";

const runsOfRoute = "/repos/{owner}/{repo}/commits/{ref}/check-runs";
const runsRoute = "/repos/{owner}/{repo}/check-runs";
const runRoute = "/repos/{owner}/{repo}/check-runs/{check_run_id}";
const batch = 50;
const mostAnnotations = 500;
/** GitHub's longest summary, title of an annotation, and what we let a message be. */
const summaryLimit = 65_535;
const annotationTitleLimit = 255;
const messageLimit = 4000;

/** Of the runs of that name that our App made the newest. */
async function newestRun(session: Session, { commit, name }: Report): Promise<CheckRun | undefined> {
  const listing = {
    route: runsOfRoute,
    parameters: {
      ref: commit,
      check_name: name,
      filter: "all",
      ...(session.appId === undefined ? {} : { app_id: session.appId }),
    },
    read: readCheckRuns,
  };
  const runs: CheckRun[] = [];
  let page = await session.firstPage(listing);
  for (let count = 1; ; count++) {
    runs.push(...page.items);
    if (page.next === undefined || count >= 10) break;
    page = await session.otherPage(listing, page.next);
  }
  return runs.filter((run) => run.name === name).sort((one, other) => other.id - one.id)[0];
}

function cut(text: string, limit: number): string {
  return text.length <= limit
    ? text
    : `${text
        .slice(0, limit - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, "")}…`;
}

function annotationOf({ path, line, column, severity, title, message }: Annotation): object {
  return {
    path,
    start_line: line,
    end_line: line,
    ...(column === undefined ? {} : { start_column: column, end_column: column }),
    annotation_level: severity,
    title: cut(title, annotationTitleLimit),
    message: cut(message, messageLimit),
  };
}

/** What the run says of itself, the annotations left out. */
function outputOf(report: Report): { readonly title: string; readonly summary: string } {
  const title = boundLine(report.title);
  const more = (report.annotations ?? []).length - mostAnnotations;
  const note = more > 0 ? `\n\n${more} more are not shown on their lines.` : "";
  const summary = report.summary === undefined || report.summary.trim() === "" ? title : report.summary;
  return { title, summary: `${cut(summary, summaryLimit - note.length)}${note}` };
}

const ends = {
  success: { status: "completed", conclusion: "success" },
  failure: { status: "completed", conclusion: "failure" },
  pending: { status: "in_progress" },
} as const;

/** Says the verdict as a check run, unless the same one is said already. */
export async function sayCheck(session: Session, report: Report): Promise<void> {
  const output = outputOf(report);
  const annotations = (report.annotations ?? []).slice(0, mostAnnotations).map(annotationOf);
  const { name, commit, state } = report;
  const digest = createHash("sha256")
    .update(JSON.stringify([name, state, output, annotations]))
    .digest("hex");
  const begun = `${digest}/begun`;
  const newest = await newestRun(session, report);
  if (newest?.externalId === digest) return;
  let sent = newest?.externalId === begun ? newest.annotations : 0;
  // GitHub adds annotations to those that are there, and a run that is over stays over: such a one is followed by a new one.
  const goesOn =
    newest !== undefined &&
    (newest.externalId === begun ||
      (newest.annotations === 0 && (!newest.completed || (state !== "pending" && annotations.length <= batch))));
  let id = goesOn ? newest.id : undefined;
  do {
    const next = sent + batch;
    const last = next >= annotations.length;
    const body = {
      external_id: last ? digest : begun,
      ...(last ? ends[state] : ends.pending),
      output: { ...output, annotations: annotations.slice(sent, next) },
    };
    if (id === undefined) {
      const reply = await session.send("write", "POST", runsRoute, { name, head_sha: commit, ...body });
      [{ id }] = readCheckRuns({ check_runs: [reply.data] }) as readonly [CheckRun];
    } else await session.send("write", "PATCH", runRoute, { check_run_id: id, ...body });
    sent = next;
  } while (sent < annotations.length);
}
