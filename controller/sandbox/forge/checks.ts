// Check runs, which only Apps write. As on GitHub, annotations of an update are added to those that are there.
import type { CommitSha } from "../../git/port.ts";
import { Refusal } from "./refusal.ts";

export interface CheckAnnotation {
  readonly path: string;
  readonly start_line: number;
  readonly annotation_level: string;
  readonly message: string;
  readonly title?: string;
}

export interface CheckRecord {
  readonly id: number;
  readonly commit: CommitSha;
  readonly name: string;
  /** Login of the App. */
  readonly author: string;
  readonly externalId: string;
  readonly status: "queued" | "in_progress" | "completed";
  readonly conclusion: string | undefined;
  readonly title: string | undefined;
  readonly summary: string | undefined;
  readonly annotations: readonly CheckAnnotation[];
  readonly startedTime: string;
  readonly completedTime: string | undefined;
}

export type CheckChange = Partial<
  Pick<CheckRecord, "externalId" | "status" | "conclusion" | "title" | "summary" | "annotations">
>;

export interface Checks {
  all(): readonly CheckRecord[];
  make(
    run: { readonly commit: CommitSha; readonly name: string; readonly author: string },
    change: CheckChange,
  ): CheckRecord;
  change(id: number, by: string, change: CheckChange): CheckRecord;
  restore(records: readonly CheckRecord[]): void;
}

const mostAnnotations = 50;

export function createChecks(parts: { readonly now: () => string; readonly nextId: () => number }): Checks {
  let records = new Map<number, CheckRecord>();

  function apply(record: CheckRecord, change: CheckChange): CheckRecord {
    const added = change.annotations ?? [];
    if (added.length > mostAnnotations)
      throw new Refusal(
        422,
        `Invalid request.\n\nNo more than ${mostAnnotations} items are allowed; ${added.length} were supplied.`,
      );
    const status = change.conclusion === undefined ? (change.status ?? record.status) : "completed";
    if (status === "completed" && (change.conclusion ?? record.conclusion) === undefined)
      throw new Refusal(422, "Invalid request.\n\nA completed check run needs a conclusion.");
    const next: CheckRecord = {
      ...record,
      ...change,
      status,
      annotations: [...record.annotations, ...added],
      completedTime: status === "completed" ? (record.completedTime ?? parts.now()) : undefined,
    };
    records.set(next.id, next);
    return next;
  }

  return {
    all: () => [...records.values()],
    make: (run, change) =>
      apply(
        {
          ...run,
          id: parts.nextId(),
          externalId: "",
          status: "queued",
          conclusion: undefined,
          title: undefined,
          summary: undefined,
          annotations: [],
          startedTime: parts.now(),
          completedTime: undefined,
        },
        change,
      ),
    change(id, by, change) {
      const record = records.get(id);
      if (record === undefined) throw new Refusal(404, "Not Found");
      if (record.author !== by) throw new Refusal(403, "Invalid app_id for check run");
      return apply(record, change);
    },
    restore(all) {
      records = new Map(all.map((record) => [record.id, record]));
    },
  };
}
