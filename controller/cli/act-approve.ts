// `ringward approve RING LEVEL`: only for rings that no repository holds, because each ring has one authority (A1). The level must be
// one that its baseline resolves to or that exists already, with a name that matches its content (A6).
import { INPUT_TIME, LEVEL_DIGEST, type PatchLevel } from "../api/patch-level.ts";
import type { RolloutRing } from "../api/rollout-ring.ts";
import { checkLevel } from "../core/levels/index.ts";
import type { LevelInForce } from "../core/model.ts";
import { resolveCandidates } from "../core/rollout/candidates.ts";
import { UserError } from "../errors.ts";
import type { Client, JsonPatchOperation } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import { PATCH_LEVELS, ROLLOUT_RINGS } from "../kube/resources.ts";
import { FROM_GIT, POLICY_LABEL } from "../reconcile/apply-policy.ts";
import { type Done, mustGet, patchTested, referTo, type Scene } from "./act-scene.ts";
import { viewCluster } from "./cluster-view.ts";
import { policyOf } from "./live-policy.ts";

type Ring = RolloutRing & KubeObject;

/** Sets the level in the ring's entry of the level's baseline. */
export async function approveLevel({ client, words, now }: Scene): Promise<Done> {
  const [ringName = "", levelName = ""] = words;
  const ring = await mustGet<Ring>(client, ROLLOUT_RINGS, { name: ringName }, "kubectl get rolloutrings lists them");
  refuseGit(ring, levelName);
  const baseline = await findLevel(client, levelName, now);
  const index = (ring.spec.levels ?? []).findIndex((entry) => entry.baseline === baseline);
  const before = ring.spec.levels?.[index]?.level;
  if (before === levelName)
    return { text: `ring ${ringName} is approved for ${levelName} already; nothing was written` };
  await patchTested(client, ROLLOUT_RINGS, ring, changeEntry(ring, index, baseline, levelName));
  const was = before === undefined ? "it had no level of it" : `it was ${before}`;
  return {
    text: `ring ${ringName} is approved for ${levelName} of ${baseline}; ${was}`,
    regarding: referTo(ring, ROLLOUT_RINGS),
  };
}

/** Merge is the approval of a ring that Git holds; what a person writes into its live object rules nothing and is put back. */
function refuseGit({ metadata, status }: Ring, level: string): void {
  const inGit = metadata.labels?.[POLICY_LABEL] === FROM_GIT || status?.observedCommit !== undefined;
  if (!inGit) return;
  throw new UserError(
    "RW0223",
    `ring ${metadata.name} is held by the policy repository, where only a merge approves`,
    `merge the pull request that proposes ${level}, or change the level in the ring's file`,
  );
}

/** The level's baseline; a level that only stands as its baseline's candidate is written down first, because an entry may name nothing else. */
async function findLevel(client: Client, name: string, now: number): Promise<string> {
  const found = await client.get<PatchLevel & KubeObject>(PATCH_LEVELS, { name });
  if (found !== undefined) {
    const mismatch = checkLevel(name, found.spec, found.metadata.annotations?.[LEVEL_DIGEST]);
    if (mismatch !== undefined) throw new UserError("RW0224", mismatch, "delete it; Ringward makes levels");
    return found.spec.baseline;
  }
  const view = await viewCluster(client, now);
  const candidates = [...resolveCandidates(policyOf(view), view.stored, now).levels.values()];
  const candidate = candidates.find((level) => level.name === name);
  if (candidate === undefined) {
    const known = candidates
      .map((level) => level.name)
      .sort()
      .join(", ");
    throw new UserError(
      "RW0221",
      `there is no PatchLevel ${name}`,
      known === "" ? "no baseline resolves to a level" : `baselines resolve to ${known}`,
    );
  }
  await client.create(PATCH_LEVELS, levelObject(candidate));
  return candidate.spec.baseline;
}

function levelObject({ name, spec, digest, inputTime }: LevelInForce): KubeObject {
  const annotations = { [INPUT_TIME]: new Date(inputTime).toISOString(), [LEVEL_DIGEST]: digest };
  return { metadata: { name, annotations }, spec };
}

/** Tests what was looked at, so that an entry which moved or changed is not hit. */
function changeEntry({ spec }: Ring, index: number, baseline: string, level: string): readonly JsonPatchOperation[] {
  const entry = spec.levels?.[index];
  if (entry !== undefined) {
    const path = `/spec/levels/${index}`;
    return [
      { op: "test", path, value: entry },
      { op: "add", path: `${path}/level`, value: level },
    ];
  }
  if (spec.levels === undefined) return [{ op: "add", path: "/spec/levels", value: [{ baseline, level }] }];
  return [
    { op: "test", path: "/spec/levels", value: spec.levels },
    { op: "add", path: "/spec/levels/-", value: { baseline, level } },
  ];
}
