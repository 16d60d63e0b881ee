// The controller's pod as the chart renders it, as a process in the root of a built image.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "../../../controller/kube/port.ts";
import type { Helm } from "../../chart/support/helm.ts";
import { KINDS_THERE, only, podOf, render } from "../../chart/support/objects.ts";
import { type Container, type PodSecurity, type PreparedPod, preparePod } from "../../support/pod-process.ts";
import type { ImageConfig } from "./builder.ts";
import { GIT_HOST, type Surroundings } from "./surroundings.ts";

/** Where the chart mounts the Secret `ringward-git`. */
const SECRET = "/run/secrets/ringward/git";
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Credentials of each way to the repository. */
export const AUTH = {
  https: { tokenFile: `${SECRET}/token`, caFile: `${SECRET}/ca.crt` },
  ssh: { sshKeyFile: `${SECRET}/ssh-key`, knownHostsFile: `${SECRET}/known_hosts` },
} as const;

interface Pod {
  readonly containers: readonly [Container & { readonly resources: { readonly limits: { readonly memory: string } } }];
  readonly securityContext: PodSecurity;
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
  readonly terminationGracePeriodSeconds: number;
}

export interface ChartPod extends PreparedPod {
  readonly spec: Pod;
  /** The object that the same values make. */
  readonly repository: KubeObject;
}

export interface ChartPodOptions {
  readonly helm: Helm;
  readonly image: { readonly root: string; readonly config: ImageConfig };
  readonly surroundings: Surroundings;
  /** A folder of its own. */
  readonly folder: string;
}

/** Renders it with a policy repository over https, of which every commit must be signed. */
export async function prepareChartPod({ helm, image, surroundings, folder }: ChartPodOptions): Promise<ChartPod> {
  const spec = {
    url: surroundings.httpsUrl,
    clusterName: "image",
    interval: "5s",
    auth: AUTH.https,
    commits: { authorName: "Ringward", authorEmail: "ringward@example.test", signingKeyFile: `${SECRET}/signing-key` },
    verification: {
      mode: "Strict",
      allowedSignersFile: `${SECRET}/allowed_signers`,
      keyringFile: `${SECRET}/keyring.asc`,
    },
  };
  const values = { secretMounts: [{ name: "git", secret: "ringward-git" }], policyRepository: { spec } };
  const file = join(folder, "values.json");
  writeFileSync(file, JSON.stringify(values));
  const manifests = await render(helm, [], [...KINDS_THERE, "--values", file]);
  const pod = podOf(manifests) as unknown as Pod;
  const [container] = pod.containers;
  // What an API server's admission adds.
  const account = { name: "kube-api-access", mountPath: ACCOUNT, readOnly: true };
  const hosts = join(folder, "hosts");
  writeFileSync(hosts, `127.0.0.1 localhost\n127.0.0.1 ${GIT_HOST}\n`);
  const prepared = await preparePod({
    name: "ringward-controller-0",
    folder: join(folder, "pod"),
    root: {
      folder: image.root,
      environment: Object.fromEntries(image.config.Env.map((one) => one.split(/=(.*)/s).slice(0, 2))),
      workingDirectory: image.config.WorkingDir,
      // As a runtime does it.
      script: `bind /dev /dev rw\nbind /proc /proc rw\nbind '${hosts}' /etc/hosts ro`,
    },
    container: { ...container, volumeMounts: [...container.volumeMounts, account] },
    security: pod.securityContext,
    volumes: new Map([
      ...pod.volumes.map(({ name, secret }) => [name, secret === undefined ? undefined : surroundings.secret] as const),
      ["kube-api-access", surroundings.account] as const,
    ]),
    environment: surroundings.environment,
  });
  return { ...prepared, spec: pod, repository: only(manifests, "PolicyRepository") as unknown as KubeObject };
}
