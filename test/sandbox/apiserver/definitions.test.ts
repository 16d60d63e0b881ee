// Custom resources: schemas, defaults, pruning, CEL rules, and definitions that are refused.
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { ApiResponse, KubeObject } from "../../../controller/kube/port.ts";
import { compileExpression, toCel } from "../../../controller/sandbox/apiserver/crd/cel.ts";
import { TARGET, generateBuiltinTypes } from "./generate-builtin-types.ts";
import { MERGE, setting } from "./support.ts";
import type { Setting } from "./support.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const THINGS = "/apis/x.dev/v1/things";

function definition(spec: object, extra: object = {}): unknown {
  return {
    metadata: { name: "things.x.dev" },
    spec: {
      group: "x.dev",
      scope: "Cluster",
      names: { plural: "things", kind: "Thing" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec, status: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
            },
          },
          ...extra,
        },
      ],
    },
  };
}

async function served(spec: object, extra: object = {}): Promise<Setting> {
  const place = setting();
  await place.ok("POST", CRDS, definition({ type: "object", ...spec }, extra));
  return place;
}

const thing = (spec: unknown, name = "t"): unknown => ({
  apiVersion: "x.dev/v1",
  kind: "Thing",
  metadata: { name },
  spec,
});

function messages(answer: ApiResponse): readonly string[] {
  return ((answer.body as { details?: { causes?: { field: string; message: string }[] } }).details?.causes ?? []).map(
    (item) => `${item.field}: ${item.message}`,
  );
}

describe("schemas", () => {
  it("default nested values, prune unknown ones, keep what is preserved, allow nulls that are nullable", async () => {
    const place = await served({
      properties: {
        box: { type: "object", default: {}, properties: { size: { type: "integer", default: 3 } } },
        items: { type: "array", items: { type: "object", properties: { on: { type: "boolean", default: true } } } },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        maybe: { type: "string", nullable: true },
        never: { type: "string", default: "d" },
      },
    });
    const made = await place.ok(
      "POST",
      THINGS,
      thing({ items: [{}, { on: false, odd: 1 }], free: { any: { thing: 1 } }, maybe: null, never: null, odd: 1 }),
    );

    expect(made.spec).toEqual({
      box: { size: 3 },
      items: [{ on: true }, { on: false }],
      free: { any: { thing: 1 } },
      maybe: null,
      never: "d",
    });
  });

  it.each([
    [
      { n: { type: "integer", minimum: 1 } },
      { n: 0 },
      "spec.n: Invalid value: 0: spec.n in body should be greater than or equal to 1",
    ],
    [
      { s: { type: "string", minLength: 2 } },
      { s: "a" },
      'spec.s: Invalid value: "a": spec.s in body should be at least 2 chars long',
    ],
    [{ s: { type: "string", maxLength: 2 } }, { s: "abc" }, "spec.s: Too long: may not be more than 2 bytes"],
    [
      { l: { type: "array", maxItems: 1, items: { type: "string" } } },
      { l: ["a", "b"] },
      "spec.l: Too many: 2: must have at most 1 items",
    ],
    [
      { t: { type: "string", format: "date-time" } },
      { t: "soon" },
      'spec.t: Invalid value: "soon": spec.t in body must be of type date-time: "soon"',
    ],
    [
      { v: { "x-kubernetes-int-or-string": true } },
      { v: true },
      'spec.v: Invalid value: "boolean": spec.v in body must be of type integer,string: "boolean"',
    ],
    [
      {
        o: {
          type: "object",
          properties: { a: { type: "string" }, b: { type: "string" } },
          oneOf: [{ required: ["a"] }, { required: ["b"] }],
        },
      },
      { o: { a: "1", b: "2" } },
      'spec.o: Invalid value: "": "spec.o" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ],
  ])("refuse %j with %j", async (properties, spec, message) => {
    const place = await served({ properties });

    const answer = await place.send("POST", THINGS, thing(spec));
    expect(answer.status).toBe(422);
    expect(messages(answer)).toContain(message);
  });

  it("take patterns as RE2 writes them, and refuse those that are none", async () => {
    const place = await served({ properties: { s: { type: "string", pattern: "^[a-z]+\\-[0-9]+$" } } });
    expect((await place.send("POST", THINGS, thing({ s: "a-1" }))).status).toBe(201);
    expect(messages(await place.send("POST", THINGS, thing({ s: "a" }, "u")))[0]).toContain("in body should match");

    const answer = await setting().send(
      "POST",
      CRDS,
      definition({ type: "object", properties: { s: { type: "string", pattern: "(" } } }),
    );
    expect(messages(answer)[0]).toContain("properties[s].pattern: Invalid value");
  });

  it("are refused when they are not structural", async () => {
    const place = setting();
    const answer = await place.send(
      "POST",
      CRDS,
      definition({
        type: "object",
        properties: { a: { type: "object", additionalProperties: false }, l: { type: "array" } },
      }),
    );

    expect(messages(answer)).toEqual([
      "spec.validation.openAPIV3Schema.properties[spec].properties[a].additionalProperties: Forbidden: must not be used",
      "spec.validation.openAPIV3Schema.properties[spec].properties[l].items: Required value: must be specified",
    ]);
  });
});

describe("rules", () => {
  it("match old list items by key, and run transition rules only where there is an old value", async () => {
    const place = await served({
      properties: {
        steps: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: {
            type: "object",
            required: ["name"],
            properties: { name: { type: "string" }, n: { type: "integer" } },
            "x-kubernetes-validations": [{ rule: "self.n >= oldSelf.n", message: "n never falls" }],
          },
        },
      },
    });
    await place.ok("POST", THINGS, thing({ steps: [{ name: "a", n: 5 }] }));
    await place.ok(
      "PATCH",
      `${THINGS}/t`,
      {
        spec: {
          steps: [
            { name: "b", n: 1 },
            { name: "a", n: 6 },
          ],
        },
      },
      MERGE,
    );

    const answer = await place.send(
      "PATCH",
      `${THINGS}/t`,
      {
        spec: {
          steps: [
            { name: "b", n: 1 },
            { name: "a", n: 2 },
          ],
        },
      },
      MERGE,
    );
    expect(messages(answer)).toEqual(["spec.steps[1]: Invalid value: n never falls"]);
  });

  it("give their computed message, reason and place", async () => {
    const place = await served({
      properties: { a: { type: "string" }, b: { type: "string" } },
      "x-kubernetes-validations": [
        {
          rule: "has(self.a) != has(self.b)",
          messageExpression: "'exactly one of a and b, not ' + (has(self.a) ? 'both' : 'none')",
          reason: "FieldValueForbidden",
          fieldPath: ".b",
        },
      ],
    });

    expect(messages(await place.send("POST", THINGS, thing({ a: "1", b: "1" })))).toEqual([
      "spec.b: Forbidden: exactly one of a and b, not both",
    ]);
    expect((await place.send("POST", THINGS, thing({ a: "1" }))).status).toBe(201);
  });

  it("may not name fields that do not exist, also inside macros", async () => {
    const place = setting();
    const properties = { l: { type: "array", items: { type: "object", properties: { n: { type: "integer" } } } } };
    const answer = await place.send(
      "POST",
      CRDS,
      definition({ type: "object", properties, "x-kubernetes-validations": [{ rule: "self.l.all(x, x.m > 0)" }] }),
    );

    expect(answer.status).toBe(422);
    expect(messages(answer)[0]).toContain("undefined field 'm'");
  });

  it.each([
    ["self.n + 1 == 4 && self.n * 2 > 5", true],
    ["self.s.matches('^[a-z]+$') && self.s.find('b.') == 'bc'", true],
    ["self.l.exists(x, x == 'b') && self.l.map(x, x.size()).sum() == 3", true],
    ["self.l.isSorted() && self.l.indexOf('c') == 2", true],
    ["quantity('1Gi').isGreaterThan(quantity('500Mi')) && isQuantity('2k') && !isQuantity('x')", true],
    ["isURL('https://a.example/x') && url('https://a.example:8443/x').getHost() == 'a.example:8443'", true],
    ["self.?missing.orValue('d') == 'd' && self.?s.hasValue()", true],
    ["has(self.m.k) && self.m['k'] == 'v' && 'k' in self.m && size(self.m) == 1", true],
    ["type(self.v) == int ? self.v > 1 : self.v.endsWith('%')", true],
    ["duration('90m') > duration('1h') && timestamp('2026-01-02T00:00:00Z') > timestamp('2026-01-01T00:00:00Z')", true],
    ["self.l.all(x, self.l.filter(y, y == x).size() == 1)", true],
    ["'namespace: ' + self.__namespace__ == 'namespace: n'", true],
    ["self.n > 5", false],
  ])("evaluate %s", (text, expected) => {
    const schema = { type: "object", properties: { n: { type: "integer" }, namespace: { type: "string" } } };
    const self = toCel(schema, { n: 3, s: "abcd", l: ["a", "b", "c"], m: { k: "v" }, v: "10%", namespace: "n" });

    expect(compileExpression(text).evaluate({ self })).toEqual({ value: expected });
  });
});

describe("versions and status", () => {
  it("keep the generation for status writes, and count every other change", async () => {
    const place = await served({ properties: { n: { type: "integer" } } }, { subresources: { status: {} } });
    await place.ok("POST", THINGS, { ...(thing({ n: 1 }) as object), status: { phase: "X" } });
    const status = await place.ok("PATCH", `${THINGS}/t/status`, { spec: { n: 9 }, status: { phase: "Y" } }, MERGE);
    const spec = await place.ok("PATCH", `${THINGS}/t`, { spec: { n: 2 }, status: { phase: "Z" } }, MERGE);

    expect([status.metadata.generation, spec.metadata.generation]).toEqual([1, 2]);
    expect([status.spec, spec.spec, spec.status]).toEqual([{ n: 1 }, { n: 2 }, { phase: "Y" }]);
  });

  it("serve a changed definition at once, and nothing of a deleted one", async () => {
    const place = await served({ properties: { n: { type: "integer" } } });
    await place.ok("POST", THINGS, thing({ n: 1 }));
    const crd = (await place.ok("GET", `${CRDS}/things.x.dev`)) as KubeObject & {
      spec: {
        versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: Record<string, unknown> } } } } }[];
      };
    };
    const versions = structuredClone(crd.spec.versions);
    for (const version of versions)
      version.schema.openAPIV3Schema.properties.spec.properties["m"] = { type: "integer", default: 7 };
    await place.ok("PATCH", `${CRDS}/things.x.dev`, { spec: { versions } }, MERGE);
    expect((await place.ok("POST", THINGS, thing({ n: 1 }, "u"))).spec).toEqual({ n: 1, m: 7 });

    await place.ok("DELETE", `${CRDS}/things.x.dev`);
    expect((await place.send("GET", THINGS)).status).toBe(404);
    const gone = place.server.store.history().filter((version) => version.type === "DELETED");
    expect(gone.map((version) => version.key)).toEqual([
      "things.x.dev/t",
      "things.x.dev/u",
      "customresourcedefinitions.apiextensions.k8s.io/things.x.dev",
    ]);
  });
});

it("the type table of the built-in kinds is the generated one", async () => {
  expect(await readFile(TARGET, "utf8")).toBe(await generateBuiltinTypes());
});
