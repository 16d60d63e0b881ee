// Settings of single rings that are accepted and probably not meant: budgets that bound nothing, failures that are never too many,
// emergencies that are over, labels that a node gives itself.
import type { LabelSelector } from "../../api/schema.ts";
import { parseDuration } from "../../core/duration.ts";
import { compileGateExpression } from "../../core/gates/expression.ts";
import type { Pointer } from "../documents.ts";
import type { Finding } from "../finding.ts";
import type { ObjectOf } from "../object.ts";
import { type CheckContext, error, warning } from "./context.ts";

type Ring = ObjectOf<"RolloutRing">;

export function checkBudgets(context: CheckContext): readonly Finding[] {
  return context.rings.flatMap((ring) => {
    const { budget = {}, members } = ring.spec;
    const findings: Finding[] = [];
    for (const key of ["nodes", "workloads", "nodesPerZone"] as const) {
      const value = budget[key];
      if (value === "100%") {
        const message = "bounds nothing: all members may be unavailable at once";
        findings.push(
          warning(ring, ["spec", "budget", key], "UnboundedBudget", message, "write a smaller number or percentage"),
        );
      } else if (value === 0 || value === "0%") {
        findings.push(
          warning(ring, ["spec", "budget", key], "EmptyBudget", "lets nothing start", "use suspend to stop a ring"),
        );
      }
    }
    const { maxFailures = 0 } = budget;
    const nodes = members.nodes === undefined ? 0 : (budget.nodes ?? 1);
    const workloads = members.workloads === undefined ? 0 : (budget.workloads ?? 1);
    if (
      maxFailures > 0 &&
      typeof nodes === "number" &&
      typeof workloads === "number" &&
      maxFailures >= nodes + workloads
    ) {
      const message = `${maxFailures} failures are never exceeded: failed targets hold the budget of ${nodes + workloads}, so the ring stands still before it halts`;
      findings.push(
        warning(
          ring,
          ["spec", "budget", "maxFailures"],
          "MaxFailuresNotReached",
          message,
          "write a number below the budget",
        ),
      );
    }
    return findings;
  });
}

export function checkExpedites(context: CheckContext): readonly Finding[] {
  return context.rings.flatMap((ring) =>
    (ring.spec.levels ?? []).flatMap(({ expedite }, index) =>
      expedite === undefined || Date.parse(expedite.until) > context.now
        ? []
        : [
            warning(
              ring,
              ["spec", "levels", index, "expedite", "until"],
              "ExpediteExpired",
              `${expedite.until} is past, so nothing is skipped any more`,
              "remove expedite",
            ),
          ],
    ),
  );
}

/** Durations that pass the pattern and are longer than anything can be (ten years). */
export function checkDurations(context: CheckContext): readonly Finding[] {
  const findings: Finding[] = [];
  for (const ring of context.rings) {
    const { soak, deferral, deadline, gracePeriod, drain, gates } = ring.spec;
    const durations: [Pointer, string | undefined][] = [
      [["spec", "soak"], soak],
      [["spec", "deferral"], deferral],
      [["spec", "deadline"], deadline],
      [["spec", "gracePeriod"], gracePeriod],
      [["spec", "drain", "timeout"], drain?.timeout],
      ...(gates ?? []).flatMap((gate, index): [Pointer, string | undefined][] =>
        (["promQL", "alerts", "cel"] as const).map((member) => [
          ["spec", "gates", index, member, "for"],
          gate[member]?.for,
        ]),
      ),
    ];
    for (const [pointer, text] of durations) judgeDuration(ring, pointer, text, findings);
  }
  for (const baseline of context.baselines) {
    const { inventory } = baseline.spec.node ?? {};
    judgeDuration(baseline, ["spec", "node", "inventory", "interval"], inventory?.interval, findings);
    judgeDuration(baseline, ["spec", "node", "inventory", "staleAfter"], inventory?.staleAfter, findings);
  }
  for (const recipe of context.recipes) {
    for (const [step, settings] of Object.entries(recipe.spec.steps ?? {})) {
      judgeDuration(recipe, ["spec", "steps", step, "timeout"], settings.timeout, findings);
    }
  }
  return findings;
}

function judgeDuration(
  object: ObjectOf<"RolloutRing" | "PatchBaseline" | "UpdateRecipe">,
  pointer: Pointer,
  text: string | undefined,
  findings: Finding[],
): void {
  if (text === undefined || parseDuration(text) !== undefined) return;
  findings.push(error(object, pointer, "DurationTooLong", `${text} is longer than ten years`, "write a shorter one"));
}

/** An expression that cannot be read would keep its gate shut for ever. */
export function checkGateExpressions(context: CheckContext): readonly Finding[] {
  return context.rings.flatMap((ring) =>
    (ring.spec.gates ?? []).flatMap(({ cel }, index) => {
      if (cel === undefined) return [];
      const compiled = compileGateExpression(cel.expression, cel.name === undefined ? "objects" : "object");
      if (compiled.ok) return [];
      const place = compiled.at === undefined ? "" : `at character ${compiled.at + 1}: `;
      const hint =
        cel.name === undefined
          ? "with selector the list is called objects: objects.all(o, …)"
          : "with name the object is called object: object.status.…";
      return [
        error(
          ring,
          ["spec", "gates", index, "cel", "expression"],
          "GateExpression",
          `${place}${compiled.message}`,
          hint,
        ),
      ];
    }),
  );
}

/** Membership should not rest on labels that a node may write itself (NodeRestriction admission). */
export function checkSelfWrittenLabels(context: CheckContext): readonly Finding[] {
  return context.rings.flatMap((ring: Ring) => {
    const selector = ring.spec.members.nodes?.selector;
    if (selector === undefined) return [];
    return keysOf(selector).flatMap(([key, pointer]) =>
      isSelfWritten(key)
        ? [
            warning(
              ring,
              ["spec", "members", "nodes", "selector", ...pointer],
              "SelfWrittenLabel",
              `a node may write the label "${key}" itself, and so choose its ring`,
              "use a label with the prefix node-restriction.kubernetes.io/",
            ),
          ]
        : [],
    );
  });
}

function keysOf(selector: LabelSelector): [string, Pointer][] {
  return [
    ...Object.keys(selector.matchLabels ?? {}).map((key): [string, Pointer] => [key, ["matchLabels", key]]),
    ...(selector.matchExpressions ?? []).map(({ key }, index): [string, Pointer] => [
      key,
      ["matchExpressions", index, "key"],
    ]),
  ];
}

/** Labels under kubernetes.io and k8s.io that a kubelet may set on its node (Kubernetes, NodeRestriction; kubelet's well-known labels). */
const KUBELET_LABELS = new Set([
  "kubernetes.io/hostname",
  "kubernetes.io/arch",
  "kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/instance-type",
  "node.kubernetes.io/instance-type",
  "failure-domain.beta.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "topology.kubernetes.io/zone",
]);

export function isSelfWritten(key: string): boolean {
  const prefix = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
  const within = (domain: string): boolean => prefix === domain || prefix.endsWith(`.${domain}`);
  if (within("node-restriction.kubernetes.io")) return false;
  if (within("kubelet.kubernetes.io") || within("node.kubernetes.io")) return true;
  return within("kubernetes.io") || within("k8s.io") ? KUBELET_LABELS.has(key) : true;
}
