// What people write into entries by hand, where the rings before have not earned it, or not any more: rings behind an empty one, behind one that
// failed, behind one that halted after its soak, on a cycle, and behind one whose approval was taken back.
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import {
  approve,
  commit,
  deed,
  edit,
  file,
  FLATCAR,
  fleet,
  isAt,
  isPast,
  isSoaked,
  levelIn,
  ring,
  RING,
  rings,
  until,
} from "./parts.ts";

const BY_HAND = "  promotion: PullRequest\n";
/** Opens when everything before has happened. */
const WAITS = `${BY_HAND}  calendarRefs: [{ name: later }]\n`;

const LATER = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: later }
spec:
  windows: [{ schedule: "6 7 * * *", duration: 10h }]
`;

const RINGS: Readonly<Record<string, string>> = {
  first: "",
  // Nothing is in it, and it does not say that this may pass.
  empty: "  completion: { onEmpty: Block }\n",
  "after-empty": `  after: [empty]\n${BY_HAND}`,
  // A ring of nobody that passes stands for those before it.
  bad: "",
  hollow: "  after: [bad]\n",
  "after-hollow": `  after: [hollow]\n${BY_HAND}`,
  "cycle-a": `  after: [cycle-b]\n${BY_HAND}`,
  "cycle-b": `  after: [cycle-a]\n${BY_HAND}`,
  // By name it is looked at before the ring that it comes after.
  "a-after": `  after: [joined]\n${WAITS}`,
  joined: "",
  origin: "",
  soon: `  after: [origin]\n${BY_HAND}`,
  late: `  after: [origin]\n${WAITS}`,
  slow: "  soak: 1h\n",
  "both-before": "  after: [first, slow]\n",
  raised: "  budget: { nodes: 0 }\n",
};

const FOR_NOW = "      expedite: { reason: a hole, until: 2024-12-16T09:00:00Z, skip: [Soak] }\n";
const HAND: readonly string[] = ["after-empty", "after-hollow", "cycle-a", "cycle-b", "a-after", "soon", "late"];
const MEMBERS = Object.keys(RINGS).filter((name) => !["empty", "hollow"].includes(name));

const changeRing = (stage: Stage, name: string, from: string, to: string): void =>
  commit(stage, { [`rings/${name}.yaml`]: file(stage, `rings/${name}.yaml`).replace(from, to) });

export const BY_HAND_SCENE: Scene = {
  isRough: true,
  scenario: until(9, {
    fleet: () =>
      fleet(
        [
          ...MEMBERS.map((name) => ({ name: `n-${name}`, ring: name })),
          { name: "n-joined-2", ring: "nowhere" },
          { name: "n-origin-2", ring: "nowhere" },
        ].map((node) => ({ ...node, zone: `zone-${node.name}` })),
      ),
    policy: async () => ({
      ...(await FLATCAR()),
      "calendars/later.yaml": LATER,
      ...rings(Object.fromEntries(Object.entries(RINGS).map(([name, spec]) => [name, ring(name, spec)]))),
    }),
    // Nobody merges anything.
    answer: () => Promise.resolve(),
    prepare(stage) {
      for (const name of ["n-bad", "n-joined-2"]) stage.cluster.machines.failUpdate(name);
      return Promise.resolve();
    },
    // A fetch with every pass.
    repository: { interval: "1s" },
    deeds: [
      deed(
        "people approve by hand what the first rings have soaked",
        (stage) => ["first", "origin", "joined"].every((name) => isSoaked(stage, name)),
        (stage) => {
          for (const name of HAND)
            approve(
              stage,
              name,
              `      level: ${levelIn(stage, "first") ?? ""}\n${name.startsWith("cycle") ? FOR_NOW : ""}`,
            );
        },
      ),
      deed(
        "a node joins a ring that has soaked, and fails there",
        (stage) => isSoaked(stage, "joined"),
        (stage) => edit(stage, "n-joined-2", { labels: { [RING]: "joined" } }),
      ),
      deed(
        "people take back the approval of a ring while the next one is under way",
        (stage) => isAt(stage, "n-soon", "Cordoned"),
        (stage) => approve(stage, "origin", ""),
      ),
      deed(
        "a node joins a ring whose approval was taken back",
        (stage) => isPast(stage, "07:05:00"),
        (stage) => edit(stage, "n-origin-2", { labels: { [RING]: "origin" } }),
      ),
      deed(
        "people approve it there again",
        (stage) => isPast(stage, "07:07:00"),
        (stage) => approve(stage, "origin", `      level: ${levelIn(stage, "first") ?? ""}\n`),
      ),
      deed(
        "people give a ring its budget, and suspend it in the same commit",
        (stage) => isPast(stage, "07:02:00") && levelIn(stage, "raised") !== undefined,
        (stage) => changeRing(stage, "raised", "budget: { nodes: 0 }", "suspend: true\n  budget: { nodes: 1 }"),
      ),
    ],
  }),
};
