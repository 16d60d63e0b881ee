// Alerts about policy and its brakes: the repository, approvals, exceptions, and what people have switched off.
import type { Alert } from "../alert.ts";

const BRAKE = (reason: string): string => `max by (cluster) (ringward_brake{reason="${reason}"}) > 0`;
const REPOSITORY = `\`\`\`sh
kubectl get policyrepositories
kubectl describe policyrepositories
kubectl -n ringward-system logs deployment/ringward-controller --tail=200 | grep PolicyRepository
\`\`\``;

export const POLICY_ALERTS: readonly Alert[] = [
  {
    name: "PolicySyncFailing",
    severity: "warning",
    // One that was never fetched has no time of its last fetch, but an interval.
    expr: `time() - max by (cluster) (ringward_policy_last_sync_timestamp_seconds) > on (cluster) clamp_min(2 * max by (cluster) (ringward_policy_sync_interval_seconds), 1800) or Inf * max by (cluster) (ringward_policy_sync_interval_seconds) unless on (cluster) ringward_policy_last_sync_timestamp_seconds`,
    for: "10m",
    summary: "The policy repository is not read.",
    description:
      "{{ if gt $value 1e12 }}It was never fetched.{{ else }}It was last fetched {{ $value | humanizeDuration }} ago.{{ end }}",
    dashboard: "ringward-controller",
    meaning:
      "No fetch of the policy repository has succeeded for 30 minutes, or for two of its intervals where they are longer, or none ever has.",
    impact:
      "Approvals and withdrawals that were merged since are not seen. What is in flight goes on; after `maxStaleness` (an hour where nothing else is said) nothing new starts (`RepositoryStale`).",
    diagnosis: `${REPOSITORY}

The condition \`Ready\` says what git answered.`,
    mitigation:
      "Mend the credentials, the address or the network. `ringward reconcile` looks at once. For one that says `suspend: true` the alert is silent.",
  },
  {
    name: "HistoryRewritten",
    severity: "critical",
    expr: BRAKE("HistoryRewritten"),
    for: "1m",
    summary: "The tracked branch of the policy repository was rewritten.",
    description: "The branch did not move fast-forward. Nothing is claimed until a person acknowledges its head.",
    dashboard: "ringward-rollout",
    meaning:
      "The head that was fetched does not contain the one that was in force: somebody pushed with force, or restored a backup.",
    impact:
      "Nothing new starts in any ring; what has not begun its update is backed out, the rest finishes. The old commit stays in force.",
    diagnosis: `${REPOSITORY}

The message names both commits. In a clone, \`git log OLD..NEW\` and \`git log NEW..OLD\` show what came and what is gone; the forge's audit log shows who did it.`,
    mitigation:
      'If the new head is what should be in force, set it: `kubectl patch policyrepositories NAME --type merge -p \'{"spec":{"acknowledgedCommit":"NEW"}}\'`. If not, push the old head back. Then protect the branch against force pushes.',
  },
  {
    name: "SignatureInvalid",
    severity: "critical",
    expr: BRAKE("SignatureInvalid"),
    for: "1m",
    summary: "A commit of the policy repository is not signed by anybody who is trusted.",
    description: "What was verified last stays in force, and nothing starts.",
    dashboard: "ringward-rollout",
    meaning:
      "`spec.verification` asks for signatures, and a commit between the verified head and the new one has none that is trusted, or that could not be checked.",
    impact: "Nothing new starts in any ring. What is in flight ends under the policy that was verified last.",
    diagnosis: `${REPOSITORY}

In a clone, \`git log --show-signature\` shows who signed what.`,
    mitigation:
      "If the commit is legitimate, add its signer to the mounted file of trusted keys. If it is not, revert it with a signed commit and find out who could push it.",
  },
  {
    name: "PolicyInvalid",
    severity: "warning",
    expr: `max by (cluster) (ringward_policy_problems) > 0`,
    for: "15m",
    summary: "Documents of the policy repository cannot be read.",
    description: "{{ $value }} errors stand in the policy that is in force.",
    dashboard: "ringward-controller",
    meaning:
      "Files on the tracked branch have errors. What they held at the last good commit does not start anything any more.",
    impact: "Rings that use what these files held start nothing; others go on.",
    diagnosis: `\`\`\`sh
kubectl get policyrepositories -o yaml
ringward validate policy/
\`\`\`

\`status.problems\` lists file, line and what to do; \`ringward validate\` says the same in a checkout.`,
    mitigation: "Mend or revert the files by a pull request, and make `ringward validate` a check that has to pass.",
  },
  {
    name: "Stopped",
    severity: "warning",
    expr: `max by (cluster) (ringward_mode{mode="Stop"}) == 1`,
    for: "1h",
    summary: "Ringward has been stopped for an hour.",
    description: "The ledger's mode is Stop: nothing starts, and what was in flight was brought to safety.",
    dashboard: "ringward-rollout",
    meaning: "A person set `mode: Stop`, and nobody has set another one for an hour.",
    impact: "No node and no workload is patched. Nobody but a person can change that.",
    diagnosis: `\`\`\`sh
kubectl get disruptionledgers cluster -o yaml
kubectl get events -A --field-selector reason=RequestedByPerson
\`\`\``,
    mitigation:
      "When what was wrong is mended: `ringward enforce`. To go on looking without touching anything: `ringward observe`.",
  },
  {
    name: "LedgerRebuilding",
    severity: "warning",
    expr: BRAKE("LedgerRebuilding"),
    for: "15m",
    summary: "The ledger of claims is not complete.",
    description:
      "Claims that stand on nodes or workloads are missing in the ledger; nothing is claimed until they are back.",
    dashboard: "ringward-rollout",
    meaning:
      "The DisruptionLedger is new or was restored from a backup, or objects bear marks of claims that it lacks. It is filled again from those marks, which takes seconds.",
    impact: "Nothing new starts.",
    diagnosis: `\`\`\`sh
kubectl get disruptionledgers cluster -o yaml
kubectl -n ringward-system logs deployment/ringward-controller --tail=200 | grep DisruptionLedger
\`\`\``,
    mitigation:
      "If the log says that the ledger cannot be written, mend that (permissions, an admission webhook, etcd's quota). Do not remove marks from nodes by hand: `ringward release` does it with the claim.",
  },
  {
    name: "LedgerNearlyFull",
    severity: "warning",
    expr: `sum by (cluster) (ringward_claims) > 0.9 * max by (cluster) (ringward_claims_limit)`,
    for: "15m",
    summary: "The ledger of claims is nearly full.",
    description: "{{ $value }} claims are held.",
    dashboard: "ringward-rollout",
    meaning: "More than nine tenths of the claims that a ledger can hold are held.",
    impact: "When it is full nothing more is claimed (`LedgerFull`).",
    diagnosis: `\`\`\`sh
ringward status
kubectl get nodepatchstates
kubectl get workloadpatchstates -A
\`\`\`

Many claims in step \`Failed\` are a bad rollout; many others are budgets that are very wide.`,
    mitigation:
      "Decide on failed targets: `ringward retry` or `ringward release`. Tighten `budget` of rings, or `limits` of the ledger.",
  },
  {
    name: "ApprovalWaiting",
    severity: "info",
    expr: `time() - min by (cluster, ring) (ringward_approval_oldest_timestamp_seconds) > 86400`,
    for: "5m",
    summary: "A pull request has asked for an approval for a day.",
    description: "The oldest one of ring {{ $labels.ring }} has been open for {{ $value | humanizeDuration }}.",
    dashboard: "ringward-rollout",
    meaning: "A proposal of Ringward's has been open for more than a day.",
    impact: "The ring, and all that come after it, stay at their level.",
    diagnosis: `\`\`\`sh
ringward status
\`\`\`

The pull request's page holds the evidence: what changes, what was proven in the rings before, and what would move.`,
    mitigation: "Merge it, or close it without merging: then that level is not proposed again until somebody asks.",
  },
  {
    name: "ExceptionExpiring",
    severity: "info",
    expr: `min by (cluster) (ringward_exception_next_expiration_timestamp_seconds) - time() < 604800`,
    for: "1h",
    summary: "An exception ends within a week.",
    description: "The next one ends in {{ $value | humanizeDuration }}.",
    dashboard: "ringward-fleet",
    meaning: "A PatchException that holds now will not in seven days.",
    impact:
      "From then on its targets count as every other: they are not compliant, and they are updated where their ring is approved.",
    diagnosis: `\`\`\`sh
kubectl get patchexceptions
\`\`\``,
    mitigation:
      "Ask its owner: let it end, or renew it with a new `expirationTime` and a justification by pull request.",
  },
];
