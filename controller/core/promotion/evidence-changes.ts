// Evidence: what changes from the ring's present level to the proposed one. Pure.
import { diffLevels, type LevelChange } from "../levels/index.ts";
import { atMost, type EvidenceInput, NOTHING, type Section, table } from "./evidence-form.ts";

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

function writeChanges({ proposal, escape }: EvidenceInput, rows: number): readonly string[] {
  const changes = diffLevels(proposal.previous?.spec, proposal.level.spec);
  const components = changes.filter((change) => change.kind === "Component");
  const settings = changes.filter((change) => change.kind === "Setting");
  const list = atMost(components, rows, "components");
  const from = proposal.previous === undefined ? "no level" : escape.code(proposal.previous.name, 300);
  const cell = (text: string | undefined, limit: number): string =>
    text === undefined ? "–" : escape.code(text, limit);
  const counts = countChanges(components);
  return [
    "#### What changes",
    "",
    `From ${from} to ${escape.code(proposal.level.name, 300)}: ${counts}.`,
    "",
    ...table(
      ["Component", "From", "To", "Change"],
      list.shown.map((one) => [cell(one.name, 255), cell(one.from, 160), cell(one.to, 160), WORDS[one.change]]),
    ),
    ...list.rest,
    ...(settings.length === 0
      ? []
      : [
          ...(components.length === 0 ? [] : [""]),
          ...table(
            ["Setting", "From", "To"],
            settings.map((one) => [
              cell(one.name, 255),
              cell(one.from, settingLimit(rows)),
              cell(one.to, settingLimit(rows)),
            ]),
          ),
        ]),
    ...warnings(settings, components),
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
