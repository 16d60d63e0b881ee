// A change of policy that a person might make in the quickstart: half of ring early goes before the other half, in a ring of its own.

/** The files of rings that change, from the text of `rings/early.yaml`. */
export function pilotRing(early: string): Readonly<Record<"rings/early.yaml" | "rings/pilot.yaml", string>> {
  const selector = "selector: { matchLabels: { node-restriction.kubernetes.io/ring: early } }";
  const nodes = `${selector}\n      percent: 50`;
  return {
    "rings/early.yaml": early.replace(selector, nodes).replace("[canary]", "[pilot]"),
    "rings/pilot.yaml": early
      .replace("name: early", "name: pilot")
      .replace(selector, nodes)
      .replace(/ {4}workloads:\n.*\n.*mode: Patch\n/, "")
      .replace("    - baseline: shared-images\n", "")
      .replace("soak: 10m", "soak: 2h"),
  };
}
