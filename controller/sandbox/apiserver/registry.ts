// Finds the resource a request is about: built-in rows first, then what the definitions in the store serve. Compiled definitions
// are remembered by the stored object itself, so going back to a snapshot needs no bookkeeping.
import type { JsonObject } from "./json.ts";
import { compileDefinition } from "./crd/compile.ts";
import type { CustomVersion } from "./crd/compile.ts";
import { builtinResources, customResources } from "./resources.ts";
import type { Resource } from "./resources.ts";
import type { BuiltinSchema } from "./schema/builtin.ts";
import type { Storage } from "./storage.ts";

export const DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io";

export interface Registry {
  readonly find: (group: string, version: string, plural: string) => Resource | undefined;
  /** All resources, built-in rows first, then custom ones by definition name. */
  readonly all: () => readonly Resource[];
  /** The resource whose kind an owner reference names. */
  readonly byKind: (apiVersion: string, kind: string) => Resource | undefined;
}

/** A registry over a store. */
export function createRegistry(schema: BuiltinSchema, storage: Storage): Registry {
  const builtin = builtinResources(schema);
  const byPath = new Map(
    builtin.map((resource) => [`${resource.group}/${resource.version}/${resource.plural}`, resource]),
  );
  const compiled = new WeakMap<JsonObject, readonly Resource[]>();

  function serving(crd: JsonObject): readonly Resource[] {
    const known = compiled.get(crd);
    if (known) return known;
    const versions: readonly CustomVersion[] = compileDefinition(schema, crd);
    const resources = customResources(crd, versions);
    compiled.set(crd, resources);
    return resources;
  }

  const custom = (): readonly Resource[] => storage.list(DEFINITIONS).flatMap(([, crd]) => serving(crd));
  return {
    find(group, version, plural) {
      const known = byPath.get(`${group}/${version}/${plural}`);
      if (known) return known;
      const crd = storage.get(DEFINITIONS, `${plural}.${group}`);
      return crd === undefined ? undefined : serving(crd).find((resource) => resource.version === version);
    },
    all: () => [...builtin, ...custom()],
    byKind(apiVersion, kind) {
      const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
      const matches = (resource: Resource): boolean =>
        resource.kind === kind && resource.group === group && resource.version === version;
      return builtin.find(matches) ?? custom().find(matches);
    },
  };
}
