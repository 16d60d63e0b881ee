// A PodDisruptionBudget as the core sees it. Must never throw (V4).
import type { LabelSelector, PdbAsset } from "../core/model.ts";
import { countOf, fieldsAt, isFields, listOf, stringsOf, textOf } from "./fields.ts";
import { identify, type Projected } from "./projected.ts";

/** Projects a budget. A status that the disruption controller has not written yet allows nothing. */
export function projectPdb(object: unknown): Projected<PdbAsset> {
  const identity = identify("PodDisruptionBudget", true, object);
  if (!identity.ok) return identity;
  const { name, namespace } = identity.value;
  const status = fieldsAt(object, "status");
  const spec = fieldsAt(object, "spec");
  const { generation } = identity.value;
  const outdated = generation !== undefined && countOf(status["observedGeneration"]) < generation;
  return {
    ok: true,
    value: {
      namespace,
      name,
      selector: selectorOf(spec["selector"]),
      disruptionsAllowed: countOf(status["disruptionsAllowed"]),
      currentHealthy: countOf(status["currentHealthy"]),
      desiredHealthy: countOf(status["desiredHealthy"]),
      expectedPods: countOf(status["expectedPods"]),
      ...(outdated ? { outdated } : {}),
      ...(spec["unhealthyPodEvictionPolicy"] === "AlwaysAllow" ? { alwaysAllowsUnhealthy: true } : {}),
    },
  };
}

type Term = NonNullable<LabelSelector["matchExpressions"]>[number];

/** policy/v1: no selector selects nothing, an empty one every pod of the namespace. */
function selectorOf(value: unknown): LabelSelector | undefined {
  if (!isFields(value)) return undefined;
  const terms = listOf(value["matchExpressions"]).map((one): Term => {
    const { key, operator, values } = fieldsAt(one);
    return {
      key: textOf(key, 317),
      operator: textOf(operator, 16) as Term["operator"],
      values: listOf(values).map((text) => textOf(text, 63)),
    };
  });
  return {
    ...(isFields(value["matchLabels"]) ? { matchLabels: stringsOf(value["matchLabels"]) } : {}),
    ...(terms.length > 0 ? { matchExpressions: terms } : {}),
  };
}
