// The table of built-in kinds with rules of their own; a kind that is not here is stored as it is decoded.
import type { Resource } from "../resources.ts";
import { customResourceDefinition } from "../crd/definition.ts";
import type { Kind } from "./kind.ts";
import { event } from "./events.ts";
import { cronJob, job } from "./jobs.ts";
import {
  configMap,
  controllerRevision,
  lease,
  namespace,
  node,
  podDisruptionBudget,
  priorityClass,
  roleBinding,
  roleObject,
  secret,
  service,
} from "./others.ts";
import { pod } from "./pods.ts";
import { daemonSet, deployment, replicaSet, statefulSet } from "./workloads.ts";

const KINDS: Readonly<Record<string, Kind>> = {
  configmaps: configMap,
  events: event,
  namespaces: namespace,
  nodes: node,
  pods: pod,
  secrets: secret,
  services: service,
  "controllerrevisions.apps": controllerRevision,
  "daemonsets.apps": daemonSet,
  "deployments.apps": deployment,
  "replicasets.apps": replicaSet,
  "statefulsets.apps": statefulSet,
  "cronjobs.batch": cronJob,
  "jobs.batch": job,
  "leases.coordination.k8s.io": lease,
  "poddisruptionbudgets.policy": podDisruptionBudget,
  "priorityclasses.scheduling.k8s.io": priorityClass,
  "customresourcedefinitions.apiextensions.k8s.io": customResourceDefinition,
  "clusterroles.rbac.authorization.k8s.io": roleObject,
  "clusterrolebindings.rbac.authorization.k8s.io": roleBinding,
  "roles.rbac.authorization.k8s.io": roleObject,
  "rolebindings.rbac.authorization.k8s.io": roleBinding,
};

/** The rules of a resource's kind. */
export function kindOf(resource: Resource): Kind {
  return resource.custom === undefined ? (KINDS[resource.storage] ?? {}) : {};
}
