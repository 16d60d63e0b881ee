import { describe, expect, it } from "vitest";
import { kindOfWrite, lastOfEachKind, nameWrite } from "./write-kind.ts";

describe("kinds of writes", () => {
  it.each([
    [
      "PUT /apis/ringward.dev/v1alpha1/nodepatchstates/n1/status Updating",
      "PUT /apis/ringward.dev/v1alpha1/nodepatchstates/*/status Updating",
    ],
    ["POST /api/v1/namespaces/shop/pods/web-1/eviction", "POST /api/v1/pods/*/eviction"],
    [
      "PATCH /apis/batch/v1/namespaces/ringward-jobs/jobs/rw-update-0a1b replace:/spec/suspend",
      "PATCH /apis/batch/v1/jobs/rw-update-* replace:/spec/suspend",
    ],
    ["POST /apis/batch/v1/namespaces/ringward-jobs/jobs stage", "POST /apis/batch/v1/jobs stage"],
    ["push main", "push main"],
    ["push ringward/early/ubuntu", "push ringward/*"],
    ["update #12", "update #"],
  ])("%s is one of %s", (name, kind) => {
    expect(kindOfWrite(name)).toBe(kind);
  });

  it("tell steps apart by what is sent", () => {
    const status = { operation: { step: "Updating", backOut: { reason: "Stopped" } } };
    expect(nameWrite({ method: "PUT", path: "/x", body: { status } })).toBe("PUT /x Updating+BackOut");
    expect(nameWrite({ method: "DELETE", path: "/x" })).toBe("DELETE /x");
  });

  it("are sampled where they happen last", () => {
    expect(lastOfEachKind(["update #1", "push main", "update #2", "push ringward/a", "push ringward/b"])).toEqual([
      1, 2, 4,
    ]);
  });
});
