// Every admission policy of the installation, in a fixed order.
import type { InstallSettings, Manifest } from "../manifest.ts";
import { accountPolicy } from "./account.ts";
import { jobPodPolicies } from "./job-pods.ts";
import { jobPolicies } from "./jobs.ts";
import { ledgerPolicy } from "./ledger.ts";
import { nodePolicy } from "./nodes.ts";
import { policyCopiesPolicy } from "./policy-copies.ts";
import { signPolicies } from "./signs.ts";
import { workloadPolicy } from "./workloads.ts";

/** Policies, each followed by its binding. */
export function admissionManifests(settings: InstallSettings): readonly Manifest[] {
  return [
    accountPolicy,
    nodePolicy,
    workloadPolicy,
    ledgerPolicy,
    policyCopiesPolicy,
    signPolicies,
    jobPolicies,
    jobPodPolicies,
  ].flatMap((policies) => policies(settings));
}
