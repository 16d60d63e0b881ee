// The conditions of what reconcile/ writes: the same that kube/ puts on a target whose operation is under way (S2).
export { essenceOf, type Health, summarise } from "../kube/conditions.ts";
