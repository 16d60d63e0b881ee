// What becomes of each field of a Plan's spec (upgrade.cattle.io/v1, as its CustomResourceDefinition has them). A field that is not here is
// said to be unknown, never dropped. Pure.
import type { MaintenanceCalendarSpec } from "../../api/maintenance-calendar.ts";
import type { DrainPolicy } from "../../api/rollout-ring.ts";
import type { LabelSelector } from "../../api/schema.ts";
import { formatDuration } from "../duration.ts";
import type { Fate, Ruling } from "./fate.ts";
import { type Fields, fieldsOf, listOf, shown, stringMapOf, textOf, textsOf } from "./fields.ts";
import { parseGoDuration } from "./kured-flags.ts";
import { openWindow } from "./time-window.ts";

/** What the fields come to, as they are gone through. */
export interface PlanDraft {
  readonly drain: { -readonly [K in keyof DrainPolicy]: DrainPolicy[K] };
  concurrency: number;
  drains?: boolean;
  calendar?: MaintenanceCalendarSpec;
  nodeSelector?: LabelSelector | undefined;
  /** Of the update's job. */
  deadline?: string;
  readonly next: string[];
}

type Verdict = readonly [Fate, string];
type Judge = (value: unknown, draft: PlanDraft) => Verdict;
interface Judges {
  readonly [field: string]: Judge | Judges;
}

const mapped = (text: string) => (): Verdict => ["Mapped", text];
const lost = (text: string) => (): Verdict => ["Lost", text];
const notNeeded = (text: string) => (): Verdict => ["NotNeeded", text];

const container = (step: string): Judges => ({
  image: mapped(`steps.${step}.image; by digest`),
  command: mapped(`steps.${step}.command`),
  args: mapped(`steps.${step}.command`),
  envs: (value) => {
    const odd = listOf(value).filter((one) => typeof fieldsOf(one)["value"] !== "string");
    if (odd.length === 0) return ["Mapped", `steps.${step}.env`];
    const names = odd.map((one) => textOf(fieldsOf(one)["name"])).join(", ");
    return ["Lost", `steps.${step}.env holds literals only; without ${names}`];
  },
  envFrom: lost("a recipe's environment holds literals only"),
  volumes: lost("the node's root is at /host, and nothing else is mounted: change paths in the command"),
  securityContext: (value) => ["Changed", `host: ReadWrite is privileged, with the host's processes (${shown(value)})`],
});

const drain: Judges = {
  timeout: (value, draft) => {
    const ms = typeof value === "number" ? value / 1_000_000 : parseGoDuration(textOf(value));
    if (ms === undefined || !(ms > 0))
      return ["Changed", "no time-out there; drain.timeout is 15m here, then it is backed out and tried again"];
    draft.drain.timeout = formatDuration(ms);
    return ["Mapped", "drain.timeout; then it is backed out and tried again"];
  },
  force: (value, draft) => {
    draft.drain.barePods = value === true ? "Evict" : "Block";
    return ["Mapped", "drain.barePods"];
  },
  deleteEmptydirData: (value, draft) => {
    draft.drain.emptyDir = value === false ? "Block" : "Evict";
    return ["Mapped", "drain.emptyDir"];
  },
  deleteLocalData: (value, draft) => {
    draft.drain.emptyDir = value === false ? "Block" : "Evict";
    return ["Mapped", "drain.emptyDir"];
  },
  ignoreDaemonSets: notNeeded("pods of DaemonSets always stay"),
  gracePeriod: lost("pods have the grace that they ask for themselves"),
  disableEviction: (value) =>
    value === true
      ? ["Lost", "pods leave by eviction only, so PodDisruptionBudgets hold"]
      : ["Mapped", "eviction, as here"],
  skipWaitForDeleteTimeout: lost("a pod that hangs in deletion is waited for, and named (PodStuckTerminating)"),
  podSelector: lost("all pods are drained; rules for single pods are drain.pods of the ring"),
};

const SPEC: Judges = {
  concurrency: (value, draft) => {
    if (typeof value !== "number" || !(value >= 1)) return ["Changed", "budget.nodes is 1"];
    draft.concurrency = Math.floor(value);
    return ["Mapped", "budget.nodes"];
  },
  jobActiveDeadlineSecs: (value, draft) => {
    if (typeof value !== "number" || !(value > 0))
      return ["Changed", "no deadline there; a step ends after 30m here, if its timeout says nothing else"];
    draft.deadline = formatDuration(value * 1000);
    return ["Mapped", "steps.update.timeout"];
  },
  nodeSelector: (value, draft) => {
    draft.nodeSelector = selectorOf(value);
    return draft.nodeSelector === undefined
      ? ["Changed", "it selects every node"]
      : ["Mapped", "selectors of the baselines and of the ring"];
  },
  version: mapped(
    "minimum.kubelet of the baselines where the image is a k3s or rke2 one; the image's tag, and a variable of the recipe",
  ),
  channel: lost("nothing asks a channel server: write the version into the baseline, where a pull request shows it"),
  serviceAccountName: notNeeded("a recipe's job has no token"),
  secrets: lost("a recipe's job has no Secrets"),
  imagePullSecrets: lost("give the namespace ringward-jobs what its images need"),
  tolerations: notNeeded("a recipe's job tolerates every taint"),
  exclusive: notNeeded("a node is under one claim at a time, whatever it is for"),
  priorityClassName: lost("a recipe's job has no priority of its own"),
  postCompleteDelay: lost("the next node may start when this one is verified; gates wait for health instead of time"),
  customNodeLabels: lost("nodes are not labelled; NodePatchState tells of what is done"),
  postCompleteLabels: lost("nodes are not labelled; NodePatchState tells of what is done"),
  cordon: (value) =>
    value === true
      ? ["Changed", "a node is drained, not only cordoned, where the level disrupts it"]
      : ["Mapped", "none, as here"],
  window: (value, draft) => {
    const { days, startTime, endTime, timeZone } = fieldsOf(value);
    const opened = openWindow({
      days: textsOf(days),
      start: textOf(startTime) || "0:00",
      end: textOf(endTime) || "23:59:59",
      timeZone: textOf(timeZone) || "UTC",
    });
    if (opened.kind === "Wrong") return ["Lost", `${opened.message}: write the calendar by hand`];
    if (opened.kind === "Windows") draft.calendar = opened.spec;
    return ["Mapped", "the calendar's windows; they limit each start, not only the first"];
  },
  prepare: container("prepare"),
  upgrade: container("update"),
  drain: {},
};

/** A selector as policy has it; undefined where it selects everything. */
export function selectorOf(value: unknown): LabelSelector | undefined {
  const { matchLabels, matchExpressions } = fieldsOf(value);
  const labels = stringMapOf(matchLabels);
  const expressions = listOf(matchExpressions)
    .map(fieldsOf)
    .flatMap(({ key, operator, values }) => {
      const known = (["In", "NotIn", "Exists", "DoesNotExist"] as const).find((one) => one === operator);
      if (typeof key !== "string" || known === undefined) return [];
      return [
        { key, operator: known, ...(known === "In" || known === "NotIn" ? { values: [...textsOf(values)] } : {}) },
      ];
    });
  const [some, more] = [Object.keys(labels).length > 0, expressions.length > 0];
  if (!some && !more) return undefined;
  return { ...(some ? { matchLabels: labels } : {}), ...(more ? { matchExpressions: expressions } : {}) };
}

/** Rules over every field of a Plan's spec, and notes in the draft what it comes to. */
export function judgeFields(spec: Fields, draft: PlanDraft): readonly Ruling[] {
  draft.drains = spec["drain"] !== undefined || spec["cordon"] === true;
  return walk("spec", spec, { ...SPEC, drain }, draft);
}

function walk(path: string, value: Fields, judges: Judges, draft: PlanDraft): readonly Ruling[] {
  return Object.entries(value).flatMap(([key, inner]): readonly Ruling[] => {
    const judge = Object.hasOwn(judges, key) ? judges[key] : undefined;
    const setting = `${path}.${key}`;
    if (judge === undefined)
      return [{ setting, value: shown(inner), fate: "Unknown", text: "a Plan has no such field that is known here" }];
    if (typeof judge !== "function") return walk(setting, fieldsOf(inner), judge, draft);
    const [fate, text] = judge(inner, draft);
    return [{ setting, value: shown(inner), fate, text }];
  });
}

/** `1.31.4+k3s1` of the images that put a kubelet of the version of their tag there. */
export function kubeletOf(image: string, version: string): string | undefined {
  const match = /^v?(\d+\.\d+\.\d+)([+-](?:k3s|rke2r)\d+)?$/.exec(version);
  const known = /(^|\/)(k3s|rke2)-upgrade(:|@|$)/.test(image) && match !== null;
  return known ? `${match[1]}${(match[2] ?? "").replace("-", "+")}` : undefined;
}
