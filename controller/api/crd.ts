// Kinds as CustomResourceDefinitions. The schemas must be structural (every node typed, no additionalProperties: false,
// no $ref, no const): what the API server would refuse is refused here, when the CRD is made, with the place.
import { stringify } from "yaml";
import { GROUP, type KindDefinition, type TSchema, VERSION } from "./schema.ts";

/** A structural schema: plain JSON, as it stands in a CRD. */
export interface StructuralSchema {
  type?: string;
  description?: string;
  properties?: Record<string, StructuralSchema>;
  required?: string[];
  items?: StructuralSchema;
  additionalProperties?: StructuralSchema;
  enum?: string[];
  pattern?: string;
  format?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  anyOf?: StructuralSchema[];
  "x-kubernetes-int-or-string"?: boolean;
  "x-kubernetes-list-type"?: "map" | "atomic" | "set";
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-validations"?: { rule: string; message: string }[];
}

/** Keywords that may stand in a CRD; everything else is a mistake in controller/api/. */
const KEYWORDS: readonly (keyof StructuralSchema)[] = [
  "type",
  "description",
  "default",
  "enum",
  "format",
  "pattern",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties",
  "required",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-validations",
  "anyOf",
  "properties",
  "additionalProperties",
  "items",
];

const TYPES = ["object", "array", "string", "integer", "number", "boolean"];

/**
 * A TypeBox schema as a structural one, keys in a fixed order.
 * @throws Error where it is not structural, naming `path`.
 * Source: Kubernetes documentation, "Specifying a structural schema".
 */
export function structural(schema: TSchema | StructuralSchema, path = "spec"): StructuralSchema {
  const source = schema as unknown as Record<string, unknown>;
  for (const key of Object.keys(source)) {
    if (!(KEYWORDS as readonly string[]).includes(key)) throw new Error(`${path}: ${key} cannot stand in a CRD`);
  }
  checkNode(source as StructuralSchema, path);
  const result: Record<string, unknown> = {};
  for (const key of KEYWORDS) {
    const value = source[key];
    if (value === undefined) continue;
    if (key === "properties") {
      result[key] = mapValues(value as Record<string, StructuralSchema>, (name, child) =>
        structural(child, `${path}.${name}`),
      );
    } else if (key === "items") {
      result[key] = structural(value as StructuralSchema, `${path}[]`);
    } else if (key === "additionalProperties") {
      result[key] = structural(value as StructuralSchema, `${path}{}`);
    } else {
      result[key] = structuredClone(value);
    }
  }
  return result as StructuralSchema;
}

function checkNode(node: StructuralSchema, path: string): void {
  if (node["x-kubernetes-int-or-string"] === true) {
    // The one node without a type: Kubernetes wants exactly this anyOf, and pattern and minimum beside it, where each
    // of them only looks at values of its own type.
    if (node.type !== undefined || JSON.stringify(node.anyOf) !== '[{"type":"integer"},{"type":"string"}]') {
      throw new Error(`${path}: int-or-string needs anyOf [integer, string] and no type`);
    }
    return;
  }
  if (node.type === undefined || !TYPES.includes(node.type)) throw new Error(`${path}: every node needs a type`);
  if (node.anyOf !== undefined) throw new Error(`${path}: anyOf is for int-or-string only`);
  if (node.properties !== undefined && node.additionalProperties !== undefined) {
    throw new Error(`${path}: properties and additionalProperties exclude each other`);
  }
  if (typeof node.additionalProperties === "boolean") {
    throw new Error(`${path}: additionalProperties must be a schema; unknown fields are pruned`);
  }
  if (node.type === "array" && node.items === undefined) throw new Error(`${path}: a list needs items`);
  if (node["x-kubernetes-list-type"] === "map") checkMapKeys(node, path);
}

function checkMapKeys(node: StructuralSchema, path: string): void {
  const keys = node["x-kubernetes-list-map-keys"] ?? [];
  if (keys.length === 0) throw new Error(`${path}: a map list needs keys`);
  for (const key of keys) {
    const property = node.items?.properties?.[key];
    if (property === undefined) throw new Error(`${path}: map key ${key} is not a property`);
    if (node.items?.required?.includes(key) !== true && property.default === undefined) {
      throw new Error(`${path}: map key ${key} must be required or have a default`);
    }
  }
}

function mapValues<A, B>(record: Record<string, A>, map: (key: string, value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(key, value)]));
}

/** The whole object's schema, as it stands in the CRD. */
export function objectSchema(definition: KindDefinition): StructuralSchema {
  const required = definition.spec === undefined ? undefined : ["spec"];
  return {
    type: "object",
    description: definition.description,
    ...(required === undefined ? {} : { required }),
    ...(definition.validations === undefined
      ? {}
      : { "x-kubernetes-validations": definition.validations.map((rule) => ({ ...rule })) }),
    properties: {
      apiVersion: { type: "string", description: `${GROUP}/${VERSION}` },
      kind: { type: "string", description: definition.kind },
      metadata: { type: "object" },
      ...(definition.spec === undefined
        ? {}
        : { spec: { description: "What is wanted.", ...structural(definition.spec, `${definition.kind}.spec`) } }),
      ...(definition.status === undefined
        ? {}
        : {
            status: {
              description: "What Ringward observed; written by it alone.",
              ...structural(definition.status, `${definition.kind}.status`),
            },
          }),
    },
  };
}

/** The CustomResourceDefinition of a kind (apiextensions.k8s.io/v1). */
export function crdFor(definition: KindDefinition): Readonly<Record<string, unknown>> {
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${definition.plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: {
        kind: definition.kind,
        listKind: `${definition.kind}List`,
        plural: definition.plural,
        singular: definition.singular,
        shortNames: [...definition.shortNames],
        categories: ["ringward"],
      },
      scope: definition.scope,
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          additionalPrinterColumns: definition.columns.map((column) => ({ ...column })),
          schema: { openAPIV3Schema: objectSchema(definition) },
          ...(definition.status === undefined ? {} : { subresources: { status: {} } }),
        },
      ],
    },
  };
}

/** A CRD as one YAML document (no aliases, long lines are not folded). */
export function crdYaml(definition: KindDefinition): string {
  return stringify(crdFor(definition), { aliasDuplicateObjects: false, lineWidth: 0 });
}
