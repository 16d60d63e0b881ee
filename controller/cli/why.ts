// `ringward why KIND/NAME`: one asset's story. What it runs and should run, what keeps it from moving, since when, and what comes next.
import { closest } from "../api/suggest.ts";
import type { Instant } from "../clock.ts";
import { isCompliant } from "../core/compliance/states.ts";
import { type Chapter, type Next, type Story, tellStory } from "../core/rollout/story.ts";
import { UserError } from "../errors.ts";
import { type AssetName, readAssetName, settleNamespace } from "./asset-name.ts";
import {
  asksForHelp,
  createPaint,
  type Format,
  FORMATS,
  oneLine,
  ownSurroundings,
  type Paint,
  parseFlags,
  readFormat,
  showLength,
  showState,
  showTime,
  showWhen,
  type Surroundings,
  writeData,
} from "./output.ts";
import { assetData, blockData, refuse, showComponent } from "./plan.ts";
import type { Situation } from "./situation.ts";
import { readSituation, SOURCE_FLAGS, SOURCE_HELP } from "./sources.ts";
import { formatTable } from "./table.ts";
import { showable } from "./views/drawing.ts";

export const USAGE = `Usage: ringward why KIND/NAME [-n NAMESPACE] [SOURCES] [-o ${FORMATS.join("|")}]

One asset's story: its state under each baseline, its ring and level, what keeps it from moving and since when, what
happens next and about when. KIND is node, deployment, statefulset, daemonset, pod, or kubectl's short name.

${SOURCE_HELP}
                     without a source: $KUBECONFIG, else the running demo
  -n NAMESPACE       of a workload; needless where only one has that name
  -o FORMAT          text (default), wide (with what reasons mean and past operations), json or yaml

Exit codes: 0 compliant, 1 not compliant, 2 wrong use, or there is no such asset.
`;

/** Runs the command. */
export async function command(
  args: readonly string[],
  surroundings: Surroundings = ownSurroundings(),
): Promise<number> {
  if (asksForHelp(args)) {
    surroundings.stdout.write(USAGE);
    return 0;
  }
  const { values, positionals } = parseFlags("why", args, {
    ...SOURCE_FLAGS,
    output: { type: "string", short: "o" },
    namespace: { type: "string", short: "n" },
  });
  const asked = readAssetName("why", positionals, values.namespace);
  const format = readFormat("why", values.output);
  const result = await readSituation("why", values, surroundings);
  if (result.kind === "Refused") return refuse(result.findings, format, surroundings);
  const story = findStory(result.situation, asked);
  const text = render(story, result.situation, format, createPaint(surroundings));
  surroundings.stdout.write(format === "json" || format === "yaml" ? text : showable(text, surroundings));
  return story.chapters.every(({ row }) => isCompliant(row.state)) ? 0 : 1;
}

function findStory({ input, plan, estimates }: Situation, asked: AssetName): Story {
  const asset = settleNamespace(asked, input.inventory);
  const story = tellStory(input, plan, estimates, asset);
  if (story !== undefined) return story;
  const names =
    asset.kind === "Node"
      ? input.inventory.nodes.map(({ name }) => name)
      : input.inventory.workloads.filter(({ kind }) => kind === asset.kind).map(({ name }) => name);
  const guess = closest(asset.name, names);
  const where = asset.namespace === undefined ? "" : ` in namespace ${asset.namespace}`;
  throw new UserError(
    "RW0216",
    `there is no ${asset.kind} ${asset.name}${where}`,
    guess === undefined ? "names are those of kubectl get" : `did you mean ${guess}?`,
  );
}

// --------------------------------------------------------------------------------------------------------- data

function storyData(story: Story, now: Instant): object {
  const { kind, namespace, name, zone, membership, chapters, operation, history } = story;
  return {
    at: showTime(now),
    kind,
    namespace: namespace ?? null,
    name,
    zone: zone ?? null,
    ring: membership ?? null,
    baselines: chapters.map((chapter) => ({
      ...assetData(chapter.row),
      approved: chapter.row.approved,
      next: nextData(chapter.next),
    })),
    operation:
      operation === undefined
        ? null
        : {
            step: operation.step,
            since: showTime(operation.since),
            startedAt: showTime(operation.startedAt),
            attempt: operation.attempt,
            level: operation.level,
            failure: operation.failure === undefined ? null : blockData(operation.failure),
            backOut: operation.backOut === undefined ? null : blockData(operation.backOut),
          },
    history: history.map(({ level, result, startedAt, finishedAt, message }) => ({
      level,
      result,
      startedAt: showTime(startedAt),
      finishedAt: showTime(finishedAt),
      message,
    })),
  };
}

function nextData({ text, from, until, advice }: Next): object {
  return {
    text,
    from: from === undefined ? null : showTime(from),
    until: until === undefined ? null : showTime(until),
    advice: advice ?? null,
  };
}

// --------------------------------------------------------------------------------------------------------- text

function render(story: Story, { plan, warnings }: Situation, format: Format, paint: Paint): string {
  if (format === "json" || format === "yaml") return writeData({ ...storyData(story, plan.at), warnings }, format);
  const lines = [headline(story, paint)];
  if (story.chapters.length === 0) lines.push("  no baseline is about it: nothing is asked of it");
  for (const chapter of story.chapters) lines.push(...chapterLines(chapter, plan.at, format === "wide", paint));
  lines.push(...operationLines(story, plan.at, paint));
  if (format === "wide") lines.push(...historyLines(story, plan.at));
  return `${lines.join("\n")}\n`;
}

function headline({ kind, namespace, name, zone, membership }: Story, paint: Paint): string {
  const what = `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
  const ring =
    membership === undefined
      ? "in no ring"
      : `ring ${membership.ring}${membership.after.length === 0 ? "" : ` (after ${membership.after.join(", ")})`}`;
  return `${paint("bold", what)}  ${ring}${zone === undefined ? "" : `, zone ${zone}`}`;
}

function chapterLines({ row, blocks, next }: Chapter, now: Instant, wide: boolean, paint: Paint): readonly string[] {
  const approval = row.approved ? "approved" : "not approved";
  const changed = row.components.filter(({ state }) => wide || state !== "Installed");
  const lines = [
    "",
    `  baseline ${row.baseline}`,
    `  level    ${row.level === undefined ? "none" : `${row.level} (${approval})`}`,
    `  state    ${showState(row.state, paint)}${row.reason === undefined ? "" : ` (${row.reason})`}, phase ${row.phase}`,
    ...changed.map((component) => `           ${showComponent(component)}`),
  ];
  for (const block of blocks) {
    const since = block.since === undefined || block.since === now ? "" : `, since ${showWhen(block.since, now)}`;
    const label = block === blocks[0] ? "blocked " : "        ";
    lines.push(`  ${label} ${paint("yellow", block.reason)}: ${oneLine(block.message)}${since}`);
    if (wide) lines.push(`           ${block.meaning}`);
  }
  lines.push(`  next     ${oneLine(next.text)}${showSpan(next, now)}`);
  if (next.advice !== undefined) lines.push(`  to do    ${next.advice}`);
  return lines;
}

function showSpan({ from, until }: Next, now: Instant): string {
  const start = from === undefined || from <= now ? undefined : `from ${showWhen(from, now)}`;
  const end = until === undefined || until <= now ? undefined : `done by about ${showWhen(until, now)}`;
  const both = [start, end].filter((part) => part !== undefined);
  return both.length === 0 ? "" : `; ${both.join(", ")}`;
}

function operationLines({ operation }: Story, now: Instant, paint: Paint): readonly string[] {
  if (operation === undefined) return [];
  const { step, since, attempt, level, failure, backOut } = operation;
  return [
    "",
    `  under way: step ${step} since ${showLength(Math.max(0, now - since))}, attempt ${attempt}, to ${level}`,
    ...(failure === undefined
      ? []
      : [
          `  ${paint("red", "✖ failed")}: ${failure.reason}: ${oneLine(failure.message)}, since ${showWhen(failure.since ?? now, now)}`,
        ]),
    ...(backOut === undefined ? [] : [`  backs out: ${backOut.reason}: ${oneLine(backOut.message)}`]),
  ];
}

function historyLines({ history }: Story, now: Instant): readonly string[] {
  if (history.length === 0) return [];
  const rows = history.map((past) => [
    past.result,
    past.level,
    showWhen(past.finishedAt, now),
    showLength(Math.max(0, past.finishedAt - past.startedAt)),
    oneLine(past.message),
  ]);
  return ["", formatTable(["RESULT", "LEVEL", "ENDED", "TOOK", "MESSAGE"], rows, "  ").trimEnd()];
}
