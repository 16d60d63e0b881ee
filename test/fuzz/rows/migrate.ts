// What other tools' settings look like: texts of flags and fields, and whole DaemonSets and Plans as a cluster would send them. Nothing here
// may throw, whatever shape they are of.
import fc from "fast-check";
import { parseGoDuration } from "../../../controller/core/migrate/kured-flags.ts";
import { migrateKured } from "../../../controller/core/migrate/kured.ts";
import { isKured, readKured, readLock } from "../../../controller/core/migrate/kured-settings.ts";
import { parseSelector } from "../../../controller/core/migrate/selector.ts";
import { isPlan, migratePlan } from "../../../controller/core/migrate/suc.ts";
import { openWindow, parseTimeOfDay, parseWeekday } from "../../../controller/core/migrate/time-window.ts";
import { digits, jsonOf, many, maybe, name, noise, oneOf, seq } from "../grammar.ts";
import { type Parser, valueOf } from "../parser.ts";

const MIGRATE = "controller/core/migrate";

const term = oneOf(
  seq(name, oneOf("=", "==", "!="), name),
  seq(name, oneOf(" in ", " notin "), "(", many(name, { by: "," }), ")"),
  seq(maybe("!"), name),
);

const texts: Parser = {
  name: "core/migrate-texts",
  form: "text",
  covers: [
    `${MIGRATE}/kured-flags.ts parseGoDuration`,
    `${MIGRATE}/kured-settings.ts readLock`,
    `${MIGRATE}/selector.ts parseSelector`,
    `${MIGRATE}/time-window.ts parseTimeOfDay`,
    `${MIGRATE}/time-window.ts parseWeekday`,
  ],
  run: (text) => [parseGoDuration(text), readLock(text), parseSelector(text), parseTimeOfDay(text), parseWeekday(text)],
  check(_text, answer) {
    const [duration, , , time] = answer as readonly [number | undefined, unknown, unknown, number | undefined];
    if (duration !== undefined && !(Number.isFinite(duration) && duration >= 0)) return `a duration is ${duration}`;
    return time === undefined || (time >= 0 && time < 86_400_000) ? undefined : `a time of day is ${time}`;
  },
  grammar: oneOf(
    many(term, { least: 1, by: "," }),
    many(seq(digits, maybe(seq(".", digits)), oneOf("h", "m", "s", "ms")), { least: 1 }),
    seq(digits, maybe(seq(":", digits)), maybe(seq(":", digits)), maybe(oneOf("am", "pm"))),
    oneOf("mon", "Tuesday", "su", "7"),
    noise,
  ),
  seeds: [
    "runtime=long,cost=expensive",
    "app in (ledger, broker),!legacy,tier notin (a),x",
    "1h30m",
    "22:00",
    "03:04pm",
    "wed",
    '{"nodeID":"node-b","created":"2026-11-28T22:14:03Z","TTL":0}',
    '{"maxOwners":2,"locks":[{"nodeID":"a"},{"nodeID":"b"}]}',
  ],
  words: ["=", "!=", " in ", " notin ", "(", ")", ",", "!", "h", "m", "ms", "s", ".", ":", "am", "pm", "-", " "],
  mostPerCharacter: 48,
};

const daemonSet = {
  kind: "DaemonSet",
  metadata: { name: "kured", annotations: { "weave.works/kured-node-lock": '{"nodeID":"a"}' } },
  spec: {
    template: {
      spec: {
        nodeSelector: { pool: "a" },
        tolerations: [{ operator: "Exists" }],
        containers: [
          {
            image: "ghcr.io/kubereboot/kured:1.23.0",
            command: ["/usr/bin/kured"],
            args: ["--reboot-days=mon", "--start-time", "9:00", "--prometheus-url=http://u:p@host", "--x"],
            env: [
              { name: "KURED_PERIOD", value: "1h" },
              { name: "KURED_NOTIFY_URL", valueFrom: { secretKeyRef: {} } },
            ],
          },
        ],
      },
    },
  },
};

const plan = {
  apiVersion: "upgrade.cattle.io/v1",
  kind: "Plan",
  metadata: { name: "agent-plan" },
  spec: {
    concurrency: 2,
    nodeSelector: { matchExpressions: [{ key: "a", operator: "In", values: ["b"] }] },
    window: { days: ["mo"], startTime: "9:00" },
    drain: { timeout: 60_000_000_000, force: true },
    prepare: { image: "rancher/k3s-upgrade", args: ["prepare"] },
    upgrade: { image: "rancher/k3s-upgrade", envs: [{ name: "A", value: "b" }] },
    version: "v1.31.4+k3s1",
  },
  status: { applying: ["a"] },
};

const objects: Parser = {
  name: "core/migrate-objects",
  form: "json",
  covers: [`${MIGRATE}/kured-settings.ts readKured`],
  run(text) {
    const object = valueOf(text);
    const settings = readKured(object);
    const products = [{ id: "ubuntu" }];
    const { days, start } = (object ?? {}) as { readonly days?: unknown; readonly start?: unknown };
    return [
      isKured(object),
      isPlan(object),
      settings === undefined
        ? undefined
        : migrateKured({ settings, products, underWay: [], rebootSteps: () => undefined }).rulings.length,
      migratePlan({ plan: object, objects: [object], products }).rulings.length,
      openWindow({ days: [String(days)], start: String(start), end: "9:00", timeZone: "UTC" }).kind,
    ];
  },
  grammar: oneOf(
    jsonOf(fc.constantFrom(daemonSet, plan)),
    jsonOf(fc.jsonValue().map((value) => ({ ...daemonSet, spec: value }))),
    jsonOf(fc.jsonValue().map((value) => ({ ...plan, spec: value }))),
    jsonOf(
      fc.jsonValue().map((value) => ({ ...plan, spec: { ...plan.spec, upgrade: value, window: value, drain: value } })),
    ),
    jsonOf(fc.jsonValue()),
  ),
  seeds: [JSON.stringify(daemonSet), JSON.stringify(plan)],
  words: [
    '"spec":',
    '"template":',
    '"containers":',
    '"args":',
    '"--concurrency=2"',
    '"upgrade":',
    "null",
    "[]",
    "{}",
    "1",
    '""',
  ],
};

export const MIGRATE_PARSERS: readonly Parser[] = [texts, objects];
