// Level files: what is written is what is read, byte for byte the same for the same level.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PatchLevelSpec } from "../../controller/api/patch-level.ts";
import { createValidators } from "../../controller/api/validator.ts";
import { levelDigest, levelName } from "../../controller/core/levels/index.ts";
import type { LevelInForce } from "../../controller/core/model.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import { levelPath, renderLevelFile } from "../../controller/reconcile/promotion/level-file.ts";

const INPUT_TIME = Date.UTC(2026, 0, 5, 8, 30);
const validators = createValidators();

function levelOf(spec: PatchLevelSpec): LevelInForce {
  const digest = levelDigest(spec);
  return { name: levelName(spec.baseline, INPUT_TIME, digest), digest, spec, inputTime: INPUT_TIME };
}

function read(level: LevelInForce, text: string) {
  const path = levelPath("policy", level.name);
  return loadPolicy({ files: [{ path, blob: "b", text }], validators, path: "policy" });
}

const node: PatchLevelSpec = {
  baseline: "ubuntu",
  target: "Node",
  disruption: "Reboot",
  node: {
    drain: "IfDisruptive",
    rebootPolicy: "IfRequired",
    components: [
      { name: "package:openssl", scheme: "dpkg", version: "3.0.2-0ubuntu1.18" },
      { version: "5.15.0-125-generic", scheme: "kernel", name: "kernel/5.15.0/generic" },
    ],
    recipe: {
      name: "ubuntu",
      strategy: "InPlace",
      steps: {
        update: {
          image: `registry.example.com/patch@sha256:${"a".repeat(64)}`,
          command: ["sh", "-c", "set -e\napt-get update\n"],
          env: [{ name: "MODE", value: "yes" }],
          host: "ReadWrite",
          timeout: "30m",
        },
      },
    },
    source: { snapshot: "20260105T000000Z" },
    product: { id: "ubuntu", versionId: "22.04" },
  },
};

describe("a level's file", () => {
  it("stands in levels/ below the policy's folder", () => {
    expect(levelPath("policy", "x")).toBe("policy/levels/x.yaml");
    expect(levelPath("policy/", "x")).toBe("policy/levels/x.yaml");
    expect(levelPath("", "x")).toBe("levels/x.yaml");
  });

  it("is readable, in the schema's order", () => {
    const level = levelOf(node);

    expect(renderLevelFile(level, { inputCommit: "1".repeat(40) }))
      .toBe(`# Patch level of baseline ubuntu. Written by Ringward; immutable: its name is made from its content.
# To change what runs, change the baseline or a ring's entry, never this file.
apiVersion: ringward.dev/v1alpha1
kind: PatchLevel
metadata:
  name: ${level.name}
  annotations:
    ringward.dev/digest: ${level.digest}
    ringward.dev/input-time: 2026-01-05T08:30:00Z
    ringward.dev/input-commit: "${"1".repeat(40)}"
spec:
  baseline: ubuntu
  target: Node
  disruption: Reboot
  node:
    product:
      id: ubuntu
      versionId: "22.04"
    source:
      snapshot: 20260105T000000Z
    components:
      - name: kernel/5.15.0/generic
        scheme: kernel
        version: 5.15.0-125-generic
      - name: package:openssl
        scheme: dpkg
        version: 3.0.2-0ubuntu1.18
    recipe:
      name: ubuntu
      strategy: InPlace
      steps:
        update:
          image: registry.example.com/patch@sha256:${"a".repeat(64)}
          command:
            - sh
            - "-c"
            - "set -e\\napt-get update\\n"
          env:
            - name: MODE
              value: "yes"
          host: ReadWrite
          timeout: 30m
    rebootPolicy: IfRequired
    drain: IfDisruptive
`);
  });

  it("is the same whoever built the level", () => {
    const turned = JSON.parse(JSON.stringify(node), (_key, value: unknown) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value,
    ) as PatchLevelSpec;

    expect(
      renderLevelFile(
        levelOf({ ...turned, node: { ...turned.node!, components: [...node.node!.components].reverse() } }),
      ),
    ).toBe(renderLevelFile(levelOf(node)));
  });

  it("is refused for a level whose name does not match its content", () => {
    const level = levelOf(node);

    expect(() => renderLevelFile({ ...level, spec: { ...node, disruption: "None" } })).toThrow(
      /RW1203|digest begins with/,
    );
  });

  it("gives back the level's digest, whatever its strings hold", () => {
    const text = (most: number) =>
      fc.oneof(
        fc.string({ minLength: 1, maxLength: most, unit: "binary" }),
        fc.string({ minLength: 1, maxLength: most }),
        fc.constantFrom(
          "yes",
          "0o17",
          "1e3",
          "null",
          "~",
          "22.04",
          "- a",
          "a: b",
          "#c",
          " x ",
          "'",
          '"',
          "|",
          "a\nb\n",
          "\t",
          "*a",
          "&a",
          "!t",
          "%d",
          "1:20",
          "2026-01-05",
        ),
      );
    const step = fc.record(
      {
        image: fc.constant(`r.example.com/p@sha256:${"b".repeat(64)}`),
        command: fc.array(text(40), { minLength: 1, maxLength: 4 }),
        env: fc.uniqueArray(fc.record({ name: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/), value: text(40) }), {
          maxLength: 3,
          selector: ({ name }) => name,
        }),
        host: fc.constantFrom("ReadOnly" as const, "ReadWrite" as const),
        timeout: fc.constantFrom("30m", "90s"),
      },
      { requiredKeys: ["image", "command"] },
    );
    const spec = fc
      .record({
        components: fc.uniqueArray(
          fc.record({ name: text(40), scheme: fc.constantFrom("dpkg" as const, "semver" as const), version: text(40) }),
          { minLength: 1, maxLength: 5, selector: ({ name }) => name },
        ),
        steps: fc.record({ inventory: step, update: step, rollback: step }, { requiredKeys: ["update"] }),
        source: fc.record({ snapshot: text(40), mirror: text(40) }, { requiredKeys: ["mirror"] }),
      })
      .map(({ components, steps, source }): PatchLevelSpec => ({
        baseline: "b",
        target: "Node",
        disruption: "None",
        node: {
          product: { id: "ubuntu" },
          source,
          components,
          recipe: { name: "r", strategy: "InPlace", steps },
          rebootPolicy: "Never",
          drain: "Always",
        },
      }));

    fc.assert(
      fc.property(spec, (made) => {
        const level = levelOf(made);
        const { objects, problems } = read(level, renderLevelFile(level));

        expect(problems).toEqual([]);
        expect(objects[0]?.name).toBe(level.name);
        expect(levelDigest(objects[0]?.spec as PatchLevelSpec)).toBe(level.digest);
      }),
      { numRuns: 100 },
    );
  });
});
