// What a Plan says beside its spec, or by a container that needs a token: that it waits for another Plan (`prepare OTHER`, as the images of k3s
// and rke2 do), and nodes that a label takes out. A recipe's job has no token, so the first becomes a gate of the ring. Pure.
import type { RolloutRingSpec } from "../../api/rollout-ring.ts";
import type { LabelSelector } from "../../api/schema.ts";
import type { Ruling } from "./fate.ts";
import { type Fields, fieldsOf, textOf, textsOf } from "./fields.ts";
import { kubeletOf, selectorOf } from "./suc-fields.ts";

type Gate = NonNullable<RolloutRingSpec["gates"]>[number];

export interface Waiting {
  /** The Plan that is waited for. */
  readonly plan: string;
  /** Undefined: nothing here can wait for it. */
  readonly gate: Gate | undefined;
  readonly ruling: Ruling;
}

/**
 * The Plan that `prepare` waits for (rancher/k3s-upgrade and rancher/rke2-upgrade: the arguments `prepare NAME`); undefined: it is a step
 * of another kind.
 */
export function findWaiting(spec: Fields, plans: readonly unknown[]): Waiting | undefined {
  const { image, command, args } = fieldsOf(spec["prepare"]);
  const [word, plan = "", ...more] = textsOf(args);
  const known = /(^|\/)(k3s|rke2)-upgrade(:|@|$)/.test(textOf(image));
  if (!known || textsOf(command).length > 0 || word !== "prepare" || plan === "" || more.length > 0) return undefined;
  const setting = "spec.prepare";
  const value = `prepare ${plan}`;
  const other = plans.map(fieldsOf).find(({ metadata }) => textOf(fieldsOf(metadata)["name"]) === plan);
  const gate = other === undefined ? undefined : gateOf(fieldsOf(other["spec"]));
  const text =
    other === undefined
      ? `it waits for Plan ${plan}, which was not read: give both, or write a gate of type CEL over nodes`
      : `it waits for Plan ${plan}, which names no version or selects all nodes: write a gate of type CEL over nodes`;
  return {
    plan,
    gate,
    ruling:
      gate === undefined
        ? { setting, value, fate: "Lost", text }
        : {
            setting,
            value,
            fate: "Mapped",
            text: `gate ${gate.name} of the ring, over the kubelets of that Plan's nodes`,
          },
  };
}

/** Open while every node of the other Plan runs its version. */
function gateOf(spec: Fields): Gate | undefined {
  const selector = selectorOf(spec["nodeSelector"]);
  const kubelet = kubeletOf(textOf(fieldsOf(spec["upgrade"])["image"]), textOf(spec["version"]));
  if (selector === undefined || kubelet === undefined) return undefined;
  const expression = `objects.all(n, n.status.nodeInfo.kubeletVersion == "v${kubelet}")`;
  return { name: "prepared", type: "CEL", cel: { apiVersion: "v1", resource: "nodes", selector, expression } };
}

/** Names of nodes that a label takes out of the Plan. */
export function findDisabled(name: string, objects: readonly unknown[]): readonly string[] {
  return objects.flatMap((object) => {
    const { kind, metadata } = fieldsOf(object);
    const { labels, name: node } = fieldsOf(metadata);
    return kind === "Node" && fieldsOf(labels)[optOutLabel(name)] === "disabled" ? [textOf(node)] : [];
  });
}

/** The selector without nodes that are taken out. */
export function withoutDisabled(name: string, selector: LabelSelector | undefined): LabelSelector {
  const term = { key: optOutLabel(name), operator: "NotIn" as const, values: ["disabled"] };
  return { ...selector, matchExpressions: [...(selector?.matchExpressions ?? []), term] };
}

const optOutLabel = (name: string): string => `plan.upgrade.cattle.io/${name}`;
