// Branch names and markers of proposals: what is written is what is read, and nothing else is taken for one.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Digest } from "../../../controller/core/model.ts";
import {
  markClosed,
  parseProposalBranch,
  proposalBranch,
  readMarker,
  readProposals,
} from "../../../controller/core/promotion/index.ts";
import { branchPart, groupBranch, writeMarker } from "../../../controller/core/promotion/known.ts";
import { keepMaxTargets, maxTargetsFor } from "../../../controller/core/promotion/scope.ts";
import { checkBranch } from "../../../controller/git/url.ts";

const digest = "0123456789ab".padEnd(64, "f") as Digest;
const marker = { cluster: "c", ring: "r", baseline: "b", level: "l", digest, maxTargets: 5, evidence: "e" };

describe("a proposal's branch", () => {
  it("names ring, baseline and digest", () => {
    expect(proposalBranch("early", "ubuntu", digest)).toBe("ringward/early/ubuntu/0123456789ab");
    expect(proposalBranch("early", "ubuntu", digest, 44)).toBe("ringward/early/ubuntu/0123456789ab-scope-44");
    expect(parseProposalBranch("ringward/early/ubuntu/0123456789ab-scope-44")).toEqual({
      ring: "early",
      baseline: "ubuntu",
      digest: "0123456789ab",
      scope: 44,
    });
  });

  it.each([
    "main",
    "ringward/early",
    "ringward/early/ubuntu/short",
    "ringward/early/ubuntu/0123456789ab-scope-",
    "ringward/early/ubuntu/0123456789ab/x",
    "ringward/early/ubuntu/0123456789ab-scope-01",
  ])("is not %s", (branch) => expect(parseProposalBranch(branch)).toBeUndefined());

  it("is one that git takes, whatever an object may be called, and no two names share one", () => {
    const name = fc.oneof(
      fc.stringMatching(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/),
      fc.constantFrom("a..b", "a.lock", "x".repeat(253), "a-.-b", `${"y".repeat(252)}.lock`.slice(-253)),
    );
    fc.assert(
      fc.property(name, name, (ring, baseline) => {
        const branch = proposalBranch(ring, baseline, digest, 100_000);

        expect(checkBranch(branch)).toBe(branch);
        expect(parseProposalBranch(branch)).toMatchObject({ ring: branchPart(ring), baseline: branchPart(baseline) });
        expect(branchPart(ring) === branchPart(baseline)).toBe(ring === baseline);
      }),
    );
  });
});

describe("a marker", () => {
  it("is read back from the end of a body", () => {
    expect(readMarker(`text\n${writeMarker(marker)}\n`)).toEqual(marker);
    expect(readMarker("text")).toBeUndefined();
    expect(readMarker("<!-- ringward: {broken -->")).toBeUndefined();
  });

  it("cannot end its comment early", () => {
    const line = writeMarker({ ...marker, ring: "--> <b>" });

    expect(line.indexOf("-->")).toBe(line.length - 3);
    expect(readMarker(line)?.ring).toBe("--> <b>");
  });

  it("remembers that Ringward closed it, whatever a person made of the body", () => {
    for (const body of [`text\n${writeMarker(marker)}\n`, "all gone", "x".repeat(65_000)]) {
      const closed = markClosed(body, "Superseded");

      expect(closed.length).toBeLessThan(65_536);
      expect(readMarker(closed)?.closed).toBe("Superseded");
      expect(
        readProposals({ number: 1, head: proposalBranch("r", "b", digest), state: "closed", body: closed })[0]
          ?.withdrawn,
      ).toBe(true);
    }
  });

  it("never widens a scope by itself", () => {
    const read = (maxTargets: unknown) =>
      readProposals({
        number: 1,
        head: proposalBranch("r", "b", digest),
        state: "open",
        body: `<!-- ringward: ${JSON.stringify({ maxTargets })} -->`,
      })[0]?.maxTargets;

    expect([read(5), read(-1), read("7"), read(1.5), read(null)]).toEqual([
      5,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(keepMaxTargets(40, 100_000)).toBe(44);
    expect([keepMaxTargets(40, 43), keepMaxTargets(45, 44), keepMaxTargets(0, undefined)]).toEqual([43, 50, 1]);
    expect(maxTargetsFor(99_999)).toBe(100_000);
  });
});

describe("a shared pull request", () => {
  const pull = (entries: unknown, closed?: string) => ({
    number: 4,
    head: groupBranch("early"),
    state: "closed" as const,
    body: `<!-- ringward: ${JSON.stringify({ entries, ...(closed === undefined ? {} : { closed }) })} -->`,
  });

  it("is read as one proposal for each entry that its body remembers", () => {
    const entries = [
      { baseline: "ubuntu", digest, maxTargets: 5 },
      { baseline: "x".repeat(100), digest, maxTargets: 7, scope: 7 },
    ];

    expect(readProposals(pull(entries))).toMatchObject([
      {
        number: 4,
        ring: "early",
        baseline: "ubuntu",
        digest: "0123456789ab",
        maxTargets: 5,
        group: true,
        withdrawn: false,
      },
      { ring: "early", baseline: branchPart("x".repeat(100)), scope: 7 },
    ]);
    expect(readProposals(pull(entries, "Superseded")).every(({ withdrawn }) => withdrawn)).toBe(true);
  });

  it("says nothing where its body was edited into something else", () => {
    for (const entries of [undefined, 7, "x", [null, 7, { baseline: 1, digest }, { baseline: "a", digest: "zz" }], {}])
      expect(readProposals(pull(entries))).toEqual([]);
  });

  it("has a branch that is no ring's and baseline's own", () => {
    expect(parseProposalBranch(groupBranch("early"))).toBeUndefined();
    expect(checkBranch(groupBranch("a..b"))).toBe(groupBranch("a..b"));
    expect(branchPart("_all")).toBe("_all");
  });
});
