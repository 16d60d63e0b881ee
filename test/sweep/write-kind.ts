// What a write is: its name says what was sent and to what it led; its kind leaves out to whom. A sample of a sweep takes each kind.
import type { ApiRequest } from "../../controller/kube/port.ts";

/** Method, path and, where it stands in the body, the step of an operation or of a job, or the fields of a JSON patch. */
export function nameWrite({ method, path, body }: Pick<ApiRequest, "method" | "path" | "body">): string {
  const says = describeBody(body);
  return says === "" ? `${method} ${path}` : `${method} ${path} ${says}`;
}

interface Body {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly status?: {
    readonly operation?: { readonly step?: string; readonly backOut?: object; readonly failure?: object };
    readonly claims?: readonly object[];
  };
}

function describeBody(body: unknown): string {
  if (Array.isArray(body))
    return (body as readonly { readonly op: string; readonly path: string }[])
      .filter(({ op }) => op !== "test")
      .map(({ op, path }) => `${op}:${path}`)
      .join(",");
  const { metadata, status } = (body ?? {}) as Body;
  const { operation, claims } = status ?? {};
  if (claims !== undefined) return claims.length === 0 ? "no claims" : "claims";
  if (operation !== undefined)
    return [operation.step, operation.backOut && "BackOut", operation.failure && "Failure"].filter(Boolean).join("+");
  return metadata?.labels?.["ringward.dev/step"] ?? "";
}

/** A write to git or to a forge, and not to the cluster. */
export function isHouseWrite(name: string): boolean {
  return !/^[A-Z]+ \//.test(name);
}

/** The name without the names of objects, namespaces and branches, and without numbers. Of a job's name its step stays. */
export function kindOfWrite(name: string): string {
  const [verb = "", path = "", ...says] = name.split(" ");
  if (path.startsWith("#")) return `${verb} #`;
  if (!path.startsWith("/")) return path.includes("/") ? `${verb} ${path.split("/")[0] ?? ""}/*` : name;
  const parts = path.replace(/\/namespaces\/[^/]+(?=\/)/, "").split("/");
  const first = path.startsWith("/api/") ? 3 : 4;
  const place = parts.map((part, index) => (index === first + 1 ? part.replace(/^(rw-[a-z]+-)?.*$/, "$1*") : part));
  return [verb, place.join("/"), ...says].join(" ");
}

/** Of each kind of write the last one, in order. */
export function lastOfEachKind(names: readonly string[]): readonly number[] {
  const last = new Map<string, number>();
  for (const [index, name] of names.entries()) last.set(kindOfWrite(name), index);
  return [...last.values()].sort((a, b) => a - b);
}
