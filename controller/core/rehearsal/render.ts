// A rehearsal as Markdown, for the comment on a policy's pull request and for the command line. Pure: the same rehearsal gives the same
// bytes. Every foreign string goes through the caller's escape functions; what is too long is shortened by rank, never cut in the middle.
import { LONGEST_BODY, fit } from "../promotion/evidence.ts";
import { atMost, type Escape, NOTHING, type Section, showTime, table } from "../promotion/evidence-form.ts";
import type { Offered, Rehearsal, RingEffect } from "./rehearse.ts";
import type { Hold, Stage, Stop } from "./world.ts";

/** One line of `validate`. */
export interface ValidationLine {
  readonly severity: "error" | "warning";
  /** `rings/prod.yaml:14:5`. */
  readonly place: string;
  readonly message: string;
  /** Base does not have it. */
  readonly isNew: boolean;
}

export interface RenderInput {
  readonly rehearsal: Rehearsal;
  readonly findings: readonly ValidationLine[];
  /** What a reader should know of the input: what could not be read, what was assumed. */
  readonly notes: readonly string[];
  readonly escape: Escape;
}

interface Part {
  readonly rank: number;
  readonly describe: (input: RenderInput) => Section;
}

/** In the order of the text; what is shortened first has the lowest rank. */
const parts: readonly Part[] = [
  { rank: 10, describe: describeVerdict },
  { rank: 9, describe: describeFindings },
  { rank: 4, describe: describeObjects },
  { rank: 6, describe: describeRings },
  { rank: 3, describe: describeMoves },
  { rank: 5, describe: describeTimeline },
  { rank: 2, describe: describeHolds },
  { rank: 7, describe: describeStops },
  { rank: 1, describe: describeDisruption },
  { rank: 8, describe: describeWayBack },
];

/** The text, at most `limit` UTF-16 code units. */
export function renderRehearsal(input: RenderInput, limit = LONGEST_BODY): string {
  const footer = writeFooter(input);
  const sections = parts.map(({ rank, describe }) => ({ rank, section: describe(input) }));
  return `${fit(sections, limit - footer.length - 1)}${footer}`;
}

// ------------------------------------------------------------------------------------------------------- verdict

function describeVerdict(input: RenderInput): Section {
  const { rehearsal, escape } = input;
  const { head, base, fleet } = rehearsal;
  const more = (now: number, then: number): string => (now === then ? `${now}` : `${now} (${then} without it)`);
  const work =
    head.nodes + head.workloads + base.nodes + base.workloads === 0
      ? "No target is updated, with it or without it."
      : `Updated in the end: ${more(head.nodes, base.nodes)} of ${fleet.nodes} nodes, with ${more(head.drained, base.drained)} drains and ${more(head.rebooted, base.rebooted)} reboots; ${more(head.workloads, base.workloads)} of ${fleet.workloads} workloads.`;
  return section([
    `### ${judge(input)}`,
    "",
    rehearsal.same
      ? `Head says what base says, for cluster ${escape.code(rehearsal.cluster)} as of ${showTime(rehearsal.at)}.`
      : `Rehearsed on cluster ${escape.code(rehearsal.cluster)} as of ${showTime(rehearsal.at)}. ${work}`,
  ]);
}

function judge({ rehearsal, findings }: RenderInput): string {
  const errors = findings.filter(({ severity }) => severity === "error");
  const closed = rehearsal.rings.filter(({ closed: blocks }) => blocks.length > 0);
  const shut = closed.length === 0 ? "" : `: merging it closes ${count(closed.length, "ring")}`;
  if (errors.length > 0) return `🔴 ${count(errors.length, "error")} in the policy${shut}`;
  if (rehearsal.same) return "⚪ Merging this changes nothing";
  if (closed.length > 0) return `🔴 Merging this closes ${count(closed.length, "ring")}`;
  if (rehearsal.newStops.length > 0)
    return `🟡 Merging this works, and stands still at ${count(rehearsal.newStops.length, "place")} where it did not before`;
  if (rehearsal.rings.length > 0)
    return `🟢 Merging this changes ${count(rehearsal.rings.length, "ring")}, and stands still nowhere new`;
  return sameStages(rehearsal)
    ? "🟢 Merging this moves no target of this cluster otherwise than without it"
    : "🟢 Merging this changes when targets are updated, and not which";
}

function sameStages({ head, base }: Rehearsal): boolean {
  return JSON.stringify(head.stages) === JSON.stringify(base.stages);
}

// ------------------------------------------------------------------------------------------------------ findings

function describeFindings({ findings, escape }: RenderInput): Section {
  if (findings.length === 0) return NOTHING;
  const order = (one: ValidationLine): number => (one.severity === "error" ? 0 : 2) + (one.isNew ? 0 : 1);
  const sorted = [...findings].sort((a, b) => order(a) - order(b));
  return {
    facts: findings,
    lines: (rows) => {
      const list = atMost(sorted, rows, "findings");
      const cells = list.shown.map(({ severity, place, message, isNew }) => [
        `${severity === "error" ? "🔴" : "🟡"} ${severity}${isNew ? ", new" : ""}`,
        escape.code(place, 300),
        escape.text(message, 400),
      ]);
      return ["#### What `ringward validate` says", "", ...table(["", "Where", "What"], cells), ...list.rest];
    },
  };
}

// ------------------------------------------------------------------------------------------------------- objects

function describeObjects({ rehearsal: { objects }, escape }: RenderInput): Section {
  if (objects.length === 0) return NOTHING;
  return {
    facts: objects,
    lines: (rows) => {
      const list = atMost(objects, rows, "objects");
      const lines = list.shown.flatMap(({ kind, name, change, fields }) => {
        const shown = fields.slice(0, Math.min(rows, 8)).map(({ path, from, to }) => {
          const value = (text: string | undefined): string => (text === undefined ? "nothing" : escape.code(text, 80));
          return `  - ${escape.code(path, 120)}: ${value(from)} → ${value(to)}`;
        });
        const left = fields.length - shown.length;
        const rest = left > 0 ? [`  - *and ${left} more fields*`] : [];
        return [`- ${kind} ${escape.code(name, 260)}: ${WORDS[change]}`, ...shown, ...rest];
      });
      return ["#### What changes", "", ...lines, ...list.rest];
    },
  };
}

const WORDS = {
  Added: "new",
  Removed: "gone",
  Changed: "changed",
  Broken: "🔴 cannot be read; what it said at the last good commit holds",
} as const;

// --------------------------------------------------------------------------------------------------------- rings

function describeRings({ rehearsal, escape }: RenderInput): Section {
  const { rings } = rehearsal;
  if (rings.length === 0) return NOTHING;
  return {
    facts: rings,
    lines: (rows) => {
      const list = atMost(rings, rows, "rings");
      const head = [
        "Ring",
        "Members",
        "Joined, left",
        "To be done (without it)",
        "Approved by merging",
        "Asked for then",
      ];
      const cells = list.shown.map((ring) => [
        `${escape.code(ring.ring, 260)}${ring.change === "Added" ? " (new)" : ring.change === "Removed" ? " (gone)" : ""}`,
        showMembers(ring.members, rehearsal),
        `+${ring.joined.length}, −${ring.left.length}`,
        ring.needs
          .map(({ baseline, targets, before }) => `${escape.code(baseline)} ${targets} (${before})`)
          .join("<br>") || "0",
        ring.approvals.map((one) => showApproval(one, escape)).join("<br>") || "-",
        ring.offered.map((one) => showOffered(one, escape)).join("<br>") || "-",
      ]);
      return ["#### Rings", "", ...table(head, cells), ...list.rest];
    },
  };
}

function showMembers({ nodes, workloads }: RingEffect["members"], { fleet }: Rehearsal): string {
  const share = (part: number, whole: number): string =>
    whole === 0 ? "" : ` (${part > 0 && part * 100 < whole ? "under 1" : Math.round((part * 100) / whole)}%)`;
  return (
    [
      ...(nodes > 0 ? [`${count(nodes, "node")}${share(nodes, fleet.nodes)}`] : []),
      ...(workloads > 0 ? [`${count(workloads, "workload")}${share(workloads, fleet.workloads)}`] : []),
    ].join(", ") || "none"
  );
}

function showApproval({ from, to, kind, expedite }: RingEffect["approvals"][number], escape: Escape): string {
  const level = (name: string | undefined): string => (name === undefined ? "nothing" : escape.code(name, 300));
  const what = kind === "Edited" ? `${level(to)}, edited` : `${level(from)} → ${level(to)}`;
  const hurry =
    expedite === undefined ? "" : `, ⚠ expedited past ${expedite.skip.join(", ")} until ${escape.text(expedite.until)}`;
  return `${kind === "Withdrawn" ? "⚠ withdrawn: " : ""}${what}${hurry}`;
}

function showOffered({ level, targets, automatic }: Offered, escape: Escape): string {
  return `${escape.code(level, 300)}, ${count(targets, "target")} (${automatic ? "written at once: Automatic" : "pull request"})`;
}

function describeMoves({ rehearsal: { rings }, escape }: RenderInput): Section {
  const lists = rings.flatMap(({ ring, joined, left, conflicts, closed }) => [
    ...closed.map(({ reason, message }) => ({
      text: `🔴 Ring ${escape.code(ring, 260)} starts nothing: \`${reason}\`: ${escape.text(message, 300)}`,
      names: [],
    })),
    { text: `⚠ In conflict now, and not touched, of ring ${escape.code(ring, 260)}`, names: conflicts },
    { text: `Joined ring ${escape.code(ring, 260)}`, names: joined },
    { text: `Left ring ${escape.code(ring, 260)}`, names: left },
  ]);
  const told = lists.filter(({ text, names }) => names.length > 0 || text.startsWith("🔴"));
  if (told.length === 0) return NOTHING;
  return {
    facts: told,
    lines: (rows) => {
      const list = atMost(told, rows, "lists");
      return list.shown.map(({ text, names }) => `- ${text}${listNames(names, rows, escape)}`).concat(list.rest);
    },
  };
}

function listNames(names: readonly string[], rows: number, escape: Escape): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, Math.min(rows, 20));
  const left = names.length - shown.length;
  return ` (${names.length}): ${[...shown.map((name) => escape.code(name)), ...(left > 0 ? [`${left} more`] : [])].join(", ")}.`;
}

// ------------------------------------------------------------------------------------------------------ timeline

function describeTimeline({ rehearsal, escape }: RenderInput): Section {
  if (rehearsal.same) return NOTHING;
  const { at, head, base } = rehearsal;
  const key = ({ ring, baseline, digest }: Stage): string => JSON.stringify([ring, baseline, digest]);
  const before = new Map(base.stages.map((stage) => [key(stage), stage]));
  const moves = head.stages.filter(
    (stage) =>
      stage.updated > 0 ||
      stage.soakedAt === undefined ||
      stage.soakedAt > at ||
      JSON.stringify(stage) !== JSON.stringify(before.get(key(stage))),
  );
  if (moves.length === 0) return NOTHING;
  return {
    facts: moves,
    lines: (rows) => {
      const list = atMost(moves, rows, "stages");
      const cells = list.shown.map((stage) => {
        const was = before.get(key(stage));
        return [
          escape.code(stage.ring, 260),
          escape.code(stage.level, 300),
          showApproved(stage),
          when(stage.startsAt),
          stage.completeAt === undefined ? `${stage.done} of ${stage.targets}` : when(stage.completeAt),
          when(stage.soakedAt),
          was === undefined
            ? "-"
            : was.soakedAt === stage.soakedAt
              ? "the same"
              : was.soakedAt === undefined
                ? "not soaked"
                : when(was.soakedAt),
        ];
      });
      return [
        "#### Timeline, if every proposal is merged at once and every update succeeds",
        "",
        ...table(["Ring", "Level", "Approved", "Begins", "Done", "Soaked", "Soaked without it"], cells),
        ...list.rest,
      ];
    },
  };
}

function showApproved({ approval, approvedAt }: Stage): string {
  if (approvedAt === undefined) return "in the policy";
  return `${when(approvedAt)}${approval === "Automatic" ? " (Automatic)" : " (pull request)"}`;
}

function when(at: number | undefined): string {
  return at === undefined ? "-" : showTime(at);
}

/** Windows and freezes that it runs into, and what else it waits for. */
function describeHolds({ rehearsal, escape }: RenderInput): Section {
  if (rehearsal.same) return NOTHING;
  const key = ({ ring, reason, message }: Hold): string =>
    JSON.stringify([ring, reason, reason === "Frozen" ? message : ""]);
  const known = new Set(rehearsal.base.holds.map(key));
  const holds = [...rehearsal.head.holds].sort((a, b) => Number(known.has(key(a))) - Number(known.has(key(b))));
  if (holds.length === 0) return NOTHING;
  return {
    facts: holds,
    lines: (rows) => {
      const list = atMost(holds, rows, "waits");
      const cells = list.shown.map((hold) => [
        escape.code(hold.ring, 260),
        `\`${hold.reason}\`${known.has(key(hold)) ? "" : ", new"}`,
        showTime(hold.from),
        showTime(hold.to),
        escape.text(hold.message),
      ]);
      return [
        "#### What it waits for on the way",
        "",
        ...table(["Ring", "Reason", "From", "Until", ""], cells),
        ...list.rest,
      ];
    },
  };
}

// --------------------------------------------------------------------------------------------------------- stops

function describeStops({ rehearsal, escape }: RenderInput): Section {
  if (rehearsal.same) return NOTHING;
  const { newStops, oldStops, head, horizon, at } = rehearsal;
  const all = [...newStops.map((stop) => ({ stop, fresh: true })), ...oldStops.map((stop) => ({ stop, fresh: false }))];
  const end =
    head.end === "Horizon"
      ? [
          `Looked ahead ${Math.round(horizon / 86_400_000)} days, until ${showTime(at + horizon)}; what comes later is not in here.`,
        ]
      : head.end === "Limit"
        ? [`⚠ It took more steps than a rehearsal makes: what comes after ${showTime(head.endsAt)} is not in here.`]
        : [];
  if (all.length === 0 && end.length === 0) return NOTHING;
  return {
    facts: all,
    lines: (rows) => {
      const list = atMost(all, rows, "places");
      const cells = list.shown.map(({ stop, fresh }) => stopCells(stop, fresh, escape));
      return [
        "#### Where it would stand still",
        "",
        ...table(["Ring", "Reason", "Targets", "Why", "Without it"], cells),
        ...list.rest,
        ...(end.length === 0 ? [] : ["", ...end]),
      ];
    },
  };
}

function stopCells(
  { ring, baseline, reason, message, targets, names }: Stop,
  fresh: boolean,
  escape: Escape,
): string[] {
  const [first] = names;
  const who =
    first === undefined
      ? "the ring"
      : targets === 1
        ? escape.code(first)
        : `${escape.code(first)} and ${targets - 1} more`;
  return [
    `${escape.code(ring, 260)}${baseline === undefined ? "" : `, ${escape.code(baseline, 260)}`}`,
    `\`${reason}\``,
    who,
    escape.text(message, 300),
    fresh ? "no" : "so, too",
  ];
}

// ---------------------------------------------------------------------------------------------------- disruption

function describeDisruption({ rehearsal, escape }: RenderInput): Section {
  if (rehearsal.same) return NOTHING;
  const { risks, head } = rehearsal;
  const listed = (what: string, names: readonly string[], rows: number): readonly string[] =>
    names.length === 0 ? [] : [`- ⚠ ${what}${listNames(names, rows, escape)}`];
  if (risks.pods + risks.refusals.length + head.unclear.length === 0) return NOTHING;
  return {
    facts: risks,
    lines: (rows) => {
      const refusals = atMost(risks.refusals, Math.min(rows, 20), "drains");
      return [
        "#### What the drains meet",
        "",
        `- Pods that have to move, a few nodes at a time: ${risks.pods}.`,
        ...refusals.shown.map(
          ({ node, reason, message }) =>
            `- ⚠ Node ${escape.code(node)} could not be drained now: \`${reason}\`: ${escape.text(message, 300)}`,
        ),
        ...refusals.rest,
        ...listed("PodDisruptionBudgets that spare one pod at a time", risks.tight, rows),
        ...listed("Single replicas, which are gone while they move", risks.singles, rows),
        ...listed("Bare pods, which nothing brings back", risks.bare, rows),
        ...listed("Targets of which a rehearsal cannot tell whether the update brings the level", head.unclear, rows),
      ];
    },
  };
}

// ------------------------------------------------------------------------------------------------------ way back

function describeWayBack({ rehearsal: { rings }, escape }: RenderInput): Section {
  const approvals = rings.flatMap(({ ring, approvals: list }) => list.map((one) => ({ ring, ...one })));
  const raised = approvals.filter(({ to, kind }) => to !== undefined && kind !== "Edited");
  if (raised.length === 0) return NOTHING;
  return {
    facts: raised,
    lines: (rows) => {
      const list = atMost(raised, rows, "approvals");
      const lines = list.shown.map(({ ring, to = "", revert }) =>
        revert === "RollsBack"
          ? `- ${escape.code(ring, 260)}, ${escape.code(to, 300)}: a revert rolls updated targets back, where the level has a way back.`
          : `- ⚠ ${escape.code(ring, 260)}, ${escape.code(to, 300)}: a floor. After a revert nothing new starts, and nodes that were updated stay as they are.`,
      );
      return ["#### How to take it back", "", ...lines, ...list.rest];
    },
  };
}

function writeFooter({ rehearsal, notes, escape }: RenderInput): string {
  const { head, horizon } = rehearsal;
  const gates = head.assumedGates;
  const assumed = [
    `looks ahead at most ${Math.round(horizon / 86_400_000)} days of policy time`,
    "updates succeed in their usual time",
    "proposals are merged at once",
    "nodes, pods and budgets stay as they are",
    ...(gates.length === 0
      ? []
      : [
          `gates that ask elsewhere hold (${gates
            .slice(0, 5)
            .map((gate) => escape.code(gate))
            .join(", ")}${gates.length > 5 ? ` and ${gates.length - 5} more` : ""})`,
        ]),
  ];
  return [
    "---",
    ...(rehearsal.same ? [] : [`What this takes for granted: ${assumed.join("; ")}.`]),
    ...notes.slice(0, 10).map((one) => `- ${escape.text(one, 300)}`),
    ...(notes.length > 10 ? [`- *and ${notes.length - 10} more notes*`] : []),
    "Nothing on this page approves anything: what the tracked branch says does.",
    "",
  ].join("\n");
}

function section(lines: readonly string[]): Section {
  return { facts: lines, lines: () => lines };
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
