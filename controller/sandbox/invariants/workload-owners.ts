// Workloads that are not ours to touch (D11): read-only rings, templates that somebody else applies, and images that somebody put back.
import type { Invariant, Report } from "./invariant.ts";
import { readWorkload } from "./readings.ts";
import type { Act, Step, World } from "./world.ts";
import { isSettled } from "./world.ts";

/** Labels and annotations by which Argo CD, Flux and Helm say that a workload is theirs. */
const OWNERS: readonly (readonly [tool: string, keys: readonly string[]])[] = [
  ["Argo CD", ["argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"]],
  ["Flux", ["kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"]],
  ["Helm", ["meta.helm.sh/release-name"]],
];

function ownerOf({ version }: Step): string | undefined {
  const { labels = {}, annotations = {}, ownerReferences = [] } = (version.previous ?? version.object).metadata;
  const controller = ownerReferences.find((owner) => owner.controller === true);
  if (controller !== undefined) return `${controller.kind} ${controller.name}`;
  return OWNERS.find(([, keys]) =>
    keys.some((key) => labels[key] !== undefined || annotations[key] !== undefined),
  )?.[0];
}

interface Written {
  readonly digest: string;
  readonly images: string;
  /** Somebody else set other images after that. */
  readonly undone: boolean;
}

const check: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { version, byController, acts } = step;
  const uid = version.object.metadata.uid ?? "";
  const images = world.workloads.get(uid)?.images;
  const known = (report.memo.get(uid) as readonly Written[] | undefined) ?? [];
  const before = version.previous === undefined ? undefined : readWorkload(version.previous).images;
  // What somebody else set, and not what they saw that we had set: under another level we set other images ourselves.
  const isSet = !byController && images !== undefined && images !== before;
  if (isSet && known.some((one) => !one.undone && one.images !== images))
    report.memo.set(
      uid,
      known.map((one) => (one.images === images ? one : { ...one, undone: true })),
    );
  for (const act of acts) {
    if (act.kind !== "Images") continue;
    const claim = world.claims.get(act.claimId ?? "");
    if (claim === undefined || images === undefined) continue;
    report.met();
    judge(act, claim.ring, step, world, report);
    const forward = world.operations.get(uid)?.step === "Patching";
    if (!forward) continue;
    if (known.some((one) => one.undone && one.digest === claim.digest && one.images === images))
      report.violated(`workloads/${act.target}`, `the images of ${claim.level} were put back and are written again`);
    const others = known.filter((one) => one.digest !== claim.digest);
    report.memo.set(uid, [...others, { digest: claim.digest, images, undone: false } satisfies Written]);
  }
};

function judge(act: Act, ringName: string, step: Step, world: World, report: Report): void {
  const ring = world.rings.get(ringName);
  const mode = ring?.spec.members.workloads?.mode ?? "Observe";
  if (ring !== undefined && mode !== "Patch" && isSettled(world, ring.membersSince))
    report.violated(`workloads/${act.target}`, `images were set, and ring ${ringName} only observes workloads`);
  const owner = ownerOf(step);
  if (owner !== undefined) report.violated(`workloads/${act.target}`, `images were set, and ${owner} applies them`);
}

export const workloadOwners: readonly Invariant[] = [
  {
    id: "D11",
    says: "images are set only in rings that patch, of workloads that nobody else applies, and not again where they were put back",
    on: ["deployments.apps", "statefulsets.apps", "daemonsets.apps"],
    check,
  },
];
