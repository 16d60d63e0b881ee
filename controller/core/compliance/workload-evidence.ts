// What is known of each image of a level in one workload: the template first, then what its pods really run.
// Pure. Images are exact. Tags are compared as names; digests with what the pods' status reports (imageID).
import type { LevelImage } from "../../api/patch-level.ts";
import { desiredImage } from "../levels/diff.ts";
import type { ContainerImage, PodImages, WorkloadAsset } from "../model.ts";
import { compareVersions } from "../versions/index.ts";
import { type ImageIndex, imagesLike } from "./image-index.ts";
import { coverageOf, type ImageReference, parseImage } from "./image-reference.ts";
import type { Evidence } from "./rules.ts";

export interface ObservedImage {
  /** `image:REPOSITORY`, as the level writes the repository. */
  readonly name: string;
  readonly running: string;
  readonly desired: string;
  readonly scheme: "tag";
  readonly evidence: Evidence;
}

/** One entry for each container of the workload that is of an image of the level. */
export function observeWorkload(workload: WorkloadAsset, images: ImageIndex<LevelImage>): readonly ObservedImage[] {
  return workload.containers.flatMap((container) => {
    const reference = parseImage(container.image);
    const found = reference === undefined ? undefined : findImage(reference, imagesLike(images, reference));
    return reference === undefined || found === undefined ? [] : [observe(workload.pods, container, reference, found)];
  });
}

interface Found {
  readonly image: LevelImage;
  readonly coverage: "Full" | "Tail";
}

/** A full match wins over one by the tail; of several, the first by name. */
function findImage(reference: ImageReference, images: readonly LevelImage[]): Found | undefined {
  let tail: LevelImage | undefined;
  let full: LevelImage | undefined;
  for (const image of images) {
    const coverage = coverageOf(reference, image);
    if (coverage === "Full") full = first(full, image);
    else if (coverage === "Tail") tail = first(tail, image);
  }
  if (full !== undefined) return { image: full, coverage: "Full" };
  return tail === undefined ? undefined : { image: tail, coverage: "Tail" };
}

function first(a: LevelImage | undefined, b: LevelImage): LevelImage {
  return a === undefined || b.repository < a.repository ? b : a;
}

function observe(
  pods: readonly PodImages[],
  container: ContainerImage,
  template: ImageReference,
  { image, coverage }: Found,
): ObservedImage {
  const base = { name: `image:${image.repository}`, desired: desiredImage(image), scheme: "tag" as const };
  if (coverage === "Tail")
    return { ...base, running: container.image, evidence: { kind: "Unknown", reason: "RepositoryNotCovered" } };
  return { ...base, running: showReference(template), evidence: compareImage(pods, container, template, image) };
}

/** The repository is in the component's name already. */
function showReference({ tag, digest }: ImageReference): string {
  if (digest === undefined) return tag ?? "";
  return tag === undefined ? digest : `${tag}@${digest}`;
}

function compareImage(
  pods: readonly PodImages[],
  container: ContainerImage,
  template: ImageReference,
  wanted: LevelImage,
): Evidence {
  const order = compareTemplate(template, wanted);
  if (order === "?") return { kind: "Unknown", reason: "NotComparable" };
  if (order !== "=") return { kind: "Compared", order, pending: false };
  const seen = pods.map((pod) => runsWanted(pod, container.name, wanted));
  const proven = seen.includes(true);
  // Pods start all the time, in any large cluster somewhere: one that has not started yet says nothing where others run what is wanted.
  const settled = !seen.includes(false) && (proven || pods.length === 0);
  // A template that only names a tag pins no digest: without pods that prove it, or with one that does not, it must be patched.
  const pinned = wanted.digest === undefined || template.digest !== undefined;
  if (!pinned) return { kind: "Compared", order: settled && proven ? "=" : "<", pending: false };
  return { kind: "Compared", order: settled ? "=" : "<", pending: !settled };
}

/** `?`: the template names a digest only and the level a tag only, so nothing says whether they are the same. */
function compareTemplate(template: ImageReference, wanted: LevelImage): "<" | "=" | ">" | "?" {
  const sameDigest = wanted.digest !== undefined && template.digest === wanted.digest;
  if (wanted.tag !== undefined && template.tag !== wanted.tag) {
    if (template.tag === undefined) return sameDigest ? "=" : wanted.digest === undefined ? "?" : "<";
    // What cannot be ordered is still another image, and images are exact.
    return compareVersions("tag", template.tag, wanted.tag) === ">" ? ">" : "<";
  }
  if (wanted.digest === undefined || template.digest === undefined) return "=";
  return sameDigest ? "=" : "<";
}

/** Undefined: the container has not started (no imageID), so it runs nothing. */
function runsWanted(pod: PodImages, container: string, wanted: LevelImage): boolean | undefined {
  const running = pod.running.find((other) => other.container === container);
  if (running === undefined || running.imageId === "") return undefined;
  if (wanted.digest !== undefined) return digestOf(running.imageId) === wanted.digest;
  return parseImage(running.image)?.tag === wanted.tag;
}

/** imageID is `repository@sha256:…`; some runtimes write the digest alone, or with a scheme in front. */
function digestOf(imageId: string): string | undefined {
  return /(?:^|@|:\/\/)(sha256:[0-9a-f]{64})$/.exec(imageId)?.[1];
}
