// Which manifest proposals there should be: what an approval leads to, what holds it back, and when one closes.
import { describe, expect, it } from "vitest";
import type { ImageManifests } from "../../../controller/api/patch-baseline.ts";
import type { ManifestRejection } from "../../../controller/api/rollout-ring.ts";
import type { Reason } from "../../../controller/api/reasons.ts";
import {
  type KnownManifestProposal,
  manifestBranch,
  parseManifestBranch,
  planManifests,
  readManifestProposal,
  recordManifestRefusals,
} from "../../../controller/core/manifests/index.ts";
import type { AssetRow, Digest, LevelInForce, PolicyInForce, State } from "../../../controller/core/model.ts";
import { parseProposalBranch, writeMarker } from "../../../controller/core/promotion/index.ts";
import type { Plan } from "../../../controller/core/rollout/plan.ts";

const WEB = "registry.example.com/web";
const digest = (char: string): Digest => char.repeat(64) as Digest;
const PLACE: ImageManifests = { ring: "prod", repository: "apps", path: "./shop/", kind: "PlainYaml" };

interface World {
  readonly places?: readonly ImageManifests[];
  readonly state?: State;
  readonly blocks?: readonly Reason[];
  readonly level?: Digest;
  readonly offTarget?: boolean;
  readonly known?: readonly Partial<KnownManifestProposal>[] | "silent";
  readonly policy?: Partial<PolicyInForce>;
  readonly maxOpen?: number;
  /** What the ring's status remembers. */
  readonly stored?: readonly ManifestRejection[];
}

function levelAt(of: Digest): LevelInForce {
  const image = { images: [{ repository: WEB, tag: "2" }] };
  return {
    name: `images-${of[0]}`,
    digest: of,
    inputTime: 0,
    spec: { baseline: "images", target: "Image", disruption: "Restart", image },
  };
}

function worldOf(world: World = {}) {
  const level = levelAt(world.level ?? digest("a"));
  const row: AssetRow = {
    asset: { kind: "Deployment", namespace: "shop", name: "web", uid: "1" },
    baseline: "images",
    level: level.name,
    digest: level.digest,
    approved: true,
    state: world.state ?? "Missing",
    components: [{ name: `image:${WEB}`, running: "1", desired: "2", scheme: "tag", state: world.state ?? "Missing" }],
    offTarget: world.offTarget ?? false,
    ring: "prod",
    phase: "Blocked",
    blockedBy: (world.blocks ?? ["ManagedElsewhere"]).map((reason) => ({ reason, message: `because ${reason}` })),
  };
  const ring = { name: "prod", spec: {}, status: { manifestRejections: world.stored }, brakes: [] };
  const approvals = new Map([["images", { level, entry: { baseline: "images" } }]]);
  const rings = [{ ring, entries: { approvals, problems: new Map(), listed: new Set(["images"]) } }];
  const image = { repository: WEB, tag: "2", manifests: world.places ?? [PLACE] };
  const baseline = { name: "images", spec: { target: "Image", image: { images: [image] } } };
  const policy = { baselines: [baseline], rings: [ring], brakes: [], proposer: true, ...world.policy };
  const known = (world.known === "silent" ? [] : (world.known ?? [])).map((one, index) => ({
    number: index + 1,
    branch: BRANCH,
    state: "open" as const,
    ...parseManifestBranch(one.branch ?? BRANCH)!,
    withdrawn: false,
    ...one,
  }));
  return {
    plan: { rows: [row], rings } as unknown as Plan,
    policy: policy as unknown as PolicyInForce,
    known: new Map(world.known === "silent" ? [] : [["apps", known]]),
  };
}

function decide(world: World = {}) {
  const { plan, policy, known } = worldOf(world);
  return planManifests(plan, {
    policy,
    known,
    repositories: new Set(["apps"]),
    settings: world.maxOpen === undefined ? undefined : { maxOpen: world.maxOpen },
    now: 0,
  });
}

function refusalsOf(world: World): readonly ManifestRejection[] | undefined {
  const { plan, policy, known } = worldOf(world);
  return recordManifestRefusals(plan, policy, known).get("prod");
}

const BRANCH = manifestBranch("prod", "images", digest("a"), "shop");
const reasonsOf = (world: World): readonly string[] => decide(world).waiting.map(({ block }) => block.reason);

describe("an approved image level that a workload of somebody else's lacks", () => {
  it("is proposed in the place that the baseline names for its ring", () => {
    const { proposals, closing, waiting } = decide();

    expect(proposals).toMatchObject([{ repository: "apps", path: "shop", branch: BRANCH, open: undefined }]);
    expect([...closing, ...waiting]).toEqual([]);
  });

  it.each(["OutsideWindow", "Observing", "RingObserves", "LimitReached"] as const)(
    "is proposed all the same: %s",
    (reason) => {
      expect(decide({ blocks: ["ManagedElsewhere", reason] }).proposals).toHaveLength(1);
    },
  );

  it.each([
    "PredecessorNotSoaked",
    "Frozen",
    "LevelWithdrawn",
    "GateUnknown",
    "RingSuspended",
    "ScopeGrew",
    "RepositoryStale",
    "Stopped",
  ] as const)("waits, and keeps what is open: %s", (reason) => {
    const held = { blocks: ["ManagedElsewhere", reason] as const };

    expect(decide(held).proposals).toEqual([]);
    expect(reasonsOf(held)).toEqual([reason]);
    expect(decide({ ...held, known: [{}] }).closing).toEqual([]);
  });

  it("is not proposed for another ring's manifests, by another cluster, or for workloads that Ringward patches itself", () => {
    expect(decide({ places: [{ ...PLACE, ring: "canary" }] }).proposals).toEqual([]);
    expect(decide({ policy: { proposer: false } }).proposals).toEqual([]);
    expect(decide({ blocks: ["OutsideWindow"] }).proposals).toEqual([]);
  });

  it("goes back too: images are exact", () => {
    expect(decide({ state: "InstalledOther", offTarget: true }).proposals).toHaveLength(1);
    expect(decide({ state: "Installed" }).proposals).toEqual([]);
  });

  it("waits for a repository that nobody lists, and for a forge that does not answer", () => {
    expect(reasonsOf({ places: [{ ...PLACE, repository: "gone" }] })).toEqual(["ReferenceMissing"]);
    expect(reasonsOf({ known: "silent" })).toEqual(["ForgeUnavailable"]);
  });

  it("is held to the limit on open pull requests", () => {
    const other = { branch: manifestBranch("prod", "images", digest("a"), "elsewhere") };
    const brakes = [{ reason: "RepositoryStale" as const, message: "" }];

    expect(reasonsOf({ maxOpen: 1, known: [other], policy: { brakes } })).toEqual(["ProposalLimit"]);
    expect(reasonsOf({ maxOpen: 1, known: [{}] })).toEqual([]);
  });
});

describe("a manifest proposal", () => {
  it("that a person closed is not repeated, until the level changes or somebody asks", () => {
    const closed = { state: "closed" } as const;
    const people = {
      merged: undefined,
      mergedByUs: false,
      closed: undefined,
      approvedBy: [],
      why: undefined,
      askedAgain: true,
    };

    expect(reasonsOf({ known: [closed] })).toEqual(["ProposalRejected"]);
    expect(decide({ known: [closed], level: digest("b") }).proposals).toHaveLength(1);
    expect(decide({ known: [{ ...closed, people }] }).proposals).toHaveLength(1);
    expect(decide({ known: [{ ...closed, withdrawn: true }] }).proposals).toHaveLength(1);
  });

  it("that was refused is remembered with who, when and why, and as long as the refusal holds", () => {
    const people = {
      merged: undefined,
      mergedByUs: false,
      closed: { by: "bob", time: "2026-01-05T08:00:00Z" },
      approvedBy: [],
      why: "not this week",
      askedAgain: false,
    };
    const closed = { number: 7, state: "closed", people } as const;
    const [rejection, ...others] = refusalsOf({ known: [closed] }) ?? [];

    expect(others).toEqual([]);
    expect(rejection).toEqual({
      baseline: "images",
      level: "images-a",
      digest: digest("a"),
      repository: "apps",
      path: "shop",
      pullRequest: 7,
      by: "bob",
      time: "2026-01-05T08:00:00Z",
      why: "not this week",
    });
    const stored = [rejection!];
    // Not needed now, but not taken back either.
    expect(refusalsOf({ known: [closed], state: "Installed" })).toEqual(stored);
    expect(refusalsOf({ stored, known: "silent" })).toEqual(stored);
    expect(reasonsOf({ stored, known: "silent" })).toEqual(["ForgeUnavailable"]);
    // The forge has forgotten it.
    expect(refusalsOf({ stored })).toEqual(stored);
    expect(reasonsOf({ stored })).toEqual(["ProposalRejected"]);
    expect(decide({ stored }).waiting[0]?.block.message).toContain("closed without merging by bob (not this week)");

    const asked = { ...closed, people: { ...people, askedAgain: true } };
    for (const ended of [
      { known: [asked] },
      { known: [{ ...closed, state: "open" as const }] },
      { known: [{ ...closed, withdrawn: true }] },
      { level: digest("b") },
      { places: [{ ...PLACE, path: "elsewhere" }] },
      { places: [{ ...PLACE, ring: "canary" }] },
    ])
      expect(refusalsOf({ stored, ...ended })).toEqual([]);
  });

  it("that was merged waits for whoever applies it", () => {
    expect(reasonsOf({ known: [{ state: "merged" }] })).toEqual(["ManagedElsewhere"]);
  });

  it.each([
    ["another level is approved", { level: digest("b") }, "Superseded"],
    ["no workload lacks it any more", { state: "Installed" }, "Compliant"],
    ["the baseline names other manifests", { places: [{ ...PLACE, path: "other" }] }, "ReferenceMissing"],
    ["the baseline is gone", { policy: { baselines: [] } }, "ReferenceMissing"],
  ] as const)("closes when %s", (_, world, reason) => {
    expect(decide({ ...world, known: [{}] }).closing.map((one) => one.reason)).toEqual([reason]);
  });

  it("stays when policy cannot be trusted to say so", () => {
    const brakes = [{ reason: "HistoryRewritten" as const, message: "" }];

    expect(decide({ policy: { baselines: [], brakes }, known: [{}] }).closing).toEqual([]);
  });

  it("has a branch of its own, which no promotion's is", () => {
    expect(parseManifestBranch(BRANCH)).toMatchObject({ ring: "prod", baseline: "images", digest: "a".repeat(12) });
    expect(parseProposalBranch(BRANCH)).toBeUndefined();
    expect(parseManifestBranch("ringward/prod/images/aaaaaaaaaaaa")).toBeUndefined();
    const pull = { number: 3, state: "closed" as const, head: BRANCH, body: writeMarker({ closed: "Superseded" }) };
    expect(readManifestProposal(pull)).toMatchObject({ number: 3, withdrawn: true });
  });
});
