// Image references as a container runtime reports them, and the digests that the sandbox's registry-less world gives them.
// An equal reference always has the same digest, so policies in the examples can name it. Pure.
import { createHash } from "node:crypto";

export interface ImageReference {
  /** With its registry: `docker.io/library/nginx`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:…`, if the reference has one. */
  readonly digest: string | undefined;
}

/** Splits a reference and fills in what is implied, as containerd does (distribution/reference, "familiar" names). */
export function parseImage(reference: string): ImageReference {
  const [named = "", digest] = reference.split("@");
  const slash = named.lastIndexOf("/");
  const colon = named.indexOf(":", slash + 1);
  const path = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  const [first = ""] = path.split("/");
  const hasRegistry = path.includes("/") && (/[.:]/.test(first) || first === "localhost");
  const repository = hasRegistry ? path : `docker.io/${path.includes("/") ? path : `library/${path}`}`;
  return { repository, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

/** The digest of an image in the sandbox: the one that is named, else one made from repository and tag. */
export function imageDigest(reference: string): string {
  const { repository, tag = "", digest } = parseImage(reference);
  return digest ?? `sha256:${createHash("sha256").update(`sandbox-image ${repository}:${tag}`).digest("hex")}`;
}

/** `status.containerStatuses[].image` and `imageID`. */
export function runtimeNames(reference: string): { readonly image: string; readonly imageID: string } {
  const { repository, tag, digest } = parseImage(reference);
  const image = tag === undefined ? `${repository}@${digest ?? ""}` : `${repository}:${tag}`;
  return { image, imageID: `${repository}@${imageDigest(reference)}` };
}

/** How an image behaves: a tag with `broken` never gets ready, one with `missing` cannot be pulled. */
export function imageBehaviour(reference: string): "good" | "broken" | "missing" {
  const tag = parseImage(reference).tag ?? "";
  return tag.includes("missing") ? "missing" : tag.includes("broken") ? "broken" : "good";
}
