// Container image references and which image of a policy they are.
// Pure. Follows the reference grammar and the defaults of the container runtimes (docker.io, library/, :latest).
// A reference that cannot be read, or that matches only by its tail, is never taken for the image.

export interface ImageReference {
  readonly registry: string;
  /** Path in the registry, for example `library/nginx`. */
  readonly path: string;
  /** `registry/path`. */
  readonly repository: string;
  /** `latest` where neither tag nor digest is given. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const REGISTRY = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,128}$/;

/** Takes a reference apart; undefined if it is none. A scheme in front (`docker-pullable://`) is taken off. */
export function parseImage(text: string): ImageReference | undefined {
  if (text.length > 512) return undefined;
  let rest = text.replace(/^docker(?:-pullable)?:\/\//, "");
  const at = rest.indexOf("@");
  const digest = at < 0 ? undefined : rest.slice(at + 1);
  if (at >= 0) rest = rest.slice(0, at);
  const colon = rest.lastIndexOf(":");
  const tagged = colon > rest.lastIndexOf("/");
  const tag = tagged ? rest.slice(colon + 1) : undefined;
  if (tagged) rest = rest.slice(0, colon);
  if (digest !== undefined && !DIGEST.test(digest)) return undefined;
  if (tag !== undefined && !TAG.test(tag)) return undefined;
  const name = parseRepository(rest);
  if (name === undefined) return undefined;
  return { ...name, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

/** A repository without tag and digest, with the runtimes' defaults filled in. */
export function parseRepository(text: string): Pick<ImageReference, "registry" | "path" | "repository"> | undefined {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const hasRegistry = /[.:[]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  let registry = hasRegistry ? first.toLowerCase() : "docker.io";
  let path = hasRegistry ? text.slice(slash + 1) : text;
  if (registry === "index.docker.io" || registry === "registry-1.docker.io") registry = "docker.io";
  if (registry === "docker.io" && !path.includes("/")) path = `library/${path}`;
  if (!REGISTRY.test(registry) || !PATH.test(path)) return undefined;
  return { registry, path, repository: `${registry}/${path}` };
}

const SLASH = 0x2f;

/** An image that a policy names. */
export interface WantedImage {
  readonly repository: string;
  readonly mirrors?: readonly string[];
}

/** `Full`: its repository or one of its mirrors. `Tail`: only the last path components agree. */
export type Coverage = "Full" | "Tail" | "None";

/** Whether a reference is an image that policy names. */
export function coverageOf(reference: ImageReference, wanted: WantedImage): Coverage {
  let best = coverageOfName(reference, wanted.repository);
  for (const mirror of wanted.mirrors ?? []) {
    if (best === "Full") return best;
    const found = coverageOfName(reference, mirror);
    if (found !== "None") best = found;
  }
  return best;
}

function coverageOfName(reference: ImageReference, name: string): Coverage {
  // Most images of a policy have another last component: told apart without reading the whole repository, because this
  // is asked for every container and every image.
  const from = reference.path.lastIndexOf("/") + 1;
  const rest = name.length - (reference.path.length - from);
  if (rest < 0 || (rest > 0 && name.charCodeAt(rest - 1) !== SLASH)) return "None";
  for (let at = rest; at < name.length; at++)
    if (name.charCodeAt(at) !== reference.path.charCodeAt(from + at - rest)) return "None";
  const repository = parseRepository(name);
  if (repository === undefined) return "None";
  if (repository.repository === reference.repository) return "Full";
  return isTail(repository.path, reference.path) ? "Tail" : "None";
}

/** Whether one path ends with the other; `library/` is Docker Hub's default and says nothing. */
function isTail(a: string, b: string): boolean {
  const left = a.replace(/^library\//, "");
  const right = b.replace(/^library\//, "");
  return left === right || left.endsWith(`/${right}`) || right.endsWith(`/${left}`);
}
