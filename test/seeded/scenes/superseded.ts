// An entry that moves on to a newer level while a workload is about to get the older one.
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { QUICKSTART_IMAGES } from "../../../controller/sandbox/fleet/quickstart.ts";
import { at, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { approve, commit, deed, fleet, IMAGES, isSoaked, look, ring, rings, until } from "./parts.ts";

const { nginx } = QUICKSTART_IMAGES;
const NEWER = "1.27.2";

/** Levels in Git, the oldest first. */
function levels(stage: Stage): readonly string[] {
  const people = stage.house?.remote.people;
  const head = people?.head("main");
  const paths = people === undefined || head === undefined ? [] : [...people.commit(head).tree.keys()];
  return paths.flatMap((path) => /^levels\/(images-.*)\.yaml$/.exec(path)?.[1] ?? []).sort();
}

/** What was approved for a moment, and not any more before anything was written, is not written. */
function keepsNewest(history: readonly StoredVersion[]): readonly string[] {
  return history.flatMap(({ key, object, user }) =>
    key === "deployments.apps/shop/over" &&
    user.startsWith("ringward/") &&
    JSON.stringify(at(object, "spec", "template")).includes(`nginx:${nginx.current}`)
      ? ["superseded deployments/over: it got the level that was approved no more"]
      : [],
  );
}

export const SUPERSEDED: Scene = {
  promises: [keepsNewest],
  scenario: until(7, {
    fleet: () =>
      fleet(
        [{ name: "n-1", ring: "nobody" }],
        [
          { name: "first", ring: "newest" },
          { name: "over", ring: "over" },
          { name: "behind", ring: "behind" },
        ],
      ),
    policy: () =>
      Promise.resolve({
        "baselines/images.yaml": IMAGES,
        ...rings({
          newest: ring("newest", "  onSupersede: Restart\n", ["images"]),
          behind: ring("behind", "  after: [newest]\n  promotion: PullRequest\n", ["images"]),
          over: ring("over", "  promotion: PullRequest\n", ["images"]),
        }),
      }),
    answer: () => Promise.resolve(),
    deeds: [
      deed(
        "a newer image is wanted",
        (stage) => isSoaked(stage, "newest"),
        (stage) => commit(stage, { "baselines/images.yaml": IMAGES.replace(nginx.current, NEWER) }),
      ),
      deed(
        "people approve by hand the older of two levels",
        (stage) => levels(stage).length === 2,
        (stage) => {
          approve(stage, "over", `      level: ${levels(stage)[0] ?? ""}\n`);
          // Ahead of the ring before it, which has soaked the older one only.
          approve(stage, "behind", `      level: ${levels(stage)[1] ?? ""}\n`);
        },
      ),
      deed(
        "and the newer one while a workload is about to get the older",
        (stage) => {
          const state = look(stage, "workloadpatchstates.ringward.dev", "shop/deployment-over");
          return textAt(state, "status", "operation", "step") === "Claimed";
        },
        (stage) => approve(stage, "over", `      level: ${levels(stage)[1] ?? ""}\n`),
      ),
    ],
  }),
};
