// docs/invariants.md: what must hold at every moment, in DESIGN's words, and the tests that name each id. The links are read from the
// tests' titles and opening comments, so a row says "not yet" exactly as long as no test names it. Run this file to write the page.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXCLUDED, INVARIANTS } from "../../controller/sandbox/invariants/index.ts";
import { isMain } from "../tooling/is-main.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
export const INVARIANTS_PAGE = "docs/invariants.md";

interface Group {
  readonly title: string;
  readonly rows: readonly (readonly [id: string, says: string])[];
}

export const GROUPS: readonly Group[] = [
  {
    title: "Budget and nodes",
    rows: [
      [
        "B1",
        "Claimed, NotReady and unschedulable targets, each counted once, never lead to a claim beyond the ring's budget.",
      ],
      ["B2", "The limits of the cluster and of each zone hold across all rings."],
      [
        "B3",
        "No write to a node or workload, no eviction and no job without an earlier claim in the ledger for that UID. Inventory jobs are excepted.",
      ],
      [
        "B4",
        "No eviction unless the store shows the node unschedulable and marked by our claim. The node is read again just before each one; the API has no eviction on that condition, so a person's uncordon in between is seen with the next pod.",
      ],
      ["B5", "No update or reboot job before a live list of pods says that the cordoned node is drained."],
      ["B6", "Prior schedulability is written once, in the cordon itself, and restored exactly."],
      [
        "B7",
        "A person's uncordon is never undone: before `Updated` we back out, after it we verify and do not reboot. A cordon that is somebody else's stays.",
      ],
      ["B8", "A target is in at most one claim, whatever its labels do."],
      ["B9", "Claims, jobs, evictions and verification are bound to UIDs."],
      [
        "B10",
        "At most one reboot for each node UID, level digest and attempt, and only while the boot ID is the recorded one.",
      ],
      ["B11", "At most one job for each node UID, digest, step and attempt; attempts are counted in the store."],
      ["B12", "A node is handed back only after it was verified from the node itself, never from an exit code."],
      ["B13", "Lowering a budget, suspending or stopping in mid-flight starts nothing and abandons nothing."],
      [
        "B14",
        "A ring that halts on failures stops claims only; finishing, uncordoning and releasing go on. It outlives a restart.",
      ],
      ["B15", "The controller's own node is disrupted only after the claim is stored and leadership is handed over."],
      [
        "B17",
        "A marked node bears the autoscalers' do-not-remove marks, written in the same patch; afterwards they are as they were, and a person's stay.",
      ],
      ["B16", "No node stays cordoned by us without a visible claim that says why."],
    ],
  },
  {
    title: "Rings and time",
    rows: [
      [
        "R1",
        "No claim in a ring before all its predecessors are complete at that digest and have soaked it, unless that entry's expedite skips the soak.",
      ],
      ["R2", "A target that was verified at a level and regressed resets the ring's soak."],
      [
        "R3",
        "A new digest starts in the first ring; no ring runs one that its predecessors have not soaked, unless that entry's expedite says so.",
      ],
      [
        "R4",
        "No claim, cordon, eviction or update starts outside a window or in a freeze, unless that entry's expedite skips it; what has passed `Updated` finishes.",
      ],
      ["R5", "An empty or deleted ring never counts as soaked unless `onEmpty: Pass` says so."],
      ["R6", "Same input, same plan, byte for byte, whatever the order of any list."],
    ],
  },
  {
    title: "Approvals",
    rows: [
      [
        "A1",
        "Only an entry on the tracked branch, as we fetched it, approves, and it approves exactly one level digest.",
      ],
      ["A2", "An approval covers the digest and `maxTargets` it names; anything else needs another."],
      ["A3", "An entry taken back before its ring starts is void; after it there are no new claims and a safe finish."],
      [
        "A4",
        "Ringward never approves by itself, except where the parent commit says `promotion: Automatic` for that ring.",
      ],
      ["A5", "At most one open pull request for each ring and digest; a retry after a lost reply finds it."],
      ["A6", "A withdrawn digest is not proposed again until a person asks; a level's name must match its content."],
      ["A7", "A webhook says when to look, never what is true."],
      ["A8", "With the forge down no gate opens by default and nothing passes one."],
    ],
  },
  {
    title: "Git",
    rows: [
      [
        "G1",
        "The commit in force moves by fast-forward only; else `HistoryRewritten`: no new claims until a person acknowledges.",
      ],
      [
        "G2",
        "With the repository down or unreadable, the last good snapshot serves what is in flight; after `maxStaleness` nothing new starts.",
      ],
      ["G3", "All files of a decision come from one commit."],
      ["G4", "Deleting a policy file never starts anything."],
      ["G5", "A file that fails to parse stops new claims in the rings that use it, and in no others."],
      ["G6", "A commit without the required signature never comes into force."],
    ],
  },
  {
    title: "Leadership and API",
    rows: [
      ["L1", "All of this holds with two leaders for ever."],
      ["L2", "A leader without a fresh Lease writes nothing."],
      [
        "L3",
        "Who is not the leader writes nothing: no status, no event, no pull request; it may ask the leader to look (a webhook).",
      ],
      ["K1", "Each mutation names the resourceVersion or UID that it was meant for."],
      ["K2", "Each write may be sent twice."],
      ["K3", "No decision before all caches are synced; absence is confirmed by a live read."],
      ["K4", "Nothing acts on an object older than our own last write to it."],
      ["K5", "A watch that died silently is found, and reconnecting backs off."],
      ["K6", "`Retry-After` is kept, writes stay under a rate, and there is no hot loop."],
      ["K7", "A converged cluster sees no write but the Lease and the inventory cycle."],
      ["K8", "Of a Node only our own fields are written."],
    ],
  },
  {
    title: "Status and liveness",
    rows: [
      [
        "S1",
        "`observedGeneration` and `observedCommit` are never ahead of what was processed; `Ready` implies that every target was verified.",
      ],
      ["S2", "Conditions are kstatus-exact; `lastTransitionTime` moves only on flips."],
      ["S3", "Status and messages are bounded at 5,000 nodes."],
      ["S4", "Every destructive act has its intent written before it and its result after it."],
      ["V1", "Once faults stop, the desired state is reached and kept."],
      [
        "V2",
        "No claim is stuck without a name: a vanished node, a PDB for ever, a job or node that never ends has a reason and a fate.",
      ],
      ["V3", "What is in flight is served before anything new is claimed."],
      ["V4", "One poisonous object cannot stop the others or crash the controller."],
      ["V5", "An upgrade or downgrade of the controller in mid-rollout keeps all of this."],
    ],
  },
  {
    title: "DESIGN's own sentences",
    rows: [
      [
        "D1",
        "Authority: where Git has a ring, Git rules. The copy in the cluster says what the commit in force says and is put back where it does not; a person's `suspend: true` is never put back.",
      ],
      [
        "D2",
        "Order: whatever is merged, a level waits for its predecessors' soak; `expedite` changes that for its entry, its level and its time only, and never skips budgets, PDBs, gates, skew or verification.",
      ],
      [
        "D3",
        "Trains: a ring is offered only a level that all its predecessors have soaked, and while an approved level is on its way nothing newer is begun, unless the ring says `Restart`.",
      ],
      [
        "D4",
        "Trains: where an entry comes to name another level, targets before `Updated` back out and nothing more starts at the one before.",
      ],
      [
        "D5",
        "Withdrawal: a level that was taken back gets no new claims there or in successors (A3), is not proposed again (A6), and its proposals close.",
      ],
      ["D6", "Scope: an approval covers the digest and the entry's `maxTargets`."],
      [
        "D7",
        "Completion: at least `minPercent` of the targets in scope are verified, none is in flight, and no more have failed than `maxFailures`.",
      ],
      [
        "D8",
        "Soak is a sum of observed healthy time: never more than the time that the level was complete, with one controller or two, and it counts only when it is served in full.",
      ],
      ["D9", "Back-out: until the update runs an operation has a way back; from then on it finishes."],
      [
        "D10",
        "The ledger can be lost: nothing is claimed until every claim that stands on an object is back in it, and it holds at most 500.",
      ],
      [
        "D11",
        "Not ours to touch: images are set only in rings with `mode: Patch`, never where somebody else applies the template, and not a second time where they were put back.",
      ],
      [
        "D12",
        "Membership: what is claimed is a member of exactly one ring; a control-plane node only where the selector names its role.",
      ],
      ["D13", "Observe first: while the ledger's mode is Observe or Stop nothing starts."],
    ],
  },
];

const KNOWN: ReadonlySet<string> = new Set(GROUPS.flatMap(({ rows }) => rows.map(([id]) => id)));

/** The ids that a test file names, in its opening comment or in titles. Other capital-digit words in the code are not ids. */
export function findIds(text: string): ReadonlySet<string> {
  const opening = /^(?:\/\/.*\n)*/.exec(text)?.[0] ?? "";
  const titles = [...text.matchAll(/\b(?:it|test|describe)(?:\.\w+(?:\([^)]*\))?)?\(\s*(["'`])(.*?)\1/g)];
  return new Set([opening, ...titles.map((title) => title[2] ?? "")].flatMap(idsIn));
}

/** `B3–B7` stands for all five. */
function idsIn(text: string): readonly string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(?<![\w.-])([A-Z])(\d{1,2})(?:[–-]\1(\d{1,2}))?(?![\w-]|\.\d)/g)) {
    const [, letter = "", from = "", to = from] = match;
    for (let number = Number(from); number <= Number(to); number++) found.push(`${letter}${number}`);
  }
  return found.filter((id) => KNOWN.has(id));
}

/** Test files by the ids that they name. */
function readTests(root: string): ReadonlyMap<string, readonly string[]> {
  const names = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => /(\.test|contract)\.ts$/.test(name))
    .map((name) => name.replaceAll("\\", "/"))
    .toSorted();
  const tests = new Map<string, string[]>([...KNOWN].map((id) => [id, []]));
  for (const name of names) {
    for (const id of findIds(readFileSync(join(root, "test", name), "utf8"))) tests.get(id)?.push(name);
  }
  return tests;
}

/** The whole page. */
export function invariantsPage(root = ROOT): string {
  const tests = readTests(root);
  const row = ([id, says]: readonly [string, string]): string => {
    const links = (tests.get(id) ?? []).map((name) => `[${name.replace(/(\.test)?\.ts$/, "")}](../test/${name})`);
    const history = INVARIANTS.has(id) ? "yes" : `no: ${EXCLUDED.get(id) ?? "nobody has said why"}`;
    return `| <a id="${id.toLowerCase()}"></a>${id} | ${says} | ${history} | ${links.length === 0 ? "not yet" : links.join(", ")} |\n`;
  };
  const groups = GROUPS.map(
    ({ title, rows }) =>
      `\n## ${title}\n\n| id | what holds | on histories | tests |\n|---|---|---|---|\n${rows.map(row).join("")}`,
  );
  return `<!-- Made from test/docs/invariants.ts and the tests' own titles. Do not edit. -->
# Invariants

What must hold in every state that the API server, the repository and the forge ever stored, whatever crashes, races, lies or is
lost.

- *On histories*: yes, where \`controller/sandbox/invariants/\` checks it on every stored version of objects, commits, pull requests and
  requests that a run left behind; else why no history can show it. The demo ends with that check, and so do the runs of the crash sweep. A
  suite that is judged by it also says which invariants it has to reach: one whose precondition never occurred is an error there.
- *Tests*: test files whose titles or opening lines name the id. A row that says "not yet" is held by no test that names it, and is not to
  be relied on.

[Seeded bugs](seeded-bugs.md) says which invariant finds which bug that was put in.
${groups.join("")}`;
}

if (isMain(import.meta.url)) writeFileSync(join(ROOT, INVARIANTS_PAGE), invariantsPage());
