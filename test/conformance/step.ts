// What a conformance script is made of: requests as data. A step has a name, what it sends, and nothing about the answer: the
// answers of two servers to the same steps are compared (play.ts). `${cm.metadata.uid}` in a path, header or body stands for
// what this very server answered to the step with `as: "cm"`.

export interface Step {
  /** Unique; a fact or a question, in a few words. */
  readonly name: string;
  /** GET unless given. */
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly contentType?: string;
  readonly accept?: string;
  /** The administrator's token unless given. */
  readonly auth?: "none" | "bad";
  /** More headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Before it, the server forgets everything but the present. */
  readonly forget?: true;
  /** An object is sent as JSON, a text as it is. */
  readonly body?: unknown;
  /** Remembers the answer's body under this name. */
  readonly as?: string;
  /** The request is a watch; `during` is sent while it is open. */
  readonly watch?: Watch;
  /** Asks again until the answer has this status, for at most five seconds: what a server does by itself, a moment later. */
  readonly until?: number;
}

export interface Watch {
  readonly during: readonly Step[];
  /** Read until this many events came, then a moment longer for one too many. Without it: until the server ends the stream. */
  readonly events?: number;
}

type More = Partial<Step>;

export const JSON_TYPE = "application/json";
export const MERGE_TYPE = "application/merge-patch+json";
export const STRATEGIC_TYPE = "application/strategic-merge-patch+json";
export const JSON_PATCH_TYPE = "application/json-patch+json";
export const APPLY_TYPE = "application/apply-patch+yaml";

/** GET. */
export function get(name: string, path: string, more: More = {}): Step {
  return { name, path, ...more };
}

/** POST of JSON. */
export function post(name: string, path: string, body: unknown, more: More = {}): Step {
  return { name, method: "POST", path, contentType: JSON_TYPE, body, ...more };
}

/** PUT of JSON. */
export function put(name: string, path: string, body: unknown, more: More = {}): Step {
  return { name, method: "PUT", path, contentType: JSON_TYPE, body, ...more };
}

/** JSON merge patch. */
export function merge(name: string, path: string, body: unknown, more: More = {}): Step {
  return { name, method: "PATCH", path, contentType: MERGE_TYPE, body, ...more };
}

/** Strategic merge patch. */
export function strategic(name: string, path: string, body: unknown, more: More = {}): Step {
  return { name, method: "PATCH", path, contentType: STRATEGIC_TYPE, body, ...more };
}

/** JSON patch. */
export function jsonPatch(name: string, path: string, body: unknown, more: More = {}): Step {
  return { name, method: "PATCH", path, contentType: JSON_PATCH_TYPE, body, ...more };
}

/** Server-side apply by a manager. */
export function apply(
  name: string,
  path: string,
  manager: string,
  body: unknown,
  more: More & { readonly force?: true } = {},
): Step {
  const { force, ...rest } = more;
  const query = `${path.includes("?") ? "&" : "?"}fieldManager=${manager}${force === true ? "&force=true" : ""}`;
  return { name, method: "PATCH", path: path + query, contentType: APPLY_TYPE, body, ...rest };
}

/** DELETE, with DeleteOptions if given. */
export function del(name: string, path: string, options?: unknown, more: More = {}): Step {
  return {
    name,
    method: "DELETE",
    path,
    ...(options === undefined ? {} : { contentType: JSON_TYPE, body: options }),
    ...more,
  };
}

/** A watch that is read until `events` came. */
export function watch(name: string, path: string, events: number, during: readonly Step[] = [], more: More = {}): Step {
  return { name, path: watching(path), watch: { during, events }, ...more };
}

/** A watch that is read until the server ends it. */
export function watchToEnd(name: string, path: string, during: readonly Step[] = [], more: More = {}): Step {
  return { name, path: watching(path), watch: { during }, ...more };
}

function watching(path: string): string {
  return `${path}${path.includes("?") ? "&" : "?"}watch=true`;
}
