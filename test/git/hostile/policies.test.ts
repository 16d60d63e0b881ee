// Hostile policy files, all in one repository: each is told with its place, none is run or believed, and none hides the good one beside it (G5).
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { doc, ring } from "../../policy/support/policy.ts";
import { createDiskRemote, type DiskRemote } from "../support/disk-remote.ts";
import { plantIn } from "./support/planting.ts";
import { type Seen, visit } from "./support/visit.ts";

const HEAD = "apiVersion: ringward.dev/v1alpha1\nkind: RolloutRing\nmetadata:\n";
const members = (name: string): string => ring(name).slice(ring(name).indexOf("spec:"));
const laughs = Array.from(
  { length: 12 },
  (_, index) =>
    `l${index}: &l${index} [${Array(10)
      .fill(index === 0 ? "ha" : `*l${index - 1}`)
      .join(", ")}]`,
).join("\n");

interface HostileFile {
  readonly text: string;
  /** What is said of it. */
  readonly told: RegExp;
}

const FILES: Readonly<Record<string, HostileFile>> = {
  "a billion laughs": { text: `${HEAD}  name: laughs\n${laughs}\n`, told: /anchor|alias/i },
  "a list that contains itself": { text: `${HEAD}  name: self\nspec: &a [*a]\n`, told: /anchor|alias/i },
  "a merge key": { text: `${HEAD}  name: merged\nspec:\n  <<: {suspend: true}\n`, told: /merge/i },
  "a hundred thousand brackets": { text: `${HEAD}  name: deep\nspec: ${"[".repeat(100_000)}\n`, told: /deep|nest/i },
  "blocks in blocks, a thousand deep": {
    text: `${HEAD}  name: blocks\n${Array.from({ length: 1_200 }, (_, level) => `${" ".repeat(level)}a:`).join("\n")}\n`,
    told: /deep|nest/i,
  },
  "a tag that makes a function": {
    text: `${HEAD}  name: js\nspec: !!js/function "() => process.exit(9)"\n`,
    told: /tag/i,
  },
  "a tag that makes a Python object": {
    text: `${HEAD}  name: py\nspec: !!python/object/apply:os.system ["id"]\n`,
    told: /tag/i,
  },
  "a tag of binary data": { text: `${HEAD}  name: binary\nspec: !!binary aGk=\n`, told: /tag/i },
  "a tag of one's own": { text: `%TAG ! tag:evil.example,2026:\n---\n${HEAD}  name: own\n`, told: /directive/i },
  "a directive": { text: `%YAML 9.9\n---\n${HEAD}  name: directive\n`, told: /directive/i },
  "the same key twice": {
    text: `${HEAD}  name: twice\nspec: {suspend: true}\nspec: {suspend: false}\n`,
    told: /twice|duplicate|again/i,
  },
  "the same key twice, spelled in two ways": {
    text: `${HEAD}  name: twice2\nspec: {"susp\\u0065nd": true, suspend: false}\n`,
    told: /twice|duplicate|again/i,
  },
  "a key named __proto__": { text: `${HEAD}  name: proto\nspec: {__proto__: {suspend: true}}\n`, told: /__proto__/ },
  "a key named constructor": {
    text: `${HEAD}  name: constructed\nspec: {constructor: {prototype: {suspend: true}}}\n`,
    told: /constructor/,
  },
  "a key that is a list": { text: `${HEAD}  name: keyed\nspec: {? [a, b] : c}\n`, told: /key/i },
  "a boolean of YAML 1.1": { text: `${HEAD}  name: norway\n${members("norway")}\n  suspend: yes\n`, told: /yes/ },
  "a number in base 60": { text: `${HEAD}  name: sixty\n${members("sixty")}\n  soak: 1:30\n`, told: /1:30|soak/ },
  "a number that is infinite": {
    text: `${HEAD}  name: infinite\n${members("infinite")}\n  budget: {maxFailures: .inf}\n`,
    told: /inf/i,
  },
  "a number that no computer counts": {
    text: `${HEAD}  name: huge\n${members("huge")}\n  budget: {maxFailures: 99999999999999999999}\n`,
    told: /9999/,
  },
  "an octal that looks decimal": {
    text: `${HEAD}  name: octal\n${members("octal")}\n  budget: {maxFailures: 010}\n`,
    told: /010/,
  },
  "a name that looks like another: Cyrillic": {
    text: `${HEAD}  name: c\u0430nary\n${members("canary")}\n`,
    told: /name/,
  },
  "a name that is written backwards": { text: `${HEAD}  name: "\u202eyranac"\n${members("canary")}\n`, told: /name/ },
  "a name that leads out of its folder": {
    text: `${HEAD}  name: ../../etc/passwd\n${members("canary")}\n`,
    told: /name/,
  },
  "a name of ten thousand letters": {
    text: `${HEAD}  name: ${"a".repeat(10_000)}\n${members("canary")}\n`,
    told: /name/,
  },
  "a name of a line break": { text: `${HEAD}  name: "a\\nb"\n${members("canary")}\n`, told: /name/ },
  "half of a character, by its escape": {
    text: `${HEAD}  name: half\n  labels: {a: "\\ud800"}\n${members("half")}\n`,
    told: /ud800|character|label|half/i,
  },
  "a namespace": { text: `${HEAD}  name: spaced\n  namespace: kube-system\n${members("spaced")}\n`, told: /namespace/ },
  "a finalizer": {
    text: `${HEAD}  name: final\n  finalizers: [evil.example/x]\n${members("final")}\n`,
    told: /finalizers/,
  },
  "an owner": {
    text: `${HEAD}  name: owned\n  ownerReferences: [{apiVersion: v1, kind: Node, name: a, uid: b}]\n${members("owned")}\n`,
    told: /ownerReferences/,
  },
  "a status": { text: `${ring("stated")}status: {levels: [{baseline: a, approval: {commit: b}}]}\n`, told: /status/ },
  "a repository of its own": {
    text: doc("PolicyRepository", "evil", "url: https://evil.example/x\nbranch: main\nclusterName: x"),
    told: /cannot stand in policy content/,
  },
  "what Ringward observes": {
    text: doc("NodePatchState", "node-1", "{}").replace("spec:\n  {}", "spec: {}"),
    told: /cannot stand in policy content/,
  },
  "a recipe outside its folder": {
    text: doc("UpdateRecipe", "smuggled", "match: {product: {id: ubuntu}}\nstrategy: External"),
    told: /may only stand in a folder recipes/,
  },
  "a package's name of two words": {
    text: doc(
      "PatchBaseline",
      "words",
      'target: Node\nnode:\n  product: {id: ubuntu, versionId: "22.04"}\n  recipeRef: {name: apt}\n  minimum: {packages: [{name: "openssl=1 curl", version: "1"}]}',
    ),
    told: /does not match/,
  },
  "text that is a template": { text: `${HEAD}  name: "{{ .Values.name }}"\n${members("canary")}\n`, told: /name/ },
  "a selector of everything": {
    text: doc("RolloutRing", "all", "members: {nodes: {selector: {}}}"),
    told: /must not be empty/,
  },
  "a pattern that takes for ever": {
    text: `${HEAD}  name: ${"a-".repeat(120)}!\n${members("canary")}\n`,
    told: /name/,
  },
  "another cluster's secret": {
    text: `${ring("beside")}---\napiVersion: v1\nkind: Secret\nmetadata: {name: x}\n`,
    told: /none of Ringward's/,
  },
  "a version from the future": { text: ring("future").replace("v1alpha1", "v9"), told: /there is no version/ },
};
// Its second document is good.
const GOOD_BESIDE = ["RolloutRing/beside"];

describe("hostile policy files in one repository", () => {
  let disk: DiskRemote;
  let seen: Seen;
  const names = Object.keys(FILES);
  const fileOf = (name: string): string => `policies/${String(names.indexOf(name)).padStart(2, "0")}.yaml`;

  beforeAll(async () => {
    disk = createDiskRemote();
    const make = plantIn(disk.bare);
    const many = Array.from({ length: 2_500 }, (_, index) => `---\n{a: ${index}, kind: ringward.dev}\n`).join("");
    const tree = make.files({
      "policies/good.yaml": ring("good"),
      "policies/many.yaml": many,
      ...Object.fromEntries(names.map((name) => [fileOf(name), FILES[name]?.text ?? ""])),
    });
    make.reference("refs/heads/main", make.commit(tree));
    seen = await visit({
      url: disk.bare,
      branch: "main",
      directory: join(disk.folder, "store"),
      path: "policies",
      allowInsecure: true,
    });
  });
  afterAll(() => disk?.remove());

  it.each(names)("tells of %s, with its place", (name) => {
    const told = seen.findings.filter((finding) => finding.startsWith(`${fileOf(name)}:`));

    expect(told.join("\n")).toMatch(FILES[name]?.told ?? /never/);
    expect(told.join("\n")).toMatch(/:\d+:\d+: /);
    for (const line of told) expect(line.length).toBeLessThan(1_000);
    expect(told.join("")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it("stops at a number of documents", () => {
    expect(seen.findings.filter((finding) => finding.startsWith("policies/many.yaml:")).join("\n")).toMatch(
      /more than 2000 documents/,
    );
  });

  it("believes none of them, and the good one beside them all", () => {
    expect(seen.refused).toBeUndefined();
    expect(seen.objects).toEqual([...GOOD_BESIDE, "RolloutRing/good"]);
    expect(({} as { suspend?: boolean }).suspend).toBeUndefined();
  });

  it("needs no more time for it than a person who waits for a page", () => {
    expect(seen.ms).toBeLessThan(20_000);
  });
});
