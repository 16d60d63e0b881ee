// Bad input of every sort: a clear finding with the place, nothing else harmed, nothing lost.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { createValidators } from "../../controller/api/validator.ts";
import { levelDigest, levelName } from "../../controller/core/levels/index.ts";
import { formatFinding } from "../../controller/policy/finding.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import { createSalvage } from "../../controller/policy/salvage.ts";
import { CALENDAR, doc, file, lines, load, recipe, ring } from "./support/policy.ts";

const good = ring("good");
const names = (files: Record<string, string>): string[] =>
  load(files).objects.map(({ kind, name }) => `${kind}/${name}`);

describe("loadPolicy", () => {
  it("reads any layout: several documents in a file, JSON, folders", () => {
    const json = JSON.stringify({
      apiVersion: "ringward.dev/v1alpha1",
      kind: "MaintenanceCalendar",
      metadata: { name: "office" },
      spec: { windows: [{ schedule: "0 1 * * 2", duration: "4h" }] },
    });
    expect(names({ "b/c.yaml": `${ring("one")}---\n${ring("two")}`, "a.json": json })).toEqual([
      "MaintenanceCalendar/office",
      "RolloutRing/one",
      "RolloutRing/two",
    ]);
  });

  it("keeps what people wrote beside the spec with defaults", () => {
    const [object] = load({ "a.yaml": good }).objects;
    expect(object?.object.spec).not.toHaveProperty("soak");
    expect(object?.spec).toMatchObject({ soak: "24h" });
    expect(object).toMatchObject({ file: "a.yaml", line: 1, name: "good" });
  });

  it.each<[string, string, string]>([
    ["an unknown field", ring("bad", "sok: 1h"), 'p.yaml:11:3: spec.sok: unknown field "sok" (did you mean "soak"?)'],
    [
      "a wrong type",
      ring("bad", "after: canary"),
      'p.yaml:11:10: spec.after: must be a list, and is the string "canary"',
    ],
    [
      "percent over 100",
      ring("bad", "budget: {nodes: 101%}"),
      'p.yaml:11:19: spec.budget.nodes: "101%" is neither a whole number from 0 up nor a percentage from 0% to 100% (write for example 3 or 10%)',
    ],
    [
      "an empty selector",
      doc("RolloutRing", "bad", "members: {nodes: {selector: {}}}"),
      "p.yaml:6:31: spec.members.nodes.selector: must not be empty (an empty selector would mean everything: say that on purpose, for example with an Exists expression)",
    ],
    [
      "an unknown kind",
      doc("RollOutRing", "bad", "members: {}"),
      'p.yaml:2:7: kind: there is no kind "RollOutRing" in ringward.dev (did you mean "RolloutRing"?)',
    ],
    [
      "an unknown version",
      good.replace("v1alpha1", "v2"),
      'p.yaml:1:13: apiVersion: there is no version "ringward.dev/v2" of RolloutRing (write ringward.dev/v1alpha1)',
    ],
    [
      "one of our kinds under another group",
      good.replace("ringward.dev", "ringwards.dev"),
      'p.yaml:1:13: apiVersion: RolloutRing is not of "ringwards.dev/v1alpha1" (write ringward.dev/v1alpha1)',
    ],
    [
      "a name that is none",
      good.replace("name: good", "name: Good_Ring"),
      'p.yaml:4:9: metadata.name: "Good_Ring" is not a name (use lower case letters, digits, - and .)',
    ],
    [
      "a missing spec",
      "apiVersion: ringward.dev/v1alpha1\nkind: RolloutRing\nmetadata: {name: x}\n",
      'p.yaml:1:1: spec: field "spec" is required (add it)',
    ],
    [
      "a union member that target does not name",
      doc("PatchBaseline", "bad", "target: Node\nimage: {images: [{repository: a, tag: b}]}"),
      "p.yaml:5:1: spec: target Node needs exactly the member node",
    ],
  ])("says where %s is", (_, text, line) => {
    expect(load({ "p.yaml": text }).problems.map(formatFinding)).toEqual([line]);
  });

  it("stops a bad document alone: its neighbours and its file's other documents are in force", () => {
    const files = { "a.yaml": `${good}---\n${ring("bad", "sok: 1h")}---\n${ring("third")}`, "b.yaml": ring("fourth") };
    expect(names(files)).toEqual(["RolloutRing/good", "RolloutRing/third", "RolloutRing/fourth"]);
  });

  it("names the object of a document that does not even parse", () => {
    const { problems, objects } = load({ "a.yaml": `${good}---\n${ring("bad", "after: [x")}---\n${ring("third")}` });
    expect(problems.map(({ object }) => object)).toEqual([{ kind: "RolloutRing", name: "bad" }]);
    expect(objects.map(({ name }) => name)).toEqual(["good", "third"]);
  });

  it.each(["PolicyRepository", "DisruptionLedger", "NodePatchState", "WorkloadPatchState"])(
    "refuses a %s in policy content",
    (kind) => {
      const { objects, problems } = load({ "a.yaml": `${doc(kind, "cluster", "mode: Enforce")}---\n${good}` });
      expect(problems.map(({ code, message }) => [code, message])).toEqual([
        ["KindNotAllowed", `a ${kind} cannot stand in policy content`],
      ]);
      expect(objects.map(({ name }) => name)).toEqual(["good"]);
    },
  );

  it("puts two objects of one kind and name both in error", () => {
    const { objects, problems } = load({ "a.yaml": `${good}---\n${ring("same")}`, "b.yaml": ring("same") });
    expect(objects.map(({ name }) => name)).toEqual(["good"]);
    expect(problems.map(formatFinding)).toEqual([
      'a.yaml:15:9: metadata.name: RolloutRing "same" stands here and at b.yaml:1 (keep one; until then neither is in force)',
      'b.yaml:4:9: metadata.name: RolloutRing "same" stands here and at a.yaml:12 (keep one; until then neither is in force)',
    ]);
  });

  it("lets objects of different kinds share a name", () => {
    expect(names({ "a.yaml": `${ring("x")}---\n${doc("MaintenanceCalendar", "x", CALENDAR)}` })).toHaveLength(2);
  });

  it("ignores other YAML silently in its own file, and with a warning beside policy", () => {
    const other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
    expect(lines({ "other.yaml": other, "values.yaml": "a: 1\n", "broken.yaml": "a: {{ .Values.x }}\n" })).toEqual([]);
    expect(lines(`${good}---\n${other}`)).toEqual([
      "NotPolicy p.yaml:12:1: warning: ConfigMap of v1 is none of Ringward's and is ignored (keep it in a file of its own)",
    ]);
  });

  it.each(["FileBinary", "FileNotUtf8", "FileTooLarge", "FileIsSymlink", "FileIsSubmodule"])(
    "reports a file that could not be read (%s), and reads the others",
    (code) => {
      const unread = { path: "a.yaml", blob: "", text: "", problem: { code, message: "why" } };
      const { objects, problems } = loadPolicy({
        files: [unread, file("b.yaml", good)],
        validators: createValidators(),
      });
      expect(problems.map(formatFinding)).toEqual(["a.yaml:1:1: why"]);
      expect(objects).toHaveLength(1);
    },
  );

  it("answers deep nesting with a finding", () => {
    const deep = ring("deep", `after: ${"[".repeat(100_000)}`);
    const { problems } = load({ "a.yaml": deep, "b.yaml": good });
    expect(problems.map(({ code }) => code)).toEqual(["YamlTooDeep"]);
  });

  it("answers any text with values, never with a throw, and the rest stays in force", () => {
    const parts = fc.array(
      fc.constantFrom(
        "a",
        ":",
        " ",
        "\n",
        "---\n",
        "- ",
        "{",
        "[",
        "&x",
        "*x",
        "kind: RolloutRing\n",
        "ringward.dev/v1alpha1",
        "apiVersion: ",
        "metadata:\n  name: x\n",
        '"',
        "'",
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          parts.map((list) => list.join("")),
        ),
        (text) => {
          const { objects } = load({ "a.yaml": text, "b.yaml": good });
          expect(objects.map(({ name }) => name)).toContain("good");
        },
      ),
      { numRuns: 500 },
    );
  });

  it("gives the same answer whatever the order of files", () => {
    const files = [file("a.yaml", ring("x", "sok: 1")), file("b.yaml", good), file("c.yaml", ring("y"))];
    const validators = createValidators();
    const forth = loadPolicy({ files, validators });
    const back = loadPolicy({ files: files.toReversed(), validators });
    expect(back.objects.map(({ name }) => name)).toEqual(forth.objects.map(({ name }) => name));
    expect(back.problems).toEqual(forth.problems);
  });

  it("loads 10,000 documents within two seconds of processor time for each core", () => {
    const files = Array.from({ length: 10_000 }, (_, index) =>
      file(`rings/${index}.yaml`, ring(`r${index}`, "soak: 2h\nbudget: {nodes: 10%}")),
    );
    const validators = createValidators();
    const start = systemClock.monotonic();
    const { objects, problems } = loadPolicy({ files, validators });
    const elapsed = systemClock.monotonic() - start;

    expect([objects.length, problems.length]).toEqual([10_000, 0]);
    // The benchmark holds the real number (2 s); here only a mistake of another order must fail, on busy machines too.
    expect(elapsed).toBeLessThan(10_000);
  });
});

describe("levels in policy content", () => {
  const spec = {
    baseline: "web",
    target: "Image",
    disruption: "Restart",
    image: { images: [{ repository: "registry.example.com/web", tag: "1.2.3" }] },
  } as const;
  const name = levelName("web", Date.parse("2026-11-20T10:00:00Z"), levelDigest(spec as never));
  const level = (named: string, tag = "1.2.3"): string =>
    doc(
      "PatchLevel",
      named,
      `baseline: web\ntarget: Image\ndisruption: Restart\nimage: {images: [{repository: registry.example.com/web, tag: ${tag}}]}`,
    );

  it("are taken where name and content agree", () => {
    const { objects, problems } = load({ [`levels/${name}.yaml`]: level(name) });
    expect(problems).toEqual([]);
    expect(objects[0]).not.toHaveProperty("mismatch");
  });

  it("are kept with their mismatch where they do not, and never used", () => {
    const { objects, problems } = load({ [`levels/${name}.yaml`]: level(name, "1.2.4") });
    expect(problems.map(({ code, path }) => [code, path])).toEqual([["LevelDigestMismatch", "metadata.name"]]);
    expect(objects[0]).toMatchObject({ name, mismatch: expect.stringContaining("it was edited") });
  });

  it("stand under levels/ only", () => {
    const { objects, problems } = load({ "rings/x.yaml": level(name) });
    expect(objects).toEqual([]);
    expect(problems.map(({ code }) => code)).toEqual(["LevelMisplaced"]);
  });
});

describe("recipes in policy content", () => {
  it("stand in a folder recipes/ only, wherever it is, so that nobody brings one past its owners", () => {
    const codes = (path: string): readonly string[] => {
      const { objects, problems } = load({ [path]: `${ring("canary")}---\n${recipe("apt")}` });
      return [...objects.map(({ kind }) => kind), ...problems.map(({ code }) => code)];
    };

    for (const path of ["recipes/a.yaml", "policies/recipes/preview/a.yaml"])
      expect(codes(path)).toEqual(["RolloutRing", "UpdateRecipe"]);
    for (const path of ["rings/a.yaml", "recipes.yaml", "rings/recipes-a.yaml", "my-recipes/a.yaml", "Recipes/a.yaml"])
      expect(codes(path)).toEqual(["RolloutRing", "RecipeMisplaced"]);
  });
});

describe("createSalvage", () => {
  it.each<[string, number, object | undefined]>([
    ["kind: A\nmetadata:\n  labels:\n    name: no\n  name: yes\nspec: [", 6, { kind: "A", name: "yes" }],
    ["kind: A\nmetadata:\n  name: one\n---\nkind: B\nmetadata:\n  name: two\nspec: [", 8, { kind: "B", name: "two" }],
    ['{"kind": "A", "metadata": {"name": "x"}, "spec": [', 1, { kind: "A", name: "x" }],
    ["kind: A\nspec:\n  metadata:\n    name: no\n", 2, undefined],
    ["metadata: {name: x}\nkind: C\n\t", 3, { kind: "C", name: "x" }],
    ["", 1, undefined],
  ])("%j at line %i", (text, line, wanted) => {
    expect(createSalvage(text)(line, 2)).toEqual(wanted);
  });

  it("takes no time on hostile text", () => {
    const start = systemClock.monotonic();
    createSalvage(`${"metadata: {".repeat(50_000)}\n${"metadata:\n \n".repeat(50_000)}`)(1, 1);
    expect(systemClock.monotonic() - start).toBeLessThan(10_000);
  });
});
