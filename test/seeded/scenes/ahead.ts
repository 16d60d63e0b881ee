// Rings that are ahead of what those before them have earned, and a repository that takes pushes while nobody can fetch it.
import { QUICKSTART_IMAGES } from "../../../controller/sandbox/fleet/quickstart.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { approve, commit, deed, file, fleet, IMAGES, isPast, isSoaked, levelIn, ring, rings, until } from "./parts.ts";

const { nginx } = QUICKSTART_IMAGES;
const FOR_NOW = "      expedite: { reason: a hole, until: 2024-12-16T09:00:00Z, skip: [Soak] }\n";

const twoRings = (first: string): Readonly<Record<string, string>> =>
  rings({ one: ring("one", first, ["images"]), two: ring("two", "  after: [one]\n", ["images"]) });

const webs = [
  { name: "web-one", ring: "one" },
  { name: "web-two", ring: "two" },
];

/** What the rings had when the newer level came. */
const isNewerThere = (stage: Stage): boolean =>
  levelIn(stage, "one") !== levelIn(stage, "two") && isSoaked(stage, "two");

/** People expedite a level into the second ring while the first one still soaks it: the older one that it has soaked is no offer. */
export const AHEAD: Scene = {
  isRough: true,
  scenario: until(6, {
    fleet: () => fleet([{ name: "n-1", ring: "nobody" }], webs),
    policy: () => Promise.resolve({ "baselines/images.yaml": IMAGES, ...twoRings("  soak: 10s\n") }),
    repository: { interval: "1s" },
    deeds: [
      deed(
        "a newer level is wanted, which has to soak for long",
        (stage) => isSoaked(stage, "two"),
        (stage) =>
          commit(stage, {
            "baselines/images.yaml": IMAGES.replace(nginx.current, "1.27.2"),
            "rings/one.yaml": file(stage, "rings/one.yaml").replace("soak: 10s", "soak: 30m"),
          }),
      ),
      deed("people expedite it into the next ring", isNewerThere, (stage) =>
        approve(stage, "two", `      level: ${levelIn(stage, "one") ?? ""}\n${FOR_NOW}`),
      ),
    ],
  }),
};

/** Nobody can fetch for half an hour, and pushes arrive. What soaks meanwhile is not promoted on what was read long ago. */
export const GIT_UNREAD: Scene = {
  isRough: true,
  livesOn: true,
  isGitDown: (stage) => isPast(stage, "07:03:00"),
  scenario: until(30, {
    fleet: () => fleet([{ name: "n-1", ring: "nobody" }], webs),
    policy: () => Promise.resolve({ "baselines/images.yaml": IMAGES, ...twoRings("  soak: 20m\n") }),
    repository: { maxStaleness: "10m" },
  }),
};
