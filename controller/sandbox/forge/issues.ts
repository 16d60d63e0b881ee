// The forge's issues. Numbers are shared with pull requests, as on GitHub.
import type { IssueRecord } from "../../forge/memory/records.ts";
import { checkTexts, Refusal } from "./refusal.ts";

export interface IssueChange {
  readonly title?: string | undefined;
  readonly body?: string | undefined;
  readonly state?: "open" | "closed" | undefined;
}

export interface Issues {
  all(): readonly IssueRecord[];
  find(number: number): IssueRecord | undefined;
  open(author: string, title: string, body: string): IssueRecord;
  change(number: number, by: string, change: IssueChange): IssueRecord;
  restore(records: readonly IssueRecord[]): void;
}

export function createIssues(parts: { readonly now: () => string; readonly nextNumber: () => number }): Issues {
  let records = new Map<number, IssueRecord>();
  return {
    all: () => [...records.values()],
    find: (number) => records.get(number),
    open(author, title, body) {
      checkTexts(title, body, "Issue");
      const time = parts.now();
      const record: IssueRecord = {
        number: parts.nextNumber(),
        author,
        title,
        body,
        state: "open",
        createdTime: time,
        updatedTime: time,
        closedTime: undefined,
        closedBy: undefined,
      };
      records.set(record.number, record);
      return record;
    },
    change(number, by, { title, body, state }) {
      const record = records.get(number);
      if (record === undefined) throw new Refusal(404, "Not Found");
      checkTexts(title, body, "Issue");
      const time = parts.now();
      const ends =
        state === undefined || state === record.state
          ? {}
          : state === "open"
            ? { state, closedTime: undefined, closedBy: undefined }
            : { state, closedTime: time, closedBy: by };
      const next = {
        ...record,
        ...ends,
        title: title ?? record.title,
        body: body ?? record.body,
        updatedTime: time,
      };
      records.set(number, next);
      return next;
    },
    restore(all) {
      records = new Map(all.map((record) => [record.number, record]));
    },
  };
}
