// What people approve, and take back: a revert in the middle, more targets than were approved, a level that was tampered with, an entry of another
// baseline, an expedite that is over, a refusal, a ring that goes back to older images, and a newer level on the heels of one that is under way.
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { QUICKSTART_IMAGES } from "../../../controller/sandbox/fleet/quickstart.ts";
import { at, listAt, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Scene } from "../scene.ts";
import {
  approve,
  commit,
  deed,
  edit,
  file,
  FLATCAR,
  fleet,
  IMAGES,
  isAt,
  isClaimed,
  isPast,
  isSoaked,
  levelIn,
  ring,
  RING,
  rings,
  until,
} from "./parts.ts";

const { nginx } = QUICKSTART_IMAGES;

/** No ring gets claims beyond what its entry covers at that moment. */
function keepsScope(history: readonly StoredVersion[]): readonly string[] {
  const lines: string[] = [];
  let most = Number.POSITIVE_INFINITY;
  const members = new Set<string>();
  const seen = new Set<string>();
  for (const { resource, object } of history) {
    if (resource === "rolloutrings.ringward.dev" && object.metadata.name === "scoped")
      most = Number(at(listAt(object.spec, "levels")[0], "maxTargets") ?? Number.POSITIVE_INFINITY);
    if (resource === "nodes" && object.metadata.labels?.[RING] === "scoped") members.add(object.metadata.name);
    if (resource !== "disruptionledgers.ringward.dev") continue;
    for (const claim of listAt(object, "status", "claims")) {
      const id = textAt(claim, "id") ?? "";
      if (seen.has(id) || textAt(claim, "ring") !== "scoped") continue;
      seen.add(id);
      if (members.size > most)
        lines.push(`A2 nodes/${textAt(claim, "name") ?? ""}: claimed with ${members.size} in scope, ${most} approved`);
    }
  }
  return lines;
}

const BY_HAND = "  promotion: PullRequest\n";

export const APPROVALS: Scene = {
  isRough: true,
  promises: [keepsScope],
  scenario: until(25, {
    fleet: () =>
      fleet(
        [
          { name: "n-first", ring: "first" },
          { name: "n-reverted", ring: "reverted" },
          { name: "n-after", ring: "after-reverted" },
          { name: "n-scoped", ring: "scoped" },
          { name: "n-forged", ring: "forged" },
          { name: "n-wrong", ring: "wrong" },
          { name: "n-late", ring: "expedited" },
          { name: "n-slow", ring: "slow" },
          { name: "n-refused", ring: "refused" },
          ...["a", "b"].map((name) => ({ name: `n-scoped-${name}`, ring: "nowhere" })),
        ].map((node) => ({ ...node, zone: `zone-${node.name}` })),
        [
          { name: "web", ring: "front" },
          { name: "api", ring: "back" },
        ],
      ),
    policy: async () => ({
      ...(await FLATCAR()),
      "baselines/images.yaml": IMAGES,
      ...rings({
        first: ring("first"),
        reverted: ring("reverted", `  after: [first]\n${BY_HAND}`),
        "after-reverted": ring("after-reverted", "  after: [reverted]\n"),
        scoped: ring("scoped", `  after: [first]\n${BY_HAND}  budget: { nodes: 1 }\n`),
        forged: ring("forged", BY_HAND),
        wrong: ring("wrong", BY_HAND),
        slow: ring("slow", "  soak: 1h\n"),
        expedited: ring("expedited", `  after: [slow]\n${BY_HAND}`),
        refused: ring("refused", BY_HAND),
        front: ring("front", "  soak: 3m\n", ["images"]),
        back: ring("back", `  after: [front]\n${BY_HAND}`, ["images"]),
      }),
    }),
    answer: () => Promise.resolve(),
    deeds: [
      deed(
        "people approve by hand what the first ring has soaked",
        (stage) => isSoaked(stage, "first"),
        (stage) => {
          const level = levelIn(stage, "first") ?? "";
          approve(stage, "reverted", `      level: ${level}\n      maxTargets: 5\n`);
          approve(stage, "scoped", `      level: ${level}\n      maxTargets: 2\n`);
          // What its content says is not what its name says.
          const path = `levels/${level}.yaml`;
          const forged = level.replace(/[0-9a-f]{12}$/, "0123456789ab");
          commit(stage, {
            [`levels/${forged}.yaml`]: file(stage, path).replaceAll(level, forged).replaceAll("3975.2.2", "3975.2.1"),
          });
          approve(stage, "forged", `      level: ${forged}\n`);
          const images = levelIn(stage, "front") ?? "";
          approve(stage, "wrong", `      level: ${images}\n`);
          approve(
            stage,
            "expedited",
            `      level: ${level}\n      expedite: { reason: a hole, until: 2024-12-16T06:00:00Z, skip: [Soak] }\n`,
          );
        },
      ),
      deed(
        "two more nodes join than were approved",
        (stage) => isClaimed(stage, "n-scoped"),
        async (stage) => {
          for (const name of ["n-scoped-a", "n-scoped-b"]) await edit(stage, name, { labels: { [RING]: "scoped" } });
        },
      ),
      deed(
        "people take an approval back while its node is cordoned",
        (stage) => isAt(stage, "n-reverted", "Cordoned"),
        (stage) => approve(stage, "reverted", ""),
      ),
      deed(
        "people refuse a proposal",
        (stage) => stage.house?.forge.people.pulls().some(({ head }) => head.startsWith("ringward/refused/")) === true,
        (stage) => {
          const people = stage.house?.forge.people;
          const pull = people?.pulls().find(({ head }) => head.startsWith("ringward/refused/"));
          if (pull !== undefined) people?.close(pull.number, "ana");
        },
      ),
      deed(
        "a newer image is wanted while the last one soaks",
        (stage) => isPast(stage, "07:02:00"),
        (stage) => commit(stage, { "baselines/images.yaml": IMAGES.replace(nginx.current, "1.27.2") }),
      ),
    ],
  }),
};
