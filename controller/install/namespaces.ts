// The two namespaces and the account. The controller's own is held to the strictest Pod Security level; that of the jobs allows what a
// recipe needs on a node, and is held to the shape of a recipe's step by policies of its own (policies/jobs.ts, policies/job-pods.ts).
import { JOB_NAMESPACE } from "../nodes/recipe-job.ts";
import { ACCOUNT, type InstallSettings, LABELS, type Manifest } from "./manifest.ts";

function namespace(name: string, level: "restricted" | "privileged"): Manifest {
  const labels = Object.fromEntries(
    ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, level]),
  );
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels: { ...LABELS, ...labels } } };
}

/** Namespaces first, then what is in them. */
export function namespaceManifests(settings: InstallSettings): readonly Manifest[] {
  return [
    namespace(settings.namespace, "restricted"),
    namespace(JOB_NAMESPACE, "privileged"),
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: ACCOUNT, namespace: settings.namespace, labels: LABELS },
    },
  ];
}
