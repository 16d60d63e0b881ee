// Checks of a policy as a whole, one fact each.
import { describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import type { Inventory, NodeAsset } from "../../controller/core/model.ts";
import { validatePolicy } from "../../controller/policy/validate.ts";
import { CALENDAR, doc, lines, load, nodeBaseline, NOW, recipe, ring } from "./support/policy.ts";

const join = (...documents: string[]): string => documents.join("---\n");
const codes = (...args: Parameters<typeof lines>): string[] => lines(...args).map((line) => line.split(" ")[0] ?? "");
const calendar = (name: string, spec: string): string => doc("MaintenanceCalendar", name, spec);
const selector = (name: string, terms: string, more = ""): string =>
  doc("RolloutRing", name, `members:\n  nodes:\n    selector: ${terms}${more === "" ? "" : `\n${more}`}`);
const P = "node-restriction.kubernetes.io";

describe("references", () => {
  it("that lead nowhere are named with what was probably meant", () => {
    const text = join(
      ring("canary"),
      ring("prod", "after: [canry]\ncalendarRefs: [{name: office}]\nlevels: [{baseline: ubuntu, level: x}]"),
    );
    expect(lines(text)).toEqual([
      'ReferenceMissing p.yaml:22:11: spec.after[0]: ring "canry" does not exist (did you mean "canary"?)',
      'ReferenceMissing p.yaml:23:25: spec.calendarRefs[0].name: calendar "office" does not exist (add the calendar, or remove the name)',
      'ReferenceMissing p.yaml:24:23: spec.levels[0].baseline: baseline "ubuntu" does not exist (add the baseline, or remove the name)',
      'ReferenceMissing p.yaml:24:38: spec.levels[0].level: level "x" does not exist (add the level, or remove the name)',
    ]);
  });

  it("of baselines and exceptions are checked too", () => {
    const exception = doc(
      "PatchException",
      "e",
      'targets: {kind: Node, names: [n1]}\nbaseline: gone\nowner: me\njustification: why\nexpirationTime: "2027-01-01T00:00:00Z"',
    );
    expect(codes(join(nodeBaseline("b"), exception))).toEqual(["ReferenceMissing", "ReferenceMissing"]);
  });

  it("to something broken are not reported twice", () => {
    const text = join(calendar("office", `${CALENDAR}\nzone: x`), ring("a", "calendarRefs: [{name: office}]"));
    expect(codes(text)).toEqual(["UnknownField"]);
  });
});

describe("the order of rings", () => {
  it("names a cycle from each of its rings, and no ring outside", () => {
    const text = join(
      ring("a", "after: [c]"),
      ring("b", "after: [a]"),
      ring("c", "after: [b]"),
      ring("d", "after: [a]"),
    );
    expect(lines(text)).toEqual([
      "RingCycle p.yaml:11:11: spec.after[0]: rings wait for each other: a after c after b after a (remove one of these)",
      "RingCycle p.yaml:23:11: spec.after[0]: rings wait for each other: b after a after c after b (remove one of these)",
      "RingCycle p.yaml:35:11: spec.after[0]: rings wait for each other: c after b after a after c (remove one of these)",
    ]);
  });

  it("takes a chain of ten thousand rings without overflowing", () => {
    const text = Array.from({ length: 10_000 }, (_, index) =>
      ring(`r${index}`, index === 0 ? "" : `after: [r${index - 1}]`),
    );
    const { objects } = load(Object.fromEntries(text.map((content, index) => [`${index}.yaml`, content])));
    const start = systemClock.monotonic();

    expect(validatePolicy(objects, { now: NOW })).toEqual([]);
    expect(systemClock.monotonic() - start).toBeLessThan(20_000);
  });
});

describe("rings that share members", () => {
  it("are an error when their selectors are equal, however written", () => {
    const text = join(
      selector("a", `{matchLabels: {${P}/r: x}}`),
      selector("b", `{matchExpressions: [{key: ${P}/r, operator: In, values: [x]}]}`),
    );
    expect(codes(text)).toEqual(["RingsEqual", "RingsEqual"]);
  });

  it("are an error when one implies the other", () => {
    const text = join(
      selector("a", `{matchLabels: {${P}/r: x, ${P}/s: q}}`),
      selector("b", `{matchLabels: {${P}/r: x}}`),
    );
    expect(lines(text)).toEqual([
      expect.stringContaining(
        'RingsOverlap p.yaml:8:17: spec.members.nodes.selector: all its nodes are also in ring "b"',
      ),
    ]);
  });

  it("are a warning when they can meet", () => {
    const text = join(selector("a", `{matchLabels: {${P}/r: x}}`), selector("b", `{matchLabels: {${P}/s: q}}`));
    expect(lines(text)).toEqual([
      expect.stringContaining('warning: spec.members.nodes.selector: can select nodes that ring "a" selects too'),
    ]);
  });

  it("are fine when they exclude each other", () => {
    const text = join(
      selector("a", `{matchLabels: {${P}/r: x}}`),
      selector("b", `{matchExpressions: [{key: ${P}/r, operator: NotIn, values: [x]}]}`),
    );
    expect(lines(text)).toEqual([]);
  });

  it("may divide one selector by percent, and should come to 100", () => {
    const share = (name: string, percent: number): string =>
      selector(name, `{matchLabels: {${P}/r: x}}`).replace("selector:", `percent: ${percent}\n      selector:`);
    expect(codes(join(share("a", 30), share("b", 70)))).toEqual([]);
    expect(lines(join(share("a", 30), share("b", 60)))).toEqual([
      expect.stringContaining(
        'SharesNotWhole p.yaml:18:16: warning: spec.members.nodes.percent: the percentages of the rings with this selector ("a", "b") come to 90, not to 100',
      ),
    ]);
    expect(codes(join(share("a", 30), selector("b", `{matchLabels: {${P}/r: x}}`)))).toEqual([
      "SharesNotWhole",
      "RingsEqual",
      "RingsEqual",
    ]);
  });

  it("are compared among nodes and among workloads, not across", () => {
    const both = (name: string, side: string): string =>
      doc("RolloutRing", name, `members: {${side}: {selector: {matchLabels: {${P}/r: x}}}}`);
    expect(codes(join(both("a", "nodes"), both("b", "workloads")))).toEqual([]);
    expect(codes(join(both("a", "workloads"), both("b", "workloads")))).toEqual(["RingsEqual", "RingsEqual"]);
  });

  it("are found among thousands that cannot meet, and too many that can are said so", () => {
    const many = Array.from({ length: 2000 }, (_, index) =>
      selector(`r${index}`, `{matchLabels: {${P}/r: v${index % 1999}}}`),
    );
    const start = systemClock.monotonic();
    expect(codes(join(...many))).toEqual(["RingsEqual", "RingsEqual"]);
    expect(systemClock.monotonic() - start).toBeLessThan(20_000);
    const vague = Array.from({ length: 1000 }, (_, index) =>
      selector(`r${index}`, `{matchExpressions: [{key: ${P}/k${index}, operator: DoesNotExist}]}`),
    );
    expect(new Set(codes(join(...vague)))).toEqual(new Set(["RingsCanMeet", "RingsNotCompared"]));
  });
});

describe("calendars", () => {
  it.each([
    ["windows: [{schedule: '0 1 31 2 *', duration: 2h}]", "InvalidCalendar", "spec.windows[0].schedule"],
    ["windows: [{schedule: '0 25 * * *', duration: 2h}]", "InvalidCalendar", "spec.windows[0].schedule"],
    ["windows: [{schedule: '0 1 * * *', duration: 2h, cutoff: 2h}]", "InvalidCalendar", "spec.windows[0].cutoff"],
    ["timeZone: Europe/Berln\nwindows: [{schedule: '0 1 * * *', duration: 2h}]", "UnknownTimeZone", "spec.timeZone"],
    [
      "freezes: [{startTime: '2026-12-02T00:00', endTime: '2026-12-01T00:00', reason: x}]",
      "InvalidCalendar",
      "spec.freezes[0].endTime",
    ],
    [
      "freezes: [{startTime: '2020-01-01T00:00Z', endTime: '9999-01-01T00:00Z', reason: x}]",
      "CalendarNeverOpens",
      "spec",
    ],
  ])("%s is %s", (spec, code, path) => {
    expect(lines(calendar("c", spec))).toEqual([
      expect.stringMatching(new RegExp(`^${code} p\\.yaml:\\d+:\\d+: ${path.replaceAll(/[[\].]/g, "\\$&")}: `)),
    ]);
  });

  it("warn where those of one ring together never open", () => {
    const freeze = calendar(
      "freeze",
      'scope: Cluster\nfreezes: [{startTime: "2026-01-01T00:00:00Z", endTime: "2028-06-01T00:00:00Z", reason: long}]',
    );
    const text = join(freeze, calendar("office", CALENDAR), ring("a", "calendarRefs: [{name: office}]"), ring("b"));
    expect(codes(text)).toEqual(["RingNeverOpens"]);
  });
});

describe("settings that are accepted and probably not meant", () => {
  it.each([
    ["budget: {nodes: 100%}", ["UnboundedBudget"]],
    ["budget: {nodes: 0}", ["EmptyBudget"]],
    ["budget: {nodes: 2, maxFailures: 2}", ["MaxFailuresNotReached"]],
    ["budget: {nodes: 3, maxFailures: 2}", []],
    ["soak: 99999d", ["DurationTooLong"]],
    ["after: [b, b]", ["RepeatedName"]],
  ])("%s: %j", (settings, wanted) => {
    expect(codes(join(ring("a", settings), ring("b")))).toEqual(wanted);
  });

  it("an expression of a gate that cannot be read, at its place", () => {
    const gate = (expression: string) =>
      ring(
        "a",
        `gates:\n  - name: ceph\n    type: CEL\n    cel: {apiVersion: v1, resource: pods, name: x, expression: "${expression}"}`,
      );

    expect(codes(gate("object.status.phase == 'Running'"))).toEqual([]);
    expect(codes(gate("objects.size() > 1"))).toEqual(["GateExpression"]);
    expect(codes(gate("object.status.phase.matches('a')"))).toEqual(["GateExpression"]);
  });

  it("expired expedites and exceptions", () => {
    const entry = 'levels:\n  - baseline: b\n    expedite: {reason: CVE, until: "2026-11-20T00:00:00Z", skip: [Soak]}';
    const exception = doc(
      "PatchException",
      "e",
      'targets: {kind: Node, names: [n1]}\nowner: me\njustification: why\nexpirationTime: "2026-11-20T00:00:00Z"',
    );
    expect(codes(join(nodeBaseline("b"), recipe("apt"), ring("a", entry), exception))).toEqual([
      "ExpediteExpired",
      "ExceptionExpired",
    ]);
  });

  it("exceptions that can except nobody", () => {
    const exception = doc(
      "PatchException",
      "e",
      'targets: {kind: Workload, names: [web]}\ncomponents: [kernels]\nowner: me\njustification: why\nexpirationTime: "2027-11-20T00:00:00Z"',
    );
    expect(codes(exception)).toEqual(["InvalidName", "UnknownComponent"]);
  });

  it("labels that a node may write itself", () => {
    expect(lines(selector("a", "{matchLabels: {ring: x}}"))).toEqual([
      'SelfWrittenLabel p.yaml:8:38: warning: spec.members.nodes.selector.matchLabels.ring: a node may write the label "ring" itself, and so choose its ring (use a label with the prefix node-restriction.kubernetes.io/)',
    ]);
    expect(codes(selector("a", "{matchExpressions: [{key: topology.kubernetes.io/zone, operator: Exists}]}"))).toEqual([
      "SelfWrittenLabel",
    ]);
    expect(
      codes(selector("a", "{matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]}")),
    ).toEqual([]);
  });

  it("entries about something that the ring has no members of", () => {
    const image = doc(
      "PatchBaseline",
      "web",
      "target: Image\nimage: {images: [{repository: r.example.com/web, tag: 1.2.3}]}",
    );
    expect(codes(join(image, ring("a", "levels: [{baseline: web}]")))).toEqual(["EntryWithoutMembers"]);
  });
});

describe("baselines", () => {
  const judged = (more: string, product?: string): string[] =>
    lines(join(nodeBaseline("b", more, product), recipe("apt", /id: (\w+)/.exec(product ?? "id: ubuntu")?.[1])));

  it.each([
    ["  minimum: {kubelet: newest}", "MalformedVersion", "spec.node.minimum.kubelet"],
    ["  minimum: {containerRuntime: 1.7.24}", "MalformedVersion", "spec.node.minimum.containerRuntime"],
    [
      "  minimum: {packages: [{name: openssl, version: '1.0 beta'}]}",
      "MalformedVersion",
      "spec.node.minimum.packages[0].version",
    ],
    [
      "  minimum: {kernels: [{series: 5.15.0, flavour: generic, version: linux}]}",
      "MalformedVersion",
      "spec.node.minimum.kernels[0].version",
    ],
    [
      "  minimum: {kernels: [{series: '5.15', flavour: generic, version: 5.15.0-125-generic}]}",
      "KernelMismatch",
      "spec.node.minimum.kernels[0].series",
    ],
    [
      "  minimum: {kernels: [{series: 5.15.0, flavour: aws, version: 5.15.0-125-generic}]}",
      "KernelMismatch",
      "spec.node.minimum.kernels[0].flavour",
    ],
  ])("%s is %s", (more, code, path) => {
    expect(judged(more)).toEqual([
      expect.stringMatching(new RegExp(`^${code} p\\.yaml:\\d+:\\d+: ${path.replaceAll(/[[\].]/g, "\\$&")}: `)),
    ]);
  });

  it("with good versions say nothing", () => {
    expect(
      judged(
        "  minimum: {kubelet: v1.35.2, containerRuntime: containerd://1.7.24, kernels: [{series: 5.15.0, flavour: generic, version: 5.15.0-125-generic}], packages: [{name: openssl, version: 3.0.2-0ubuntu1.18}]}",
      ),
    ).toEqual([]);
  });

  it("of a product without package order cannot list packages", () => {
    expect(
      judged("  minimum: {packages: [{name: a, version: '1'}]}", "{id: flatcar}").map((line) => line.split(" ")[0]),
    ).toEqual(["NoPackageOrder"]);
  });

  it("warn without a source", () => {
    const text = nodeBaseline("b").replace("    source: {snapshot: 20261115T000000Z}\n", "");
    expect(codes(join(text, recipe("apt")))).toEqual(["SourceMissing"]);
  });

  it("need a recipe of their product", () => {
    expect(lines(join(nodeBaseline("b"), recipe("apt", "rocky")))).toEqual([
      expect.stringContaining(
        'RecipeMismatch p.yaml:10:23: spec.node.recipeRef.name: recipe "apt" is for rocky, not for ubuntu 22.04',
      ),
    ]);
  });

  it("that follow what is offered need an inventory step", () => {
    const blind = recipe("apt").replace(/ {2}inventory: .*\n/, "");
    expect(codes(join(nodeBaseline("b", "  follow: Offered"), blind))).toEqual(["InventoryStepMissing"]);
  });

  it("of the same nodes are an error, of nodes that can be the same a warning", () => {
    const other = (product: string, more = ""): string =>
      nodeBaseline("c", `  minimum: {kubelet: v1.35.2}${more}`, product);
    expect(codes(join(nodeBaseline("b"), other("{id: ubuntu}"), recipe("apt")))).toEqual(["BaselinesOverlap"]);
    expect(codes(join(nodeBaseline("b"), other("{id: ubuntu, versionId: '24.04'}"), recipe("apt")))).toEqual([]);
    const some = `\n  nodeSelector: {matchLabels: {a: x}}`;
    const rest = nodeBaseline("b", `  minimum: {kubelet: v1.35.2}\n  nodeSelector: {matchLabels: {b: x}}`);
    expect(codes(join(rest, other("{id: ubuntu}", some), recipe("apt")))).toEqual(["BaselinesCanMeet"]);
  });

  it("warn of tags that move and of two images of one repository", () => {
    const image = (name: string, tag: string): string =>
      doc("PatchBaseline", name, `target: Image\nimage: {images: [{repository: r.example.com/web, tag: ${tag}}]}`);
    expect(codes(join(image("a", "latest"), image("b", "1.2.3")))).toEqual(["MovingTag", "BaselinesOverlap"]);
  });

  it("have a schedule that comes", () => {
    const text = nodeBaseline(
      "b",
      "  minimum: {kubelet: v1.35.2}\nresolveSchedule: {schedule: 'a b c d e', timeZone: Mars/Base}",
    );
    expect(codes(join(text, recipe("apt")))).toEqual(["InvalidSchedule", "UnknownTimeZone"]);
  });
});

describe("against a cluster", () => {
  const node = (name: string, labels: Record<string, string>, zone: string | undefined = "a"): NodeAsset => ({
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    labels,
    zone,
    createdAt: NOW,
    ready: true,
    unschedulable: false,
    controlPlane: false,
    provider: undefined,
    bootId: "b",
    kernelVersion: "5.15.0-125-generic",
    kubeletVersion: "v1.35.2",
    containerRuntimeVersion: "containerd://1.7.24",
    osImage: "Ubuntu 22.04.5 LTS",
    architecture: "amd64",
    heardAt: NOW,
    mark: undefined,
  });
  const inventory = (...nodes: NodeAsset[]): { inventory: Inventory } => ({
    inventory: { nodes, workloads: [], pods: [], pdbs: [], apiServerVersion: undefined },
  });

  it("finds nodes in two rings", () => {
    const text = join(selector("a", `{matchLabels: {${P}/r: x}}`), selector("b", `{matchLabels: {${P}/s: q}}`));
    const found = lines(
      text,
      inventory(
        node("n1", { [`${P}/r`]: "x", [`${P}/s`]: "q" }),
        node("n2", { [`${P}/r`]: "x" }),
        node("n3", { [`${P}/s`]: "q" }),
      ),
    );
    expect(found).toContainEqual(
      expect.stringContaining('RingConflict p.yaml:17:17: spec.members.nodes.selector: n1 is also in ring "a"'),
    );
  });

  it("finds rings without members and entries without targets", () => {
    const text = join(
      nodeBaseline("b", "", "{id: rocky}"),
      recipe("apt", "rocky"),
      ring("a", "levels: [{baseline: b}]"),
      ring("c"),
    );
    const found = codes(text, inventory(node("n1", { [`${P}/ring`]: "a" })));
    expect(found.toSorted()).toEqual(["RingEmpty", "RingWithoutMembers"]);
  });

  it("finds nodes under two baselines", () => {
    const some = (name: string, label: string): string =>
      nodeBaseline(name, `  minimum: {kubelet: v1.35.2}\n  nodeSelector: {matchLabels: {${label}: x}}`);
    const found = codes(join(some("b", "k"), some("c", "l"), recipe("apt")), inventory(node("n1", { k: "x", l: "x" })));
    expect(found).toContain("BaselineConflict");
  });

  it("finds zones that do not exist, and nodes without one", () => {
    const text = selector(
      "a",
      `{matchLabels: {topology.kubernetes.io/zone: eu-1x}}`,
      "budget: {nodes: 1, nodesPerZone: 1}",
    );
    const found = lines(text, inventory(node("n1", {}, "eu-1"), { ...node("n2", {}), zone: undefined }));
    expect(found).toContainEqual(expect.stringContaining('no node is in zone "eu-1x" (did you mean "eu-1"?)'));
    expect(found).toContainEqual(expect.stringContaining("n2: no zone"));
  });

  it("finds exceptions for nodes that are gone", () => {
    const exception = doc(
      "PatchException",
      "e",
      'targets: {kind: Node, names: [n11]}\nowner: me\njustification: why\nexpirationTime: "2027-11-20T00:00:00Z"',
    );
    expect(lines(exception, inventory(node("n1", {})))).toEqual([expect.stringContaining("UnknownTarget")]);
  });
});

it("a good policy has no findings", () => {
  const text = join(
    nodeBaseline("ubuntu"),
    recipe("apt"),
    calendar("office", CALENDAR),
    ring("canary", "calendarRefs: [{name: office}]\nlevels: [{baseline: ubuntu}]"),
    ring("broad", "after: [canary]"),
  );
  expect(lines(text)).toEqual([]);
});
