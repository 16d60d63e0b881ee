// Health checks for Argo CD and Flux, run by a real Lua and a real CEL: over every condition that the product can write, and over every
// version of the objects of a whole rollout as a controller left them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeReason, type Reason, REASONS } from "../../controller/api/reasons.ts";
import { type Health, summarise } from "../../controller/kube/conditions.ts";
import { HEALTH_FOLDER, JUDGED } from "../tooling/pages/health.ts";
import { createLua, type FluxCheck, judgeAsFlux, type LuaRunner } from "./interpreters.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const NOW = Date.parse("2026-11-29T07:00:00Z");
const KINDS = [...JUDGED, "DisruptionLedger"] as const;

const read = (path: string): string => readFileSync(join(ROOT, HEALTH_FOLDER, path), "utf8");
const flux = load(read("flux.yaml")) as { readonly healthCheckExprs: readonly FluxCheck[] };
const configMap = load(read("argocd-cm.yaml")) as { readonly data: Readonly<Record<string, string>> };
const runners = new Map<string, LuaRunner>();

beforeAll(async () => {
  for (const kind of KINDS) runners.set(kind, await createLua(read(`argocd/${kind}.lua`)));
});
afterAll(() => {
  for (const runner of runners.values()) runner.close();
});

function argo(kind: string, object: object): string {
  const runner = runners.get(kind);
  if (runner === undefined) throw new Error(`no script for ${kind}`);
  const { status, message } = runner.run({ kind, metadata: { name: "x", generation: 2 }, ...object });
  expect(message.length).toBeGreaterThan(0);
  return status;
}

function asFlux(kind: string, object: object): string {
  const check = flux.healthCheckExprs.find((one) => one.kind === kind);
  if (check === undefined) throw new Error(`no check for ${kind}`);
  return judgeAsFlux(check, { kind, metadata: { name: "x", generation: 2 }, spec: {}, ...object });
}

const statusOf = (health: Health, observedGeneration = 2): object => ({
  status: { observedGeneration, conditions: summarise(undefined, health, observedGeneration, NOW) },
});
const stalled = (reason: Reason): Health => ({ kind: "Stalled", reason, message: "why" });

/** Written out, so that a change of the generator shows here: of what needs a person these are no failure. */
const MEANT = [
  "Observing",
  "ReleasedByPerson",
  "RepositorySuspended",
  "RingSuspended",
  "Stopped",
  "WaitingForApproval",
];

describe("Argo CD", () => {
  it.each(JUDGED)("%s: what is Ready is Healthy, what goes on is Progressing", (kind) => {
    expect(argo(kind, statusOf({ kind: "Ready", reason: "Compliant", message: "all" }))).toBe("Healthy");
    expect(argo(kind, statusOf({ kind: "Reconciling", reason: "Progressing", message: "goes on" }))).toBe(
      "Progressing",
    );
  });

  it.each(JUDGED)(
    "%s: what stands still is Degraded, and Suspended where it waits as it was meant to (every reason)",
    (kind) => {
      for (const reason of REASONS) {
        const held =
          reason !== "TargetVanished" && (describeReason(reason).care !== "person" || MEANT.includes(reason));
        expect(`${reason} ${argo(kind, statusOf(stalled(reason)))}`).toBe(
          `${reason} ${held ? "Suspended" : "Degraded"}`,
        );
      }
      expect(argo(kind, statusOf(stalled("OfALaterVersion" as Reason)))).toBe("Degraded");
    },
  );

  it.each(JUDGED)("%s: what was not looked at is Progressing", (kind) => {
    const ready: Health = { kind: "Ready", reason: "Compliant", message: "all" };
    expect(argo(kind, {})).toBe("Progressing");
    expect(argo(kind, { status: {} })).toBe("Progressing");
    expect(argo(kind, { status: { conditions: [] } })).toBe("Progressing");
    expect(argo(kind, statusOf(ready, 1))).toBe("Progressing");
  });

  it.each(["RolloutRing", "PolicyRepository"])("%s: spec.suspend is Suspended, and hides no failure", (kind) => {
    const spec = { suspend: true };
    expect(argo(kind, { spec })).toBe("Suspended");
    expect(argo(kind, { spec, ...statusOf({ kind: "Ready", reason: "Soaked", message: "all" }) })).toBe("Suspended");
    expect(argo(kind, { spec, ...statusOf(stalled("RingHalted")) })).toBe("Degraded");
    expect(
      argo(kind, { spec: { suspend: false }, ...statusOf({ kind: "Ready", reason: "Soaked", message: "all" }) }),
    ).toBe("Healthy");
  });

  it("the ledger is Healthy in the modes that people choose, and Suspended while it is stopped", () => {
    for (const [mode, health] of [
      ["Observe", "Healthy"],
      ["Enforce", "Healthy"],
      ["Stop", "Suspended"],
    ])
      expect(argo("DisruptionLedger", { spec: { mode } })).toBe(health);
    expect(argo("DisruptionLedger", {})).toBe("Healthy");
  });

  it("the ConfigMap holds the same scripts", () => {
    expect(configMap.data).toEqual(
      Object.fromEntries(
        KINDS.map((kind) => [`resource.customizations.health.ringward.dev_${kind}`, read(`argocd/${kind}.lua`)]),
      ),
    );
  });
});

describe("Flux", () => {
  it("checks the kinds that policy is applied as", () => {
    expect(flux.healthCheckExprs.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)).toEqual(
      ["RolloutRing", "PatchBaseline", "PolicyRepository"].map((kind) => `ringward.dev/v1alpha1 ${kind}`),
    );
  });

  it("is ready when policy is in force, not when the fleet is patched", () => {
    const goesOn = statusOf({ kind: "Reconciling", reason: "Progressing", message: "goes on" });
    expect(asFlux("RolloutRing", goesOn)).toBe("Current");
    expect(asFlux("PolicyRepository", goesOn)).toBe("InProgress");
    for (const kind of ["RolloutRing", "PatchBaseline", "PolicyRepository"]) {
      expect(asFlux(kind, statusOf({ kind: "Ready", reason: "InSync", message: "all" }))).toBe("Current");
      expect(asFlux(kind, {})).toBe("InProgress");
      expect(asFlux(kind, { status: {} })).toBe("InProgress");
      expect(asFlux(kind, statusOf({ kind: "Ready", reason: "InSync", message: "all" }, 1))).toBe("InProgress");
    }
  });

  it.each(["RolloutRing", "PatchBaseline", "PolicyRepository"])(
    "%s: fails where Argo CD says Degraded (every reason)",
    (kind) => {
      for (const reason of REASONS) {
        const degraded = argo(kind, statusOf(stalled(reason))) === "Degraded";
        expect(`${reason} ${asFlux(kind, statusOf(stalled(reason)))}`).toBe(
          `${reason} ${degraded ? "Failed" : "Current"}`,
        );
      }
      expect(asFlux(kind, statusOf(stalled("OfALaterVersion" as Reason)))).toBe("Failed");
    },
  );
});

interface Stored {
  readonly kind?: string;
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly status?: { readonly phase?: string };
}

describe("a whole rollout, as it was recorded", () => {
  it("is judged at every version of every object, goes on, and ends as it did", () => {
    const lines = gunzipSync(readFileSync(join(ROOT, "test/fixtures/upgrade/0.1.0/lines.jsonl.gz")))
      .toString("utf8")
      .trim()
      .split("\n");
    const objects = lines
      .map((line) => JSON.parse(line) as Partial<Stored>)
      .filter((one): one is Stored => one.metadata !== undefined);
    const seen = new Map<string, string[]>();
    const last = new Map<string, string>();
    for (const object of objects) {
      const { kind = "" } = object;
      if (!runners.has(kind)) continue;
      const words = [argo(kind, object)];
      if (flux.healthCheckExprs.some((one) => one.kind === kind)) words.push(asFlux(kind, object));
      seen.set(kind, [...(seen.get(kind) ?? []), ...words]);
      last.set(`${kind} ${object.metadata.name}`, words.join(" "));
    }

    expect(seen.get("RolloutRing")?.length).toBeGreaterThan(20);
    expect(new Set(seen.get("RolloutRing"))).toContain("Progressing");
    expect(new Set(seen.get("NodePatchState"))).toContain("Progressing");
    // One workload's rollout did not progress and was rolled back: that story ends so.
    expect(Object.fromEntries(last)).toEqual({
      "DisruptionLedger cluster": "Healthy",
      "NodePatchState rocky-1": "Healthy",
      "NodePatchState ubuntu-1": "Healthy",
      "PatchBaseline flatcar": "Healthy Current",
      "PatchBaseline rocky-9": "Healthy Current",
      "PatchBaseline shared-images": "Healthy Current",
      "PatchBaseline ubuntu-2204": "Healthy Current",
      "PolicyRepository policy": "Healthy Current",
      "RolloutRing canary": "Healthy Current",
      "RolloutRing early": "Progressing Current",
      "WorkloadPatchState deployment-cache": "Degraded",
      "WorkloadPatchState deployment-web": "Healthy",
    });
  });
});
