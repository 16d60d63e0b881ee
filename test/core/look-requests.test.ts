// Which request a look answers, and what the one who asked may conclude (status.lastHandledReconcileAt).
import { describe, expect, it } from "vitest";
import { LONGEST_REQUEST, type PolicyRepository, REQUESTED_AT } from "../../controller/api/policy-repository.ts";
import { createLookJudge, handledRequest } from "../../controller/core/look-requests.ts";

const COMMIT = "c".repeat(40);
const READY = { type: "Ready", status: "True", reason: "InSync", message: "policy is in force" };

describe("a look", () => {
  it("leaves what is asked for now to whoever has answered it, and says the newer one otherwise", () => {
    const look = { handled: "old" };

    expect(handledRequest(look, "new", "new")).toBe("new");
    expect(handledRequest(look, "newer", undefined)).toBe("old");
    expect(handledRequest({ handled: "new" }, "new", "old")).toBe("new");
    expect(handledRequest({ handled: undefined }, "new", "old")).toBe("old");
    expect(handledRequest({ handled: "x".repeat(LONGEST_REQUEST + 1) }, "new", "old")).toBe("old");
  });
});

describe("a request counts as handled", () => {
  const stored = (annotation: string | undefined, handled: string | undefined, more: object = {}): PolicyRepository =>
    ({
      metadata: {
        name: "policy",
        uid: "u1",
        generation: 2,
        annotations: annotation === undefined ? {} : { [REQUESTED_AT]: annotation },
      },
      spec: {},
      status: {
        observedGeneration: 2,
        observedCommit: COMMIT,
        conditions: [READY],
        ...(handled === undefined ? {} : { lastHandledReconcileAt: handled }),
        ...more,
      },
    }) as unknown as PolicyRepository;
  const judge = () => createLookJudge(stored("mine", "old"), "mine");
  const DONE = { kind: "Ready", commit: COMMIT, problems: [] };

  it("when its own value is, or one that was asked with after it", () => {
    expect(judge()(stored("mine", "mine"))).toEqual(DONE);
    const look = judge();
    expect(look(stored("later", "old"))).toEqual({ kind: "Open" });
    expect(look(stored("latest", "later"))).toEqual(DONE);
  });

  it("not when a value is handled that was asked with before it, by a look that was under way", () => {
    expect(judge()(stored("mine", "just before"))).toEqual({ kind: "Open" });
  });

  it("not by what stood in the status already, whoever asks with that again", () => {
    expect(judge()(stored("old", "old"))).toEqual({ kind: "Overwritten" });
    expect(judge()(stored(undefined, "old"))).toEqual({ kind: "Overwritten" });
    expect(judge()(stored("x".repeat(LONGEST_REQUEST + 1), "old"))).toEqual({ kind: "Overwritten" });
  });

  it("not while the status is about another specification, or the first fetch of it is under way", () => {
    expect(judge()(stored("mine", "mine", { observedGeneration: 1 }))).toEqual({ kind: "Open" });
    const conditions = [{ ...READY, status: "False", reason: "Progressing" }];
    expect(judge()(stored("mine", "mine", { conditions }))).toEqual({ kind: "Open" });
  });

  it("never where the repository is gone, or another one has its name; and nobody looks while it is suspended", () => {
    const another = stored("mine", "mine");
    expect(judge()(undefined)).toEqual({ kind: "Gone" });
    expect(judge()({ ...another, metadata: { ...another.metadata, uid: "u2" } })).toEqual({ kind: "Gone" });
    const suspended = { ...stored("mine", "old"), spec: { suspend: true } } as PolicyRepository;
    expect(judge()(suspended)).toEqual({ kind: "Suspended" });
  });
});
