// `ringward validate` and `ringward crds`, run in this process on a temporary folder.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KINDS } from "../../controller/api/kinds.ts";
import { command as crds } from "../../controller/cli/crds.ts";
import { command as validate } from "../../controller/cli/validate.ts";
import { systemClock } from "../../controller/clock.ts";
import { NOW, ring } from "../policy/support/policy.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringward-validate-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, content: string | Buffer): void {
  mkdirSync(join(folder, path, ".."), { recursive: true });
  writeFileSync(join(folder, path), content);
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `validate FOLDER …` at a fixed time; the folder's path is shown as `DIR`. */
async function run(...args: string[]): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await validate([folder, ...args], {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    clock: { now: () => NOW },
  });
  const show = (texts: string[]): string => texts.join("").replaceAll(folder, "DIR");
  return { code, stdout: show(out), stderr: show(err) };
}

describe("ringward validate", () => {
  it("says nothing of a good policy and ends with 0", async () => {
    write("rings/a.yaml", ring("a"));
    expect(await run()).toEqual({ code: 0, stdout: "", stderr: "1 object, 0 errors, 0 warnings\n" });
  });

  it("prints every finding in file order, with place and remedy, and ends with 1", async () => {
    write("rings/prod.yaml", `${ring("canary")}---\n${ring("prod", "after: [canry]\nsok: 1h")}`);
    write("rings/b.yaml", ring("b", "after: [canry]"));
    const { code, stdout, stderr } = await run();
    expect(code).toBe(1);
    expect(stdout.split("\n")).toEqual([
      'DIR/rings/b.yaml:11:11: spec.after[0]: ring "canry" does not exist (did you mean "canary"?)',
      'DIR/rings/prod.yaml:23:3: spec.sok: unknown field "sok" (did you mean "soak"?)',
      "",
    ]);
    expect(stderr).toBe("2 objects, 2 errors, 0 warnings\n");
  });

  it("keeps warnings apart: they end with 0, and with 1 under --strict", async () => {
    write("a.yaml", ring("a", "budget: {nodes: 100%}"));
    expect(await run()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^DIR\/a\.yaml:11:19: warning: spec\.budget\.nodes: /),
    });
    expect(await run("--strict")).toMatchObject({ code: 1 });
  });

  it("answers with the contract's JSON, and the same as YAML", async () => {
    write("a.yaml", ring("a", "budget: {nodes: 100%}\nafter: [b]"));
    const { code, stdout } = await run("-o", "json");
    const answer = JSON.parse(stdout) as unknown;
    expect(code).toBe(1);
    expect(answer).toEqual({
      ok: false,
      errors: [
        {
          file: "DIR/a.yaml",
          line: 12,
          column: 11,
          path: "spec.after[0]",
          code: "ReferenceMissing",
          message: 'ring "b" does not exist',
          hint: 'did you mean "a"?',
        },
      ],
      warnings: [
        {
          file: "DIR/a.yaml",
          line: 11,
          column: 19,
          path: "spec.budget.nodes",
          code: "UnboundedBudget",
          message: "bounds nothing: all members may be unavailable at once",
          hint: "write a smaller number or percentage",
        },
      ],
    });
    expect(loadAll((await run("-o", "yaml")).stdout)).toEqual([answer]);
  });

  it("names code and object with -o wide", async () => {
    write("a.yaml", ring("a", "after: [b]"));
    expect((await run("-o", "wide")).stdout).toMatch(/\[ReferenceMissing, RolloutRing\/a\]\n$/);
  });

  it("judges as of --at", async () => {
    const exception = `apiVersion: ringward.dev/v1alpha1\nkind: PatchException\nmetadata: {name: e}\nspec: {targets: {kind: Node, names: [n1]}, owner: me, justification: why, expirationTime: "2026-12-01T00:00:00Z"}\n`;
    write("e.yaml", exception);
    expect((await run("-o", "json")).stdout).toContain('"warnings": []');
    expect((await run("-o", "json", "--at", "2026-12-01T00:00:00Z")).stdout).toContain("ExceptionExpired");
  });

  it("holds the policy against a cluster dump", async () => {
    write("policy.yaml", ring("a"));
    const dump = mkdtempSync(join(tmpdir(), "ringward-dump-"));
    try {
      const node = {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: "n1", uid: "u1", labels: {} },
        spec: {},
        status: {},
      };
      writeFileSync(join(dump, "all.json"), JSON.stringify({ apiVersion: "v1", kind: "List", items: [node] }));
      expect((await run("--cluster", dump)).stdout).toContain("selects none of the cluster's nodes");
    } finally {
      rmSync(dump, { recursive: true });
    }
  });

  it("finds each unreadable file, and judges the rest", async () => {
    write("binary.yaml", Buffer.from([0, 1]));
    write("latin.yaml", Buffer.from([0xe9]));
    write("large.yaml", "#".repeat(2 * 1024 * 1024));
    write("deep.yaml", `apiVersion: ringward.dev/v1alpha1\na: ${"{a: ".repeat(5000)}`);
    write("z.yaml", ring("z", "after: [x]"));
    const { code, stdout } = await run("-o", "json");
    const { errors } = JSON.parse(stdout) as { errors: { file: string; code: string }[] };
    expect(code).toBe(1);
    expect(errors.map((error) => [error.file, error.code])).toEqual([
      ["DIR/binary.yaml", "FileBinary"],
      ["DIR/deep.yaml", "YamlTooDeep"],
      ["DIR/large.yaml", "FileTooLarge"],
      ["DIR/latin.yaml", "FileNotUtf8"],
      ["DIR/z.yaml", "ReferenceMissing"],
    ]);
  });

  it("judges ten thousand documents in seconds", async () => {
    for (let index = 0; index < 100; index++) {
      write(`${index}.yaml`, Array.from({ length: 100 }, (_, at) => ring(`r${index * 100 + at}`)).join("---\n"));
    }
    const start = systemClock.monotonic();
    expect(await run()).toMatchObject({ code: 0, stderr: "10000 objects, 0 errors, 0 warnings\n" });
    expect(systemClock.monotonic() - start).toBeLessThan(15_000);
  });

  it.each([[["--nonsense"]], [["-o", "xml"]], [["--at", "yesterday"]], [["second-folder"]], [["--cluster"]]])(
    "refuses wrong use: %j",
    async (args) => {
      await expect(run(...args)).rejects.toThrow(/ringward validate --help|not a time/);
    },
  );

  it("refuses a folder that is not there", async () => {
    await expect(validate([join(folder, "gone")])).rejects.toThrow(/it does not exist/);
  });
});

describe("ringward crds", () => {
  it("prints all CustomResourceDefinitions as one YAML stream", async () => {
    const out: string[] = [];
    expect(await crds([], { write: (text) => out.push(text) })).toBe(0);
    const documents = loadAll(out.join("")) as { kind: string; spec: { names: { kind: string } } }[];
    expect(new Set(documents.map(({ kind }) => kind))).toEqual(new Set(["CustomResourceDefinition"]));
    expect(documents.map(({ spec }) => spec.names.kind)).toEqual(KINDS.map(({ kind }) => kind));
  });

  it("takes no arguments", async () => {
    await expect(crds(["x"])).rejects.toThrow(/takes no arguments/);
  });
});
