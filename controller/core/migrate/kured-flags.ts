// What becomes of each of kured's flags (v1.23, and those that it had before), as `kured --help` lists them. A flag that is not here is said
// to be unknown, never dropped. Pure.
import type { DrainPolicy, RolloutRingSpec } from "../../api/rollout-ring.ts";
import { formatDuration } from "../duration.ts";
import type { Fate, Ruling } from "./fate.ts";
import { parseSelector } from "./selector.ts";

type Verdict = readonly [Fate, string];
type Judge = (value: string, policy: Draft) => Verdict;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What the flags come to, as they are gone through. */
export interface Draft {
  readonly drain: Mutable<DrainPolicy>;
  readonly gates: NonNullable<RolloutRingSpec["gates"]>[number][];
  concurrency: number;
  readonly alerts: { filter?: string; matchOnly?: boolean; firingOnly?: boolean; asked?: boolean };
  readonly window: { days: string; start: string; end: string; timeZone: string };
  readonly next: string[];
}

export const DEFAULTS = { days: "su,mo,tu,we,th,fr,sa", start: "0:00", end: "23:59:59", timeZone: "UTC" };

const mapped = (text: string): Verdict => ["Mapped", text];
const lost = (text: string): Verdict => ["Lost", text];
const notNeeded = (text: string): Verdict => ["NotNeeded", text];
/** An address is a credential, and lies in a Secret; nothing of it is written into policy. */
function notified({ next }: Draft): Verdict {
  const todo = "list where to tell of rings in the controller's --notifications (docs/notifications.md)";
  if (!next.includes(todo)) next.push(todo);
  return ["Changed", "the controller's notifications: they tell of rings, and not of each node"];
}
const isTrue = (value: string): boolean => /^(true|t|1)$/i.test(value);
const unlessSet = (value: string, text: string): Verdict => (isTrue(value) ? lost(text) : mapped("off, as here"));

const GO_UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Go's durations (`1h30m`), as milliseconds. */
export function parseGoDuration(text: string): number | undefined {
  if (text === "0") return 0;
  const part = /(\d{1,9})(?:\.(\d{1,9}))?(h|ms|m|s)/y;
  let sum = 0;
  do {
    const [, whole, fraction = "0", unit = ""] = part.exec(text) ?? [];
    if (whole === undefined) return undefined;
    sum += Number(`${whole}.${fraction}`) * (GO_UNITS[unit] ?? 0);
  } while (part.lastIndex < text.length);
  return sum;
}

/** Every flag that kured has (v1.23, and those that it had before). */
const FLAGS: Readonly<Record<string, Judge>> = {
  "reboot-days": (value, { window }) => {
    window.days = value;
    return mapped("the calendar's windows");
  },
  "start-time": (value, { window }) => {
    window.start = value;
    return mapped("the calendar's windows");
  },
  "end-time": (value, { window }) => {
    window.end = value;
    return mapped("the calendar's windows");
  },
  "time-zone": (value, { window }) => {
    window.timeZone = value;
    return mapped("the calendar's timeZone");
  },
  concurrency: (value, draft) => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < 1) return lost("not a number of nodes; budgets are 1");
    draft.concurrency = number;
    return mapped("budget.nodes of each ring; over all rings spec.limits.nodes of the DisruptionLedger");
  },
  "drain-timeout": (value, { drain }) => {
    const ms = parseGoDuration(value);
    if (ms === undefined) return lost("not a duration; the drain waits, cordoned, as kured does by default");
    if (ms === 0) return mapped("drain.onTimeout: Hold: it waits, cordoned");
    drain.timeout = formatDuration(ms);
    drain.onTimeout = "BackOut";
    return mapped("drain.timeout, and drain.onTimeout: BackOut");
  },
  "drain-pod-selector": (value, { drain }) => {
    if (value === "") return mapped("all pods, as here");
    const selector = parseSelector(value);
    if (selector === undefined) return lost("not a label selector; all pods are drained");
    const inverse = invert(selector);
    if (inverse === undefined)
      return lost(
        "only a selector of one term can be turned round (drain.pods, behavior: Leave); all pods are drained",
      );
    drain.pods = [{ selector: inverse, behavior: "Leave" }];
    return mapped("drain.pods: the others are left on the node");
  },
  "blocking-pod-selector": (value, { gates }) => {
    const selector = parseSelector(value);
    if (selector === undefined) return lost("not a label selector: such pods hold nothing back");
    if (gates.length >= 7) return lost("a ring has 8 gates at most: such pods hold nothing back");
    gates.push({ name: `pods-${gates.length + 1}`, type: "BlockingPods", pods: { selector } });
    return mapped("a gate of type BlockingPods: it holds back the node that such a pod is on");
  },
  "prometheus-url": (value, { alerts, next }) => {
    if (value === "") return mapped("none, as here");
    alerts.asked = true;
    next.push(`start the controller with --prometheus-url ${withoutUser(value)}`);
    return mapped("a gate of type PromQL over ALERTS; the address is a flag of the controller");
  },
  "alert-filter-regexp": (value, { alerts }) => {
    alerts.filter = value;
    return mapped("the gate's query");
  },
  "alert-filter-match-only": (value, { alerts }) => {
    alerts.matchOnly = isTrue(value);
    return mapped("the gate's query");
  },
  "alert-firing-only": (value, { alerts }) => {
    alerts.firingOnly = isTrue(value);
    return mapped("the gate's query");
  },
  "reboot-sentinel": (value) =>
    value === "/var/run/reboot-required" || value === "/run/reboot-required"
      ? mapped("the recipe's inventory looks at it")
      : lost("the recipe's inventory looks at what the system itself says; change its step inventory"),
  "reboot-sentinel-command": (value) =>
    value === ""
      ? mapped("none, as here")
      : lost("change the recipe's step inventory so that it says when a reboot is due"),
  "reboot-command": (value) =>
    value === "/bin/systemctl reboot" ? mapped("the recipe's step reboot") : lost("change the recipe's step reboot"),
  "reboot-method": (value) =>
    value === "command"
      ? mapped("the recipe's step reboot")
      : ["Changed", "the recipe reboots by systemctl, not by a signal"],
  "reboot-signal": () => ["Changed", "the recipe reboots by systemctl, not by a signal"],
  "force-reboot": (value) =>
    unlessSet(value, "a node whose drain failed is never rebooted: it is backed out, and named in its state"),
  "drain-grace-period": (value) =>
    Number(value) < 0 ? mapped("the pods' own, as here") : lost("pods have the grace that they ask for themselves"),
  "skip-wait-for-delete-timeout": (value) =>
    Number(value) === 0
      ? mapped("off, as here")
      : lost("a pod that hangs in deletion is waited for, and named (PodStuckTerminating)"),
  "drain-delay": (value) =>
    parseGoDuration(value) === 0
      ? mapped("none, as here")
      : lost("nothing waits before a drain; forecasts and gates say when it may begin"),
  "reboot-delay": (value) =>
    parseGoDuration(value) === 0 ? mapped("none, as here") : lost("nothing waits between drain and reboot"),
  "lock-release-delay": (value) =>
    parseGoDuration(value) === 0
      ? mapped("none, as here")
      : lost(
          "the next node may start when this one is verified; gates (PodsReady, WorkloadsAvailable) wait for health instead of time",
        ),
  "lock-ttl": (value) =>
    parseGoDuration(value) === 0
      ? mapped("claims never expire by time")
      : ["Changed", "claims never expire by time; those of nodes that are gone are freed"],
  "prefer-no-schedule-taint": (value) =>
    value === "" ? mapped("none, as here") : lost("nodes that wait are not tainted"),
  "pre-reboot-node-labels": () => lost("nodes are not labelled; NodePatchState tells of what is under way"),
  "post-reboot-node-labels": () => lost("nodes are not labelled; NodePatchState tells of what is done"),
  "notify-url": (_, draft) => notified(draft),
  "slack-hook-url": (_, draft) => notified(draft),
  "slack-username": () => lost("what is sent, and by whom, is the destination's own (docs/notifications.md)"),
  "slack-channel": () => lost("what is sent, and by whom, is the destination's own (docs/notifications.md)"),
  "message-template-drain": () => lost("notifications tell of rings, in words of their own (docs/notifications.md)"),
  "message-template-reboot": () => lost("notifications tell of rings, in words of their own (docs/notifications.md)"),
  "message-template-uncordon": () => lost("notifications tell of rings, in words of their own (docs/notifications.md)"),
  period: () => notNeeded("nodes are watched; how often an inventory job looks is inventory.interval of the baseline"),
  "annotate-nodes": () => notNeeded("NodePatchState tells of each node"),
  "ds-name": () => notNeeded("there is no lock on a DaemonSet"),
  "ds-namespace": () => notNeeded("there is no lock on a DaemonSet"),
  "lock-annotation": () => notNeeded("there is no lock on a DaemonSet"),
  "metrics-host": () => notNeeded("kured's own"),
  "metrics-port": () => notNeeded("kured's own"),
  "log-format": () => notNeeded("kured's own"),
  "node-id": () => notNeeded("kured's own"),
};

/** Of a selector of one term, all that it does not select. */
function invert(selector: NonNullable<ReturnType<typeof parseSelector>>) {
  const terms = [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
      key,
      operator: "In" as const,
      values: [value],
    })),
    ...(selector.matchExpressions ?? []),
  ];
  const [only] = terms;
  if (only === undefined || terms.length > 1) return undefined;
  const opposite = { In: "NotIn", NotIn: "In", Exists: "DoesNotExist", DoesNotExist: "Exists" } as const;
  return { matchExpressions: [{ ...only, operator: opposite[only.operator] }] };
}

/** Rules over one flag with all its values, and notes in the draft what it comes to. */
export function judgeFlag(flag: string, values: readonly string[], draft: Draft): readonly Ruling[] {
  const judge = Object.hasOwn(FLAGS, flag) ? FLAGS[flag] : undefined;
  if (judge === undefined)
    return [
      {
        setting: `--${flag}`,
        value: values.join(" "),
        fate: "Unknown",
        text: "kured has no such flag that is known here",
      },
    ];
  // Of a flag that is given twice the last counts, but for lists.
  const lists =
    flag === "blocking-pod-selector" ? values : flag === "reboot-days" ? [values.join(",")] : values.slice(-1);
  return lists.map((value) => {
    const [fate, text] = judge(value, draft);
    return { setting: `--${flag}`, value: isSecret(flag) ? "(an address)" : withoutUser(value), fate, text };
  });
}

/** An address without what is said before its host. */
function withoutUser(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]{0,20}:\/\/)[^@/\s]{1,2048}@/i, "$1");
}

/** Addresses of chats are credentials. */
function isSecret(flag: string): boolean {
  return flag === "notify-url" || flag === "slack-hook-url";
}

/** kured asks Prometheus for ALERTS at that instant; of the filter it takes any match, PromQL the whole name. */
export function addAlertGate({ alerts, gates }: Draft): void {
  if (alerts.asked !== true) return;
  const filter = alerts.filter ?? "";
  const whole = JSON.stringify(`.*(?:${filter}).*`);
  const labels = [
    ...(alerts.firingOnly === true ? ['alertstate="firing"'] : []),
    ...(filter === "" ? [] : [`alertname${alerts.matchOnly === true ? "=~" : "!~"}${whole}`]),
  ];
  const query = `count(ALERTS{${labels.join(",")}}) or vector(0)`;
  gates.push({ name: "alerts", type: "PromQL", promQL: { query, operator: "AtMost", threshold: 0 } });
}
