// Minors of Kubernetes versions: what its version skew policy (kubernetes.io, "Version Skew Policy") speaks about. Pure.
// What cannot be read has no minor, and callers must not take that for "fine".

/** How many minors a kubelet may be older than the API server (KEP-3935; the n-3 policy since 1.28). */
export const OLDEST_KUBELET_MINORS = 3;

/** The minor of `v1.31.4`, `1.31.4-eks-1`, `v1.31.4+k3s1`; undefined for what is none. */
export function kubernetesMinor(version: string): number | undefined {
  const match = /^v?1\.(\d{1,4})(?:\.|$)/.exec(version);
  return match === null ? undefined : Number(match[1]);
}

/** Whether going from one kubelet to another changes its minor, as far as both can be read. */
export function crossesMinor(running: string, wanted: string): boolean {
  const [from, to] = [kubernetesMinor(running), kubernetesMinor(wanted)];
  return from !== undefined && to !== undefined && from !== to;
}
