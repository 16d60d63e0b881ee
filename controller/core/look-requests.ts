// Requests to look at the policy repository: which one a look answers, and what the one who asked may conclude from the status. They are told
// apart by equality alone, as Flux does it (meta.ReconcileRequestAnnotation, status.lastHandledReconcileAt): their values are anybody's text.
import { LONGEST_REQUEST, type PolicyRepository, REQUESTED_AT } from "../api/policy-repository.ts";

/**
 * Which request to look is said to be handled. A look that nobody asked for takes nothing back, nor does one that began before somebody else's
 * that has answered what is asked for now (two leaders). A value that the status cannot hold is never said.
 */
export function handledRequest(
  { handled }: { readonly handled: string | undefined },
  requested: string | undefined,
  before: string | undefined,
): string | undefined {
  if (handled === undefined || handled.length > LONGEST_REQUEST) return before;
  return before !== undefined && before === requested ? before : handled;
}

/** What a look that was asked for came to, for the one who asked. */
export type Look =
  | { readonly kind: "Open" }
  /** What stands in the annotation will not say that it was handled: ours has to be written again. */
  | { readonly kind: "Overwritten" }
  /** Nobody looks. */
  | { readonly kind: "Suspended" }
  /** It is not there any more, or another one is. */
  | { readonly kind: "Gone" }
  /** Looked at and in force. `problems`: documents that are not, a line each. */
  | { readonly kind: "Ready"; readonly commit: string; readonly problems: readonly string[] }
  | { readonly kind: "Failed"; readonly reason: string; readonly message: string };

/**
 * Judges the repository as it is read again and again after `asked`, which is how our own write left it. Of two who ask at once only the later
 * value stays, and a look for it has begun after both: every value that is seen in the annotation from then on counts as ours. Only what
 * stood in the status already proves nothing.
 */
export function createLookJudge(
  asked: PolicyRepository,
  value: string,
): (repository: PolicyRepository | undefined) => Look {
  const handledBefore = asked.status?.lastHandledReconcileAt;
  const ours = new Set([value]);
  return (repository) => {
    if (repository === undefined || repository.metadata.uid !== asked.metadata.uid) return { kind: "Gone" };
    const { metadata, spec, status = {} } = repository;
    const now = metadata.annotations?.[REQUESTED_AT];
    const tells = now !== undefined && now.length <= LONGEST_REQUEST && now !== handledBefore;
    if (tells) ours.add(now);
    const handled = status.lastHandledReconcileAt;
    if (handled !== undefined && ours.has(handled) && isOf(repository)) return judgeStatus(status);
    if (spec.suspend === true) return { kind: "Suspended" };
    return { kind: tells ? "Open" : "Overwritten" };
  };
}

/** Whether the status is about the specification that is there now. */
function isOf({ metadata, status }: PolicyRepository): boolean {
  return metadata.generation === undefined || status?.observedGeneration === metadata.generation;
}

function judgeStatus({
  conditions = [],
  observedCommit,
  problems = [],
}: NonNullable<PolicyRepository["status"]>): Look {
  const ready = conditions.find(({ type }) => type === "Ready");
  // Another repository is meant since, and it is being fetched for the first time.
  if (ready === undefined || ready.reason === "Progressing") return { kind: "Open" };
  if (ready.status !== "True" || observedCommit === undefined)
    return { kind: "Failed", reason: ready.reason, message: ready.message };
  return {
    kind: "Ready",
    commit: observedCommit,
    problems: problems.map(({ file, line, column, code, message }) => `${file}:${line}:${column}: ${code}: ${message}`),
  };
}
