// What an answer does to a gate: shut by a measurement (GateShut) or by the lack of one (GateUnknown), and open only by a good one.
import { describe, expect, it } from "vitest";
import type { Gate } from "../../../controller/api/gate.ts";
import { compileGateExpression } from "../../../controller/core/gates/expression.ts";
import { judgeReading } from "../../../controller/core/gates/judge.ts";
import type { GateAnswer, Sample } from "../../../controller/core/gates/readings.ts";
import { MINUTE, START } from "../../support/fleet.ts";

type PromQL = NonNullable<Gate["promQL"]>;
const promQL = (rest: Partial<PromQL> = {}): Gate => ({
  name: "errors",
  type: "PromQL",
  promQL: { query: "q", operator: "LessThan", threshold: 0.01, ...rest },
});
const sample = (value: number, labels: Sample["labels"] = {}): Sample => ({ value, labels });
const samples = (...list: Sample[]): GateAnswer => ({ kind: "Samples", samples: list });
const judge = (gate: Gate, answer: GateAnswer, age = 0): string | undefined => {
  const block = judgeReading(gate, { at: START - age, answer }, START);
  return block === undefined ? undefined : `${block.reason}: ${block.message}`;
};

describe("PromQL", () => {
  it.each([
    ["LessThan", 0.01, [0.009], [0.01, 1]],
    ["AtMost", 1, [1, 0], [1.1]],
    ["Equal", 0, [0], [1, -1]],
    ["AtLeast", 99.9, [99.9, 100], [99.8]],
    ["GreaterThan", -1, [0], [-1, -2]],
  ] as const)("%s %d", (operator, threshold, good, bad) => {
    for (const value of good) expect(judge(promQL({ operator, threshold }), samples(sample(value)))).toBeUndefined();
    for (const value of bad)
      expect(judge(promQL({ operator, threshold }), samples(sample(value)))).toMatch(/^GateShut/);
  });

  it("every series has to pass, and the one that does not is named", () => {
    const answer = samples(sample(0, { job: "api" }), sample(0.5, { job: "web" }), sample(0.6, { job: "db" }));

    expect(judge(promQL(), answer)).toBe(
      'GateShut: gate errors: PromQL: {job="web"} is 0.5 (and 1 more of 3 series), and has to be less than 0.01',
    );
  });

  it("no result, NaN and infinities are no measurement, whatever they would compare to", () => {
    const least = promQL({ operator: "AtLeast", threshold: 1 });

    expect(judge(promQL(), samples())).toBe("GateUnknown: gate errors: PromQL: NoData: the query has no result");
    expect(judge(promQL(), samples(sample(Number.NaN)))).toMatch(/^GateUnknown.*NoData: the value is NaN/);
    expect(judge(least, samples(sample(2), sample(Number.POSITIVE_INFINITY)))).toMatch(/^GateUnknown.*Infinity/);
  });

  it("what other systems wrote is cut", () => {
    expect(judge(promQL(), samples(sample(1, { pod: "x".repeat(5_000) })))?.length).toBeLessThan(300);
  });
});

describe("any gate", () => {
  it.each(["NotConfigured", "TimedOut", "Malformed", "Partial", "Redirected", "TooLarge", "Refused"] as const)(
    "is shut by %s, and says so",
    (why) => {
      expect(judge(promQL(), { kind: "None", why, message: "m" })).toBe(`GateUnknown: gate errors: PromQL: ${why}: m`);
    },
  );

  it("is shut by an answer that is old, or of a future that a clock jumped back from", () => {
    expect(judge(promQL(), samples(sample(0)), 5 * MINUTE)).toBeUndefined();
    expect(judge(promQL(), samples(sample(0)), 6 * MINUTE)).toMatch(/^GateUnknown.*Stale/);
    expect(judge(promQL(), samples(sample(0)), -6 * MINUTE)).toMatch(/^GateUnknown.*Stale/);
    expect(judgeReading(promQL(), undefined, START)?.reason).toBe("GateUnknown");
  });

  it("is shut by an answer to another question", () => {
    expect(judge(promQL(), { kind: "Objects", objects: [{}] })).toMatch(/^GateUnknown/);
  });
});

describe("Alerts", () => {
  const gate = (rest: Partial<NonNullable<Gate["alerts"]>> = {}): Gate => ({
    name: "alerts",
    type: "Alerts",
    alerts: { matchers: [{ name: "severity", value: "critical" }], ...rest },
  });
  const firing = (watchdog: boolean | undefined, ...names: string[]): GateAnswer => ({
    kind: "Alerts",
    firing: names.map((alertname) => ({ alertname })),
    watchdog,
  });

  it("shut it while one fires that is not ignored, and are named", () => {
    expect(judge(gate(), firing(undefined))).toBeUndefined();
    expect(judge(gate({ ignore: ["Noisy"] }), firing(undefined, "Noisy"))).toBeUndefined();
    expect(judge(gate({ ignore: ["Noisy"] }), firing(undefined, "Noisy", "B", "A"))).toBe(
      "GateShut: gate alerts: Alerts: A and 1 more fire",
    );
  });

  it("shut it while the watchdog is silent, because then nobody knows whether any would come in", () => {
    expect(judge(gate({ watchdog: "Watchdog" }), firing(true, "Watchdog"))).toBeUndefined();
    expect(judge(gate({ watchdog: "Watchdog" }), firing(false))).toMatch(/^GateUnknown.*Watchdog does not fire/);
    expect(judge(gate({ watchdog: "Watchdog" }), firing(undefined))).toMatch(/^GateUnknown/);
  });
});

describe("CEL", () => {
  const ceph = { status: { ceph: { health: "HEALTH_OK" }, replicas: 3 } };
  const gate = (expression: string, one = true): Gate => ({
    name: "ceph",
    type: "CEL",
    cel: {
      apiVersion: "ceph.rook.io/v1",
      resource: "cephclusters",
      expression,
      ...(one ? { name: "rook" } : { selector: { matchLabels: { a: "b" } } }),
    },
  });
  const objects = (...list: unknown[]): GateAnswer => ({ kind: "Objects", objects: list });

  it("true opens it; false, an error and something else do not", () => {
    expect(judge(gate("object.status.ceph.health == 'HEALTH_OK'"), objects(ceph))).toBeUndefined();
    expect(judge(gate("object.status.replicas > 2 && object.status.replicas < 3.5"), objects(ceph))).toBeUndefined();
    expect(judge(gate("object.status.ceph.health == 'HEALTH_WARN'"), objects(ceph))).toBe(
      "GateShut: gate ceph: CEL: the expression is false for cephclusters rook",
    );
    expect(judge(gate("object.status.missing == 1"), objects(ceph))).toMatch(/^GateUnknown.*No such key: missing/);
    expect(judge(gate("object.status.replicas"), objects(ceph))).toMatch(/^GateUnknown.*neither true nor false/);
  });

  it("no object is no data, also where an expression over none would be true", () => {
    expect(judge(gate("objects.all(o, o.status.replicas == 3)", false), objects(ceph, ceph))).toBeUndefined();
    expect(judge(gate("objects.all(o, o.status.replicas == 3)", false), objects())).toMatch(/^GateUnknown.*NoData/);
  });

  it.each([
    ["object.", 7],
    ["foo == 1", 0],
    ["object.name.matches('(a+)+$')", 0],
    ["cel.bind(a, object, true)", 0],
    ["1 + 1", 0],
  ])("%s is refused before it runs", (text, at) => {
    expect(compileGateExpression(text, "object")).toMatchObject({ ok: false, at });
  });

  it("what would take too long is refused: by its depth, by its length, by the data", () => {
    const deep = "objects.all(a, objects.all(b, objects.all(c, objects.all(d, true))))";
    const three = compileGateExpression("objects.all(a, objects.all(b, objects.all(c, true)))", "objects");

    expect(compileGateExpression(deep, "objects").ok).toBe(false);
    expect(compileGateExpression(Array(300).fill("true").join(" && "), "objects").ok).toBe(false);
    expect(three.ok && three.evaluate(Array(10).fill(1))).toEqual({ ok: true, value: true });
    expect(three.ok && three.evaluate(Array(500).fill(1))).toMatchObject({ ok: false, message: /^too expensive/ });
    expect(three.ok && three.evaluate([{ a: { b: Array(500).fill(1) } }])).toMatchObject({ ok: false });
  });

  it("keys of objects are only keys", () => {
    const odd: unknown = JSON.parse('{"__proto__": {"x": true}, "constructor": 1}');
    const result = compileGateExpression("has(object.toString)", "object");

    expect(result.ok && result.evaluate(odd)).not.toMatchObject({ value: true });
  });
});
