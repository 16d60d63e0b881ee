// Every kind's schema is one that an API server takes and a person can read: structural, bounded, described.
import { describe, expect, it } from "vitest";
import { crdFor, objectSchema, structural, type StructuralSchema } from "../../controller/api/crd.ts";
import { KINDS } from "../../controller/api/kinds.ts";

interface Place {
  readonly path: string;
  readonly node: StructuralSchema;
  /** A named field (not an item, not a map's value, not the object itself). */
  readonly field: boolean;
}

function placesOf(node: StructuralSchema, path: string, field = false): Place[] {
  return [
    { path, node, field },
    ...Object.entries(node.properties ?? {}).flatMap(([name, child]) => placesOf(child, `${path}.${name}`, true)),
    ...(node.items === undefined ? [] : placesOf(node.items, `${path}[]`)),
    ...(node.additionalProperties === undefined ? [] : placesOf(node.additionalProperties, `${path}{}`)),
  ];
}

const places = KINDS.flatMap((kind) => placesOf(objectSchema(kind), kind.kind)).filter(
  ({ path }) => !/^\w+\.(apiVersion|kind|metadata)$/.test(path),
);
const pathsWhere = (test: (place: Place) => boolean): string[] => places.filter(test).map(({ path }) => path);

function fits(node: StructuralSchema, value: unknown): boolean {
  if (node.enum !== undefined) return node.enum.includes(String(value));
  if (typeof value === "string" && node.pattern !== undefined) return new RegExp(node.pattern, "u").test(value);
  if (node["x-kubernetes-int-or-string"] === true) return Number.isInteger(value);
  return node.type === "integer" ? Number.isInteger(value) : typeof value === node.type;
}

describe("the kinds' schemas", () => {
  it("describe every field", () => {
    expect(places.length).toBeGreaterThan(400);
    expect(pathsWhere(({ field, node }) => field && (node.description ?? "") === "")).toEqual([]);
  });

  it("bound every string, list and map, because the API server estimates the cost of CEL from the bounds", () => {
    expect(
      pathsWhere(({ node }) => node.type === "string" && node.maxLength === undefined && node.enum === undefined),
    ).toEqual([]);
    expect(pathsWhere(({ node }) => node.type === "array" && node.maxItems === undefined)).toEqual([]);
    expect(
      pathsWhere(({ node }) => node.additionalProperties !== undefined && node.maxProperties === undefined),
    ).toEqual([]);
    expect(pathsWhere(({ node }) => node.type === "integer" && node.minimum === undefined)).toEqual([]);
  });

  it("say how every list is merged, but for histories that are always written whole", () => {
    const bare = pathsWhere(({ node }) => node.type === "array" && node["x-kubernetes-list-type"] === undefined);
    expect(bare.filter((path) => !/\.status\.(history|problems)$/.test(path))).toEqual([]);
  });

  it("have defaults that satisfy their own node", () => {
    const odd = pathsWhere(({ node }) => node.default !== undefined && !fits(node, node.default));
    expect(places.filter(({ node }) => node.default !== undefined).length).toBeGreaterThan(30);
    expect(odd).toEqual([]);
  });

  it("use CamelCase words in every enum", () => {
    const words = places.flatMap(({ node, path }) => (node.enum ?? []).map((word) => ({ word, path })));
    // Package schemes, and operators of Alertmanager: other people's words are written as those people write them.
    const foreign = new Set(["dpkg", "rpm", "apk", "semver", "kernel", "osimage", "=", "!=", "=~", "!~"]);
    expect(words.filter(({ word }) => !foreign.has(word) && !/^[A-Z][A-Za-z]*$/.test(word))).toEqual([]);
  });

  it("let every selector say something", () => {
    const selectors = places.filter(({ node }) => node.properties?.["matchLabels"] !== undefined);
    expect(selectors.length).toBeGreaterThan(4);
    for (const { path, node } of selectors) expect(node.minProperties, path).toBe(1);
  });
});

describe("structural", () => {
  const refused: [string, object][] = [
    ["a node without a type", { properties: {} }],
    ["additionalProperties: false", { type: "object", additionalProperties: false }],
    [
      "properties beside additionalProperties",
      { type: "object", properties: {}, additionalProperties: { type: "string" } },
    ],
    ["const", { type: "string", const: "x" }],
    ["$ref", { $ref: "#/x" }],
    ["patternProperties", { type: "object", patternProperties: {} }],
    ["a list without items", { type: "array" }],
    ["anyOf that is not int-or-string", { type: "string", anyOf: [{ type: "string" }] }],
    ["int-or-string with a type", { type: "string", "x-kubernetes-int-or-string": true }],
    [
      "a map key that is neither required nor defaulted",
      {
        type: "array",
        items: { type: "object", properties: { name: { type: "string" } } },
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
      },
    ],
  ];
  it.each(refused)("refuses %s", (_, schema) => {
    expect(() => structural(schema as StructuralSchema)).toThrow(/spec/);
  });
});

describe("CustomResourceDefinitions", () => {
  it("have the category, short names, a status subresource where there is a status, and columns that exist", () => {
    const shorts = new Set<string>();
    for (const kind of KINDS) {
      const { spec } = crdFor(kind) as {
        spec: {
          names: { categories: string[]; shortNames: string[] };
          versions: { subresources?: object; additionalPrinterColumns: { jsonPath: string }[] }[];
        };
      };
      expect(spec.names.categories).toEqual(["ringward"]);
      for (const short of spec.names.shortNames) {
        expect(shorts.has(short), short).toBe(false);
        shorts.add(short);
      }
      const [version] = spec.versions;
      expect(version?.subresources, kind.kind).toEqual(kind.status === undefined ? undefined : { status: {} });
      for (const { jsonPath } of version?.additionalPrinterColumns ?? []) {
        if (jsonPath.startsWith(".metadata.")) continue;
        const path = jsonPath.replace(/\[.*?\]/g, "[]").replace(/^\./, `${kind.kind}.`);
        const known = places.map((place) => place.path);
        expect(known, `${kind.kind} ${jsonPath}`).toContain(path);
      }
    }
    expect(shorts.size).toBe(KINDS.length);
  });
});
