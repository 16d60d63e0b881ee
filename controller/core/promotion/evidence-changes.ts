// Evidence: what changes from the ring's present level to the proposed one. Pure.
import { diffLevels, type LevelChange } from "../levels/index.ts";
import { AGE_LEGEND, ageOfSource, createAges, showAge } from "./evidence-age.ts";
import { atMost, type EvidenceInput, NOTHING, type Section, showTime, table } from "./evidence-form.ts";

const WORDS: Readonly<Record<LevelChange["change"], string>> = {
  Added: "added",
  Removed: "removed",
  Raised: "raised",
  Lowered: "**lowered**",
  Changed: "changed",
};

/** Components first, then settings: recipe steps, reboot and drain policy, source. */
export function describeChanges(input: EvidenceInput): Section {
  const { proposal } = input;
  if (proposal.kind === "Scope") return NOTHING;
  return {
    facts: [proposal.previous?.digest ?? null, proposal.level.digest],
    lines: (rows) => writeChanges(input, rows),
  };
}

function writeChanges(input: EvidenceInput, rows: number): readonly string[] {
  const { proposal, escape } = input;
  const changes = diffLevels(proposal.previous?.spec, proposal.level.spec);
  const components = changes.filter((change) => change.kind === "Component");
  const settings = changes.filter((change) => change.kind === "Setting");
  const list = atMost(components, rows, "components");
  const level = escape.code(proposal.level.name, 300);
  const ageOf = createAges(input);
  const legend = components.length === 0 ? [] : ["", AGE_LEGEND];
  if (proposal.previous === undefined) {
    const count = `${components.length} component${components.length === 1 ? "" : "s"}`;
    return [
      "#### What changes",
      "",
      `The ring's first level under this baseline: ${level}, ${count}.`,
      "",
      describeOrigin(input),
      "",
      ...table(
        ["Component", "Runs now", "To", "Known since"],
        list.shown.map((one) => [
          cell(input, one.name, 255),
          describeRunning(input, one.name),
          cell(input, one.to, 160),
          ageOf(one.name, one.to),
        ]),
      ),
      ...list.rest,
      ...legend,
      ...writeFirstSettings(input, settings, rows),
    ];
  }
  const counts = countChanges(components);
  return [
    "#### What changes",
    "",
    `From ${escape.code(proposal.previous.name, 300)} to ${level}: ${counts}.`,
    "",
    describeOrigin(input),
    "",
    ...table(
      ["Component", "From", "To", "Change", "Known since"],
      list.shown.map((one) => [
        cell(input, one.name, 255),
        cell(input, one.from, 160),
        cell(input, one.to, 160),
        WORDS[one.change],
        ageOf(one.name, one.to),
      ]),
    ),
    ...list.rest,
    ...legend,
    ...(settings.length === 0
      ? []
      : [
          ...(components.length === 0 ? [] : [""]),
          ...table(
            ["Setting", "From", "To"],
            settings.map((one) => [
              cell(input, one.name, 255),
              cell(input, one.from, settingLimit(rows)),
              cell(input, one.to, settingLimit(rows)),
            ]),
          ),
        ]),
    ...warnings(settings, components),
  ];
}

/** How old the level is and where its versions can be had. */
function describeOrigin({ proposal, plan, escape }: EvidenceInput): string {
  const { spec, inputTime } = proposal.level;
  const source = Object.entries(spec.node?.source ?? {}).map(
    ([name, value]) => `${name} ${escape.code(value, 200)}${ageOfSource(value, plan.at)}`,
  );
  const from =
    spec.target === "Image"
      ? "its images are named by digest"
      : source.length === 0
        ? "⚠ it names no reproducible source"
        : `source: ${source.join(", ")}`;
  return `Its newest input is of ${showTime(inputTime)} (${showAge(inputTime, plan.at)}); ${from}.`;
}

function cell({ escape }: EvidenceInput, text: string | undefined, limit: number): string {
  return text === undefined ? "–" : escape.code(text, limit);
}

/** Most versions that are named in a cell. */
const VERSIONS = 3;

/** What the ring's targets run of a component, the most common first: `1.24.0 (5), 1.25.1 (1)`. */
function describeRunning(input: EvidenceInput, component: string): string {
  const { plan, proposal } = input;
  const found = plan.rows
    .filter((row) => row.ring === proposal.ring.name && row.baseline === proposal.baseline)
    .flatMap((row) => row.components.filter((one) => one.name === component || isKernel(one.name, component)))
    .map((one) => one.running);
  const versions = [...Map.groupBy(found, (version) => version)]
    .map(([version, all]) => ({ version, count: all.length }))
    .sort((a, b) => b.count - a.count || ((a.version ?? "") < (b.version ?? "") ? -1 : 1));
  if (versions.length === 0) return "–";
  const shown = versions
    .slice(0, VERSIONS)
    .map(({ version, count }) => `${version === undefined ? "unknown" : input.escape.code(version, 160)} (${count})`);
  const rest = versions.length - shown.length;
  return [...shown, ...(rest === 0 ? [] : [`${rest} more`])].join(", ");
}

/** A level names kernels by series and flavour; a target runs one kernel. */
function isKernel(running: string, component: string): boolean {
  return running === "kernel" && component.startsWith("kernel/");
}

/** Everything about a first level is new: its settings are there to be read, folded away from what changes. */
function writeFirstSettings(input: EvidenceInput, settings: readonly LevelChange[], rows: number): readonly string[] {
  if (settings.length === 0) return [];
  const root = settings.some((one) => one.name.startsWith("recipe.")) ? "; the recipe's steps run as root" : "";
  return [
    "",
    `<details><summary>Settings (${settings.length}${root})</summary>`,
    "",
    ...table(
      ["Setting", "Value"],
      settings.map((one) => [cell(input, one.name, 255), cell(input, one.to, settingLimit(rows))]),
    ),
    "",
    "</details>",
  ];
}

/** Commands of recipes are shown whole where there is room: merging one is root on nodes. */
function settingLimit(rows: number): number {
  return rows >= 60 ? 1200 : 200;
}

function countChanges(components: readonly LevelChange[]): string {
  if (components.length === 0) return "no component's version changes";
  const words = (["Raised", "Lowered", "Changed", "Added", "Removed"] as const).flatMap((change) => {
    const count = components.filter((one) => one.change === change).length;
    return count === 0 ? [] : [`${count} ${change.toLowerCase()}`];
  });
  return `${components.length} component${components.length === 1 ? "" : "s"} (${words.join(", ")})`;
}

function warnings(settings: readonly LevelChange[], components: readonly LevelChange[]): readonly string[] {
  const lines: string[] = [];
  const changed = settings.filter((one) => one.from !== undefined && one.to !== undefined);
  if (changed.some((one) => one.name.startsWith("recipe")))
    lines.push("- ⚠ The recipe changes: its steps run as root on the nodes.");
  if (changed.some((one) => one.name === "rebootPolicy" || one.name === "drain" || one.name === "disruption"))
    lines.push("- ⚠ What a target undergoes changes: see reboot policy, drain and disruption above.");
  if (components.some((one) => one.change === "Lowered"))
    lines.push("- ⚠ A version goes down. A node that is above a floor stays there.");
  return lines.length === 0 ? [] : ["", ...lines];
}
