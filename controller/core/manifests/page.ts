// The page of a manifest proposal: what changes, why, what it leads to, and how to say no. Pure and without a clock: the same proposal
// gives the same page. All foreign text is escaped.
import { createHash } from "node:crypto";
import type { RingInForce } from "../model.ts";
import { type Escape, writeMarker } from "../promotion/index.ts";
import type { ManifestPlace } from "./places.ts";

/** One value that changes. */
export interface ChangedValue {
  readonly file: string;
  readonly place: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** What rendering before and after showed: lines for people, or why there are none. */
export type Rendering =
  | {
      readonly kind: "Rendered";
      readonly images: readonly string[];
      /** What differs each time it is rendered, whatever changes. */
      readonly unstable: readonly string[];
    }
  | { readonly kind: "NotRendered"; readonly why: string };

export interface ManifestPage {
  readonly place: ManifestPlace;
  readonly ring: RingInForce;
  readonly cluster: string;
  readonly edits: readonly ChangedValue[];
  readonly rendering: Rendering;
  readonly escape: Escape;
}

export interface RenderedManifestPage {
  readonly title: string;
  readonly body: string;
  /** Hash of all that it says. */
  readonly evidence: string;
}

/** Rows in a list; the rest is counted. */
const MOST_ROWS = 50;

export function renderManifestPage(page: ManifestPage): RenderedManifestPage {
  const { place, escape, cluster } = page;
  const { code } = escape;
  const body = [
    `Ring ${code(place.ring)} of cluster ${code(cluster)} is approved to run ${code(place.level.name)}${approvalOf(page)}. The manifests here still say otherwise, and somebody else applies them: merging this is the change.`,
    "",
    "### What changes",
    "",
    "| file | where | from | to |",
    "|---|---|---|---|",
    ...bounded(
      page.edits.map(
        ({ file, place: where, from, to }) =>
          `| ${[file, where, from ?? "none", to ?? "none"].map((one) => code(one)).join(" | ")} |`,
      ),
    ),
    "",
    ...describeRendering(page),
    "",
    "### Workloads that wait for it",
    "",
    ...bounded(
      place.workloads.map(({ asset, blockedBy }) => {
        const why = blockedBy.find(({ reason }) => reason === "ManagedElsewhere")?.message ?? "";
        return `- ${code(`${asset.kind} ${asset.namespace ?? ""}/${asset.name}`)}: ${escape.text(why)}`;
      }),
    ),
    "",
    "### To say no",
    "",
    "Close this without merging: it is not proposed again for this level and these manifests, until somebody labels it `ringward/propose-again`, comments `/ringward propose`, or reopens it. It closes by itself when the approval is taken back, another level takes its place, or no workload lacks it any more. Commits of yours on the branch are left alone.",
  ].join("\n");
  const evidence = createHash("sha256").update(body).digest("hex").slice(0, 24);
  const marker = writeMarker({
    cluster,
    ring: place.ring,
    baseline: place.baseline,
    level: place.level.name,
    digest: place.level.digest,
    evidence,
  });
  const images = place.images.map(({ repository, tag, digest }) => {
    const name = repository.slice(repository.lastIndexOf("/") + 1);
    return `${name} ${tag ?? digest?.slice(0, 19) ?? ""}`;
  });
  const what = images.length > 3 ? `${images.length} images` : images.join(", ");
  return {
    title: `Ring ${place.ring}: ${what} in ${place.path === "" ? "/" : place.path}`,
    body: `${body}\n\n${marker}\n`,
    evidence,
  };
}

function approvalOf({ place, ring, escape }: ManifestPage): string {
  const approval = ring.status?.levels?.find(({ digest }) => digest === place.level.digest)?.approval;
  return approval === undefined
    ? ""
    : ` (pull request ${escape.code(`#${approval.pullRequest}`)} of the policy repository, merged by ${escape.text(approval.mergedBy)})`;
}

function describeRendering({ rendering, escape }: ManifestPage): readonly string[] {
  if (rendering.kind === "NotRendered")
    return [
      `Rendered difference: not rendered (${escape.text(rendering.why)}). Only the values above change in the files.`,
    ];
  return [
    "Rendered before and after, only images differ:",
    "",
    ...bounded(rendering.images.map((line) => `- ${escape.code(line)}`)),
    ...(rendering.unstable.length === 0
      ? []
      : [
          "",
          "These differ each time that they are rendered, with or without the change:",
          "",
          ...bounded(rendering.unstable.map((line) => `- ${escape.code(line)}`)),
        ]),
  ];
}

function bounded(rows: readonly string[]): readonly string[] {
  const more = rows.length - MOST_ROWS;
  return more <= 0 ? rows : [...rows.slice(0, MOST_ROWS), `- and ${more} more`];
}
