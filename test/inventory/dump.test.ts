// A cluster dump in a folder: one file or several, in any order, partly broken. Real files, small limits.
import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { UserError } from "../../controller/errors.ts";
import { readDump } from "../../controller/inventory/dump.ts";
import { controlledBy, type Json, lease, meta, nodeObject, podObject, workloadObject } from "./objects.ts";

let folder = "";
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "ringward-dump-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const target = await mkdtemp(join(folder, "d-"));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(target, name)), { recursive: true });
    await writeFile(join(target, name), content);
  }
  return target;
}

const listOf = (...items: Json[]): string =>
  JSON.stringify({ apiVersion: "v1", items, kind: "List", metadata: {} }, undefined, 4);

const objects: Json[] = [
  nodeObject("worker-2"),
  nodeObject("worker-1"),
  lease("worker-1", "2026-11-21T12:00:00Z", "uid-worker-1"),
  {
    ...lease("leader", "2030-01-01T00:00:00Z"),
    metadata: { ...meta("leader"), namespace: "kube-system", creationTimestamp: "2026-11-01T00:00:00Z" },
  },
  workloadObject("Deployment", "web"),
  workloadObject("ReplicaSet", "web-1", { metadata: controlledBy("Deployment", "web") }),
  podObject("web-1-a", { metadata: controlledBy("ReplicaSet", "web-1") }),
  podObject("bare"),
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: meta("web", { namespace: "shop" }),
    spec: { selector: {} },
  },
  { apiVersion: "v1", kind: "ConfigMap", metadata: meta("ignored", { namespace: "shop" }) },
  {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "DisruptionLedger",
    metadata: meta("cluster"),
    spec: { mode: "Enforce" },
  },
  { apiVersion: "other.example.com/v1", kind: "Node", metadata: meta("impostor") },
];

describe("readDump", () => {
  it("reads a list of mixed kinds", async () => {
    const dump = await readDump(await write({ "all.json": listOf(...objects) }));
    expect(dump.problems).toEqual([]);
    expect(dump.inventory.nodes.map((node) => [node.name, node.heardAt])).toEqual([
      ["worker-1", Date.parse("2026-11-21T12:00:00Z")],
      ["worker-2", undefined],
    ]);
    expect(dump.inventory.workloads.map((one) => `${one.kind} ${one.name}`)).toEqual(["Pod bare", "Deployment web"]);
    expect(dump.inventory.pods.map((pod) => pod.name)).toEqual(["bare", "web-1-a"]);
    expect(dump.inventory.pdbs).toHaveLength(1);
    expect(dump.objects.get("DisruptionLedger")).toMatchObject([{ spec: { mode: "Enforce" } }]);
    expect(dump.takenAt).toBe(Date.parse("2030-01-01T00:00:00Z"));
  });

  it("gives the same whatever the files, their formats, their order and the size of the pieces", async () => {
    const expected = await readDump(await write({ "all.json": listOf(...objects) }));
    const halves = {
      "a/one.json": listOf(...objects.slice(6)),
      "b.yaml": stringify({ apiVersion: "v1", kind: "List", items: objects.slice(0, 6) }),
    };
    const single = Object.fromEntries(objects.map((object, index) => [`${99 - index}.json`, JSON.stringify(object)]));
    const stream = {
      "x.json": [...objects]
        .reverse()
        .map((object) => JSON.stringify(object))
        .join("\n"),
    };
    const documents = { "x.yml": objects.map((object) => `---\n${stringify(object)}`).join("") };
    for (const files of [halves, single, stream, documents]) {
      const dump = await readDump(await write(files), { chunk: 13 });
      expect(JSON.stringify(dump.inventory)).toBe(JSON.stringify(expected.inventory));
      expect([...dump.objects]).toEqual([...expected.objects]);
      expect(dump.problems).toEqual([]);
    }
  });

  it("reads what the API server answers, where items have no kind of their own", async () => {
    const { kind: _kind, apiVersion: _version, ...bare } = nodeObject("worker-1");
    const text = JSON.stringify({ kind: "NodeList", apiVersion: "v1", metadata: {}, items: [bare] });
    const dump = await readDump(
      await write({ "nodes.json": text, "version.json": '{"serverVersion":{"gitVersion":"v1.36.2"}}' }),
    );
    expect(dump.inventory.nodes).toHaveLength(1);
    expect(dump.inventory.apiServerVersion).toBe("v1.36.2");
  });

  it("believes nothing of its own kinds that the API server would not have taken", async () => {
    const own = (kind: string, rest: Json): Json => ({
      apiVersion: "ringward.dev/v1alpha1",
      kind,
      metadata: meta("worker-1"),
      ...rest,
    });
    const dump = await readDump(
      await write({
        "own.json": listOf(
          own("NodePatchState", { status: { inventory: { time: "2026-11-21T12:00:00Z" } } }),
          own("DisruptionLedger", { metadata: meta("cluster"), spec: { mode: "Enforce" } }),
          own("Surprise", {}),
        ),
      }),
    );
    expect([...dump.objects.keys()]).toEqual(["DisruptionLedger"]);
    expect(dump.problems.map((problem) => problem.kind).sort()).toEqual(["NodePatchState", "Surprise"]);
  });

  it("takes absent kinds for absent", async () => {
    const dump = await readDump(await write({ "nodes.json": listOf(nodeObject("worker-1")) }));
    expect(dump).toMatchObject({
      problems: [],
      inventory: { workloads: [], pods: [], pdbs: [], apiServerVersion: undefined },
    });
  });

  it("names what it cannot read, and reads the rest", async () => {
    const dump = await readDump(
      await write({
        "broken.json": '{"items":[{"kind":"Node"',
        "broken.yaml": "kind: Node\n\t- x",
        "aliases.yaml": "a: &a [1]\nb: *a",
        "empty.json": "",
        "empty.yaml": "# nothing",
        "windows.json": Buffer.from("\ufeff{}", "utf16le"),
        "odd.json": listOf(
          { apiVersion: "v1", kind: "Node", metadata: { name: "no-uid" } },
          { metadata: { name: "no-kind" } },
        ),
        "good.json": listOf(nodeObject("worker-1")),
        "note.txt": "not read",
      }),
    );
    expect(dump.inventory.nodes.map((node) => node.name)).toEqual(["worker-1"]);
    expect(dump.problems.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "File aliases.yaml",
      "File broken.json",
      "File broken.yaml",
      "File empty.json",
      "File empty.yaml",
      "File windows.json",
      "Node no-uid",
      "object no-kind",
    ]);
  });

  it("takes the newer of two that are the same object, whichever it reads first, and says so", async () => {
    const newer = nodeObject("worker-1", { metadata: { resourceVersion: "10" }, spec: { unschedulable: true } });
    const older = nodeObject("worker-1", { metadata: { resourceVersion: "9" } });
    for (const [a, b] of [
      [newer, older],
      [older, newer],
    ] as const) {
      const dump = await readDump(await write({ "a.json": listOf(a), "b.json": listOf(b) }));
      expect(dump.inventory.nodes).toMatchObject([{ unschedulable: true }]);
      expect(dump.problems).toMatchObject([{ kind: "Node", name: "worker-1" }]);
    }
    const same = await readDump(await write({ "a.json": listOf(newer), "b.json": listOf(newer) }));
    expect(same.problems).toEqual([]);
  });

  it("keeps to its limits", async () => {
    const files = {
      "a.json": listOf(nodeObject("worker-1"), nodeObject("worker-2", { spec: { pad: "x".repeat(5000) } })),
      "b.yaml": stringify(nodeObject("worker-3")),
    };
    const dump = await readDump(await write(files), { maxObject: 4000, maxYaml: 100 });
    expect(dump.inventory.nodes.map((node) => node.name)).toEqual(["worker-1"]);
    expect(dump.problems.map((problem) => problem.message).join("\n")).toMatch(/over 4000 bytes.*\n?.*over 100/s);
  });

  it("follows no links and refuses a folder that holds nothing or is not there", async () => {
    const outside = await write({ "secret.json": listOf(nodeObject("outside")) });
    const target = await write({ "note.txt": "" });
    await symlink(join(outside, "secret.json"), join(target, "link.json"));
    await expect(readDump(target)).rejects.toThrow(UserError);
    await expect(readDump(join(folder, "missing"))).rejects.toThrow(/cannot read the cluster dump/);
  });
});
