// Reads a request's path into what is meant: resource, namespace, name, subresource. Pure text work; whether the resource
// exists is asked elsewhere.

export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** The parts of `/api/v1/...` or `/apis/G/V/...`; undefined when the path names no resource. */
export function readResourcePath(path: string): ResourcePath | undefined {
  const parts = path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const [root] = parts;
  const start = root === "api" ? 2 : root === "apis" ? 3 : 0;
  if (start === 0 || parts.length <= start) return undefined;
  const group = root === "api" ? "" : (parts[1] ?? "");
  const version = parts[start - 1] ?? "";
  let rest = parts.slice(start);
  let namespace: string | undefined;
  // `namespaces/NS/pods` is a pod path; `namespaces/NS` and its own subresources are about the namespace.
  if (rest[0] === "namespaces" && rest.length >= 3 && rest[2] !== "status" && rest[2] !== "finalize") {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [plural = "", name, subresource, ...extra] = rest;
  if (extra.length > 0) return undefined;
  return { group, version, namespace, plural, name, subresource };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
