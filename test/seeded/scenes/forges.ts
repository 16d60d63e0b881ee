// A tracked branch that takes no push: the pull request of an Automatic ring, which a person closes, or commits to.
import { QUICKSTART_IMAGES } from "../../../controller/sandbox/fleet/quickstart.ts";
import type { Deed } from "../../sweep/stage.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { commit, deed, fleet, IMAGES, isPast, ring, rings, until } from "./parts.ts";

const { nginx } = QUICKSTART_IMAGES;
const OWN = "ringward/_automatic/one";

const isAsked = (stage: Stage): boolean =>
  stage.house?.forge.people.pulls().some(({ head }) => head === OWN) === true && isPast(stage, "07:01:30");

const protectedScene = (deeds: readonly Deed[]): Scene => ({
  isRough: true,
  scenario: until(6, {
    fleet: () => fleet([{ name: "n-1", ring: "nobody" }], [{ name: "web", ring: "one" }]),
    policy: () => Promise.resolve({ "baselines/images.yaml": IMAGES, ...rings({ one: ring("one", "", ["images"]) }) }),
    house: { isProtected: true },
    answer: () => Promise.resolve(),
    prepare(stage) {
      stage.house?.forge.people.setRules({ protection: "1 approving review is required" });
      return Promise.resolve();
    },
    deeds,
  }),
});

/** A person closes it. */
export const OWN_REFUSED: Scene = protectedScene([
  deed("a person closes our pull request", isAsked, (stage) => {
    const people = stage.house?.forge.people;
    const pull = people?.pulls().find(({ head }) => head === OWN);
    if (pull !== undefined) people?.close(pull.number, "ana");
  }),
]);

/** A person commits to its branch, and then something newer is wanted. */
export const OWN_TOUCHED: Scene = protectedScene([
  deed("a person commits to our branch", isAsked, (stage) => {
    const time = stage.clock.now();
    stage.house?.remote.people.commitFiles(OWN, { "README.md": "mine" }, { message: "mine", time });
  }),
  deed(
    "something newer is wanted",
    (stage) => isPast(stage, "07:03:00"),
    (stage) => commit(stage, { "baselines/images.yaml": IMAGES.replace(nginx.current, "1.27.2") }),
  ),
]);
