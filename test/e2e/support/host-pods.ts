// Pods of one namespace as real processes of this machine. The sandbox's kubelets report pods without running anything in them; this starts
// what the pod says (pod-process.ts), with a token of its ServiceAccount that the API server bound to the pod. What ends is started again;
// what is deleted is asked to end.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../../../controller/clock.ts";
import type { Client } from "../../../controller/kube/client.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import { PODS } from "../../../controller/kube/resources.ts";
import {
  type Container,
  type PodRoot,
  type PodSecurity,
  type PreparedPod,
  preparePod,
  quote,
} from "../../support/pod-process.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Program } from "./processes.ts";

const CHECKOUT = new URL("../../..", import.meta.url).pathname;

interface Volume {
  readonly name: string;
  readonly emptyDir?: object;
  readonly secret?: { readonly secretName: string };
  readonly projected?: { readonly sources: readonly Source[] };
}

interface Source {
  readonly serviceAccountToken?: { readonly path: string; readonly expirationSeconds: number };
  readonly configMap?: {
    readonly name: string;
    readonly items: readonly { readonly key: string; readonly path: string }[];
  };
  readonly downwardAPI?: {
    readonly items: readonly { readonly path: string; readonly fieldRef: { readonly fieldPath: string } }[];
  };
}

export interface HostPod extends KubeObject {
  readonly spec: {
    readonly nodeName: string;
    readonly serviceAccountName: string;
    readonly volumes: readonly Volume[];
    readonly containers: readonly [Container];
    readonly securityContext: PodSecurity;
  };
}

/** A pod whose process runs. */
export interface RunningPod {
  readonly pod: HostPod;
  readonly pid: number;
  /** Where it listens on 127.0.0.1, by the port's name. */
  readonly ports: Readonly<Record<string, number>>;
}

export interface HostPods {
  running(): readonly RunningPod[];
  /** Kills the pod's process without a word. It stays down, as one that is backed off does, until `mend`. */
  crash(name: string): void;
  /** What was crashed is started again. */
  mend(): void;
  /** How many processes were started. */
  started(): number;
  /** The end of what they printed. */
  output(): string;
  /** What this itself could not do, one line each. */
  readonly errors: readonly string[];
  stop(): Promise<void>;
}

interface Run {
  readonly pod: HostPod;
  readonly prepared: PreparedPod;
  program: Program;
  ending: boolean;
  down: boolean;
}

/** What `kubectl exec` would do: runs a command beside a pod's process, as its user, in its root and with its environment. Answers what it printed. */
export function execIn(
  { pod, pid }: { readonly pod: HostPod; readonly pid: number },
  words: readonly string[],
): Promise<string> {
  const { runAsUser, runAsGroup } = pod.spec.securityContext;
  const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
  const args = [
    ...[`--target=${pid}`, "--mount", "--uts", "--root", "--wd", `--setuid=${runAsUser}`, `--setgid=${runAsGroup}`],
    ...["/usr/bin/env", "--ignore-environment", ...environment, ...words],
  ];
  return new Promise((resolve, reject) => {
    execFile("nsenter", args, { timeout: 120_000 }, (error, out, err) => {
      // 1 is an answer, too: something was found.
      if (error === null || error.code === 1) resolve(out);
      else reject(new Error(`${words.join(" ")} in pod ${pod.metadata.name}: ${err}${out}`));
    });
  });
}

/** Looks at the namespace until it is stopped. */
export function runHostPods(options: {
  readonly plane: Pick<ControlPlane, "url" | "directory">;
  readonly client: Client;
  readonly namespace: string;
}): HostPods {
  const runs = new Map<string, Run>();
  const errors: string[] = [];
  const abort = new AbortController();
  let started = 0;
  const start = async (pod: HostPod): Promise<Run> => {
    const prepared = await prepare(options, pod);
    started += 1;
    return { pod, prepared, program: await prepared.launch(), ending: false, down: false };
  };
  const look = async (): Promise<void> => {
    const pods = (await options.client.list(PODS, { namespace: options.namespace })).items as readonly HostPod[];
    for (const [uid, run] of runs) {
      const now = pods.find(({ metadata }) => metadata.uid === uid);
      if (now !== undefined && now.metadata.deletionTimestamp === undefined) {
        if (run.program.running || run.down) continue;
        started += 1;
        run.program = await run.prepared.launch();
      } else if (!run.ending) {
        run.ending = true;
        run.program.signal("SIGTERM");
      }
    }
    for (const pod of pods) {
      const { uid = "", deletionTimestamp } = pod.metadata;
      const { phase } = (pod.status ?? {}) as { readonly phase?: string };
      if (phase === "Running" && deletionTimestamp === undefined && !runs.has(uid)) runs.set(uid, await start(pod));
    }
  };
  const done = (async () => {
    while (!abort.signal.aborted) {
      await look().catch((error: unknown) => errors.push(String(error)));
      await systemClock.sleep(300, abort.signal).catch(() => undefined);
    }
  })();
  return {
    running: () =>
      [...runs.values()]
        .filter(({ program, ending }) => program.running && !ending)
        .map(({ pod, program, prepared: { ports } }) => ({ pod, pid: program.pid, ports })),
    crash(name) {
      const found = [...runs.values()].find(({ pod }) => pod.metadata.name === name);
      if (found === undefined) throw new Error(`pod ${name} does not run`);
      found.down = true;
      found.program.signal("SIGKILL");
    },
    mend() {
      for (const run of runs.values()) run.down = false;
    },
    started: () => started,
    output: () => [...runs.values()].map(({ program }) => program.output()).join("\n"),
    errors,
    async stop() {
      abort.abort(new Error("the test is over"));
      await done;
      await Promise.all([...runs.values()].map(({ program }) => program.stop()));
    },
  };
}

/** The pod's volumes, filled, and its process. */
async function prepare(
  { plane, client }: { readonly plane: Pick<ControlPlane, "url" | "directory">; readonly client: Client },
  pod: HostPod,
): Promise<PreparedPod> {
  const volumes = new Map<string, ReadonlyMap<string, string> | undefined>();
  for (const volume of pod.spec.volumes) volumes.set(volume.name, await filesOf(client, pod, volume));
  return preparePod({
    name: pod.metadata.name,
    folder: join(plane.directory, `pod-${pod.metadata.name}`),
    root: CHECKOUT_ROOT,
    container: pod.spec.containers[0],
    security: pod.spec.securityContext,
    volumes,
    environment: {
      KUBERNETES_SERVICE_HOST: new URL(plane.url).hostname,
      KUBERNETES_SERVICE_PORT: new URL(plane.url).port,
    },
  });
}

/** Of the host it shows programs, libraries and devices, and the checkout in place of an image. */
const CHECKOUT_ROOT: PodRoot = {
  environment: { PATH: "/image/bin:/image/node:/usr/bin:/bin" },
  workingDirectory: "/",
  script: `
for one in /bin /sbin /lib /lib64 /usr /etc; do
  if [ -L "$one" ]; then cp -P "$one" "$root$one"; elif [ -d "$one" ]; then bind "$one" "$one" ro; fi
done
bind /dev /dev rw
bind /proc /proc rw
bind ${quote(CHECKOUT)} /image/ringward ro
bind ${quote(dirname(process.execPath))} /image/node ro
mkdir -p "$root/image/bin"
printf '#!/bin/sh\nexec node /image/ringward/controller/launch.cjs /image/ringward/controller/main.ts "$@"\n' > "$root/image/bin/ringward"
chmod 755 "$root/image/bin/ringward"`,
};

/** File name -> content, as the kubelet fills a volume; undefined for an emptyDir. */
async function filesOf(client: Client, pod: HostPod, volume: Volume): Promise<ReadonlyMap<string, string> | undefined> {
  if (volume.emptyDir !== undefined) return undefined;
  const namespace = pod.metadata.namespace ?? "";
  const read = async (resource: string, name: string): Promise<Readonly<Record<string, string>>> => {
    const path = `/api/v1/namespaces/${namespace}/${resource}/${name}`;
    const answer = await client.port.request({ method: "GET", path });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    return (answer.body as { readonly data: Readonly<Record<string, string>> }).data;
  };
  if (volume.secret !== undefined)
    return new Map(
      Object.entries(await read("secrets", volume.secret.secretName)).map(
        ([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")] as const,
      ),
    );
  if (volume.projected === undefined) throw new Error(`volume ${volume.name} is of a kind that is not known here`);
  const files: (readonly [string, string])[] = [];
  for (const { serviceAccountToken, configMap, downwardAPI } of volume.projected.sources) {
    if (serviceAccountToken !== undefined)
      files.push([serviceAccountToken.path, await boundToken(client, pod, serviceAccountToken.expirationSeconds)]);
    if (configMap !== undefined) {
      const data = await read("configmaps", configMap.name);
      files.push(...configMap.items.map(({ key, path }) => [path, data[key] ?? ""] as const));
    }
    for (const { path, fieldRef } of downwardAPI?.items ?? []) {
      if (fieldRef.fieldPath !== "metadata.namespace") throw new Error(`${fieldRef.fieldPath} is not known here`);
      files.push([path, namespace]);
    }
  }
  return new Map(files);
}

/** As a kubelet asks for it: it ends with the pod. */
async function boundToken(client: Client, { metadata, spec }: HostPod, expirationSeconds: number): Promise<string> {
  const answer = await client.port.request({
    method: "POST",
    path: `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${spec.serviceAccountName}/token`,
    body: {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        expirationSeconds,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name: metadata.name, uid: metadata.uid },
      },
    },
  });
  if (answer.status >= 300) throw new Error(`no token for pod ${metadata.name}: ${JSON.stringify(answer.body)}`);
  return (answer.body as { readonly status: { readonly token: string } }).status.token;
}
