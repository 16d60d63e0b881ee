// What every object of the installation is made of. Plain data: the same settings give the same bytes.

/** Where and for whom Ringward is installed. */
export interface InstallSettings {
  /** Namespace of the controller, its account and its Lease. */
  readonly namespace: string;
  /** Prefixes of images that recipes may run on nodes; none: no recipe runs. See core/recipe-images.ts. */
  readonly recipeImages: readonly string[];
  /** Kinds that CEL gates may read beside those that the controller reads anyway, as `APIVERSION/RESOURCE`. */
  readonly gateResources?: readonly string[];
}

/** A Kubernetes object as it is applied. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Name of the ServiceAccount that the controller runs as. */
export const ACCOUNT = "ringward-controller";
export const DEFAULT_NAMESPACE = "ringward-system";

/** On everything that is installed, so that it can be found: `kubectl get all,clusterrole -l app.kubernetes.io/part-of=ringward`. */
export const LABELS: Readonly<Record<string, string>> = { "app.kubernetes.io/part-of": "ringward" };

/** How the API server calls the account. */
export function accountName({ namespace }: Pick<InstallSettings, "namespace">): string {
  return `system:serviceaccount:${namespace}:${ACCOUNT}`;
}
