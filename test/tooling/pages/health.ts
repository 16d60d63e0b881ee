// Health checks of Ringward's kinds for Argo CD (Lua) and Flux (CEL), out of the table of reasons: what waits as it was meant to is not a
// failure, and a reason that these files do not know is one.
import { describeReason, type Reason, REASONS } from "../../../controller/api/reasons.ts";

export const HEALTH_FOLDER = "charts/ringward/files/health";

/** A person has to act, and that is how it was meant: an approval, a brake that somebody drew. */
const MEANT: readonly Reason[] = [
  "WaitingForApproval",
  "RingSuspended",
  "RepositorySuspended",
  "Observing",
  "Stopped",
  "ReleasedByPerson",
];

/** Reasons that are no failure. A target that vanished under way counts as failed, although nobody can do anything about it. */
export const HELD: readonly Reason[] = REASONS.filter(
  (reason) => reason !== "TargetVanished" && (describeReason(reason).care !== "person" || MEANT.includes(reason)),
).toSorted();

/** Kinds that say in conditions how they are. */
export const JUDGED = [
  "RolloutRing",
  "PatchBaseline",
  "PolicyRepository",
  "NodePatchState",
  "WorkloadPatchState",
] as const;
/** Those of them that Git holds, and Flux applies. */
const APPLIED = ["RolloutRing", "PatchBaseline", "PolicyRepository"] as const;

const HEAD = "Made by `npm run generate` from controller/api/reasons.ts. Do not edit.";

/** All files, by path from the checkout's root. */
export function healthFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...JUDGED.map((kind) => [`${HEALTH_FOLDER}/argocd/${kind}.lua`, conditionsLua(kind)] as const),
    [`${HEALTH_FOLDER}/argocd/DisruptionLedger.lua`, LEDGER_LUA],
    [`${HEALTH_FOLDER}/argocd-cm.yaml`, configMap()],
    [`${HEALTH_FOLDER}/flux.yaml`, fluxChecks()],
  ]);
}

function conditionsLua(kind: (typeof JUDGED)[number]): string {
  const suspendable = kind === "RolloutRing" || kind === "PolicyRepository";
  const also = suspendable ? " and suspended == nil" : "";
  return `-- ${HEAD}
-- Health of a ${kind} for Argo CD: Stalled is Degraded, or Suspended where it waits as it was meant to; Reconciling is Progressing.
local held = {
${wrap(HELD.map((reason) => `${reason} = true`)).join("\n")}
}
local status = obj.status
${suspendable ? SUSPENDED_LUA : ""}if status == nil or status.conditions == nil then
  return ${suspendable ? "suspended or " : ""}{ status = "Progressing", message = "Ringward has not looked at it yet" }
end
local generation = obj.metadata.generation
if status.observedGeneration ~= nil and generation ~= nil and status.observedGeneration < generation then
  return { status = "Progressing", message = "Ringward has not looked at this version yet" }
end
${suspendable ? "local health = suspended or" : "local health ="} { status = "Progressing", message = "Ringward says nothing of it yet" }
for _, condition in ipairs(status.conditions) do
  if condition.type == "Stalled" and condition.status == "True" then
    local word = "Degraded"
    if held[condition.reason] then
      word = "Suspended"
    end
    return { status = word, message = condition.reason .. ": " .. condition.message }
  end
  if condition.type == "Reconciling" and condition.status == "True"${also} then
    health = { status = "Progressing", message = condition.reason .. ": " .. condition.message }
  end
  if condition.type == "Ready" and condition.status == "True"${also} then
    health = { status = "Healthy", message = condition.message }
  end
end
return health
`;
}

const SUSPENDED_LUA = `local suspended = nil
if obj.spec ~= nil and obj.spec.suspend == true then
  suspended = { status = "Suspended", message = "spec.suspend is set" }
end
`;

const LEDGER_LUA = `-- ${HEAD}
-- Health of the DisruptionLedger for Argo CD: a mode is what people chose, and Stop is a brake.
local mode = "Observe"
if obj.spec ~= nil and obj.spec.mode ~= nil then
  mode = obj.spec.mode
end
if mode == "Stop" then
  return { status = "Suspended", message = "mode Stop: nothing starts, and what is in flight is brought to safety" }
end
if mode == "Observe" then
  return { status = "Healthy", message = "mode Observe: nothing is touched" }
end
return { status = "Healthy", message = "mode " .. mode }
`;

/** \`a, b,\` in lines of a readable length. */
function wrap(words: readonly string[]): readonly string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length + 2 > 118) lines.push(`  ${word},`);
    else lines[lines.length - 1] = `${last} ${word},`;
  }
  return lines;
}

function configMap(): string {
  const kinds = [...JUDGED, "DisruptionLedger"] as const;
  const entries = kinds.map((kind) => {
    const lua = kind === "DisruptionLedger" ? LEDGER_LUA : conditionsLua(kind);
    const body = lua
      .trimEnd()
      .split("\n")
      .map((line) => (line === "" ? "" : `    ${line}`))
      .join("\n");
    return `  resource.customizations.health.ringward.dev_${kind}: |\n${body}\n`;
  });
  return `# ${HEAD}
# Merge into Argo CD's own ConfigMap: kubectl patch configmap argocd-cm -n argocd --patch-file argocd-cm.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
data:
${entries.join("")}`;
}

function fluxChecks(): string {
  const held = HELD.map((reason) => `'${reason}'`).join(", ");
  const stalled = "status.conditions.exists(c, c.type == 'Stalled' && c.status == 'True'";
  const checks = APPLIED.map(
    (kind) => `  - apiVersion: ringward.dev/v1alpha1
    kind: ${kind}
${
  kind === "PolicyRepository"
    ? `    inProgress: >-
      !has(status.conditions) || status.conditions.exists(c, c.type == 'Reconciling' && c.status == 'True')
`
    : `    inProgress: >-
      !has(status.conditions)
`
}    failed: >-
      ${stalled} && !(c.reason in [${held}]))
    current: >-
      status.conditions.exists(c, c.type == 'Ready')
`,
  );
  return `# ${HEAD}
# For a Flux Kustomization that applies policy: spec.healthCheckExprs. It is ready when the policy is in force, not when the fleet is patched: that
# may take weeks. To wait for that, too, write of a ring: current: status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')
healthCheckExprs:
${checks.join("")}`;
}
