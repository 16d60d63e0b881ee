// JSON Patch, RFC 6902. Every operation is checked before anything is kept: a patch applies whole or not at all.
import { isList, isObject, jsonEqual } from "../json.ts";
import type { Draft, Json } from "../json.ts";

/** A patch that does not apply: a failing test, a missing path, an unknown operation. */
export class JsonPatchError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "JsonPatchError";
  }
}

/** The patched document; the given one is left as it is. */
export function applyJsonPatch(document: Json, patch: Json): Json {
  if (!isList(patch)) throw new JsonPatchError("a JSON patch is a list of operations");
  return patch.reduce<Json>((result, operation) => applyOperation(result, operation), document);
}

function applyOperation(document: Json, operation: Json): Json {
  if (!isObject(operation)) throw new JsonPatchError("an operation is an object");
  const path = pointer(operation["path"]);
  const value = operation["value"];
  switch (operation["op"]) {
    case "add":
      return edit(document, path, () => need(value), "add");
    case "remove":
      return edit(document, path, () => undefined, "remove");
    case "replace":
      return edit(document, path, () => need(value), "replace");
    case "test":
      if (!jsonEqual(read(document, path, true), value ?? null))
        throw new JsonPatchError(`testing value ${String(operation["path"])} failed`);
      return document;
    case "move": {
      const from = pointer(operation["from"]);
      const moved = read(document, from, false);
      return edit(
        edit(document, from, () => undefined, "remove"),
        path,
        () => moved,
        "add",
      );
    }
    case "copy": {
      const copied = read(document, pointer(operation["from"]), false);
      return edit(document, path, () => copied, "add");
    }
    default:
      throw new JsonPatchError(`unexpected operation ${String(operation["op"])}`);
  }
}

function need(value: Json | undefined): Json {
  if (value === undefined) throw new JsonPatchError("the operation has no value");
  return value;
}

function pointer(path: Json | undefined): readonly string[] {
  if (typeof path !== "string" || (path !== "" && !path.startsWith("/")))
    throw new JsonPatchError(`${String(path)} is not a JSON pointer`);
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function index(list: readonly Json[], part: string, adding: boolean): number {
  if (adding && part === "-") return list.length;
  if (!/^(0|[1-9]\d*)$/u.test(part)) throw new JsonPatchError(`${part} is not an index`);
  const at = Number(part);
  if (at > list.length || (!adding && at === list.length)) throw new JsonPatchError(`index ${part} is out of range`);
  return at;
}

/** The value at a path; a missing last member reads as null when `lenient` (a test for null passes on absence). */
function read(document: Json, path: readonly string[], lenient: boolean): Json {
  let at: Json = document;
  path.forEach((part, depth) => {
    const next: Json | undefined = isList(at)
      ? at[index(at, part, false)]
      : isObject(at) && Object.hasOwn(at, part)
        ? at[part]
        : undefined;
    if (next === undefined) {
      if (lenient && depth === path.length - 1 && isObject(at)) {
        at = null;
        return;
      }
      throw new JsonPatchError(`${part} is missing`);
    }
    at = next;
  });
  return at;
}

function edit(
  at: Json,
  path: readonly string[],
  value: () => Json | undefined,
  mode: "add" | "remove" | "replace",
): Json {
  const [part, ...rest] = path;
  if (part === undefined) return value() ?? null;
  if (isList(at)) {
    const position = index(at, part, mode === "add" && rest.length === 0);
    const copy = [...at];
    if (rest.length > 0) copy[position] = edit(at[position] ?? null, rest, value, mode);
    else if (mode === "add") copy.splice(position, 0, value() ?? null);
    else if (mode === "remove") copy.splice(position, 1);
    else copy[position] = value() ?? null;
    return copy;
  }
  if (!isObject(at)) throw new JsonPatchError(`${part} is missing`);
  const exists = Object.hasOwn(at, part) && at[part] !== undefined;
  // Kubernetes' library replaces a member that is not there by adding it.
  if (!exists && (rest.length > 0 || mode === "remove")) throw new JsonPatchError(`${part} is missing`);
  const copy: Draft = { ...at };
  const next = rest.length > 0 ? edit(at[part] ?? null, rest, value, mode) : value();
  if (next === undefined) delete copy[part];
  else Object.defineProperty(copy, part, { value: next, enumerable: true, configurable: true, writable: true });
  return copy as Json;
}
