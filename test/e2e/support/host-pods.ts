// Pods of one namespace as real processes of this machine. The sandbox's kubelets report pods without running anything in them; this starts
// what the pod says: its command and arguments, as its user, on a read-only root that holds its volumes and nothing else that can be written,
// with a token of its ServiceAccount that the API server bound to the pod. It needs root rights, as a kubelet does. What ends is started again;
// what is deleted is asked to end. Networks are the host's, so each pod gets ports of its own in place of those that it names.
import { execFile } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { systemClock } from "../../../controller/clock.ts";
import type { Client } from "../../../controller/kube/client.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import { PODS } from "../../../controller/kube/resources.ts";
import type { ControlPlane } from "./control-plane.ts";
import { freePorts, type Program, startProgram } from "./processes.ts";

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

interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
  readonly securityContext: { readonly readOnlyRootFilesystem: boolean };
}

export interface HostPod extends KubeObject {
  readonly spec: {
    readonly nodeName: string;
    readonly serviceAccountName: string;
    readonly volumes: readonly Volume[];
    readonly containers: readonly [Container];
    readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
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
  readonly folder: string;
  readonly script: string;
  readonly ports: Readonly<Record<string, number>>;
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
  if (process.getuid?.() !== 0)
    throw new Error("pods as processes need root rights, as a kubelet does: run this as root");
  const runs = new Map<string, Run>();
  const errors: string[] = [];
  const abort = new AbortController();
  let started = 0;
  const start = async (pod: HostPod): Promise<Run> => {
    const prepared = await prepare(options, pod);
    started += 1;
    const program = await launch(prepared.folder, prepared.script);
    return { ...prepared, pod, program, ending: false, down: false };
  };
  const look = async (): Promise<void> => {
    const pods = (await options.client.list(PODS, { namespace: options.namespace })).items as readonly HostPod[];
    for (const [uid, run] of runs) {
      const now = pods.find(({ metadata }) => metadata.uid === uid);
      if (now !== undefined && now.metadata.deletionTimestamp === undefined) {
        if (run.program.running || run.down) continue;
        started += 1;
        run.program = await launch(run.folder, run.script);
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
        .map(({ pod, program, ports }) => ({ pod, pid: program.pid, ports })),
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

function launch(folder: string, script: string): Promise<Program> {
  return startProgram({
    file: "unshare",
    args: ["--mount", "--uts", "--propagation", "private", "sh", "-euc", script],
    log: join(folder, "log"),
  });
}

/** The pod's volumes as folders, and the script that makes its root of them. */
async function prepare(
  { plane, client }: { readonly plane: Pick<ControlPlane, "url" | "directory">; readonly client: Client },
  pod: HostPod,
): Promise<Pick<Run, "folder" | "script" | "ports">> {
  const { runAsUser, runAsGroup } = pod.spec.securityContext;
  const [container] = pod.spec.containers;
  const folder = join(plane.directory, `pod-${pod.metadata.name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "root"), { recursive: true });
  const mounts: string[] = [];
  for (const { name, mountPath, readOnly } of container.volumeMounts) {
    const volume = pod.spec.volumes.find((one) => one.name === name);
    if (volume === undefined) throw new Error(`pod ${pod.metadata.name} has no volume ${name}`);
    const source = join(folder, "volumes", name);
    mkdirSync(source, { recursive: true });
    chownSync(source, runAsUser, runAsGroup);
    chmodSync(source, 0o770);
    for (const [file, content] of await filesOf(client, pod, volume)) {
      writeFileSync(join(source, file), content, { mode: 0o440 });
      chownSync(join(source, file), 0, runAsGroup);
    }
    mounts.push(`bind ${quote(source)} ${quote(mountPath)} ${readOnly === true ? "ro" : "rw"}`);
  }
  const environment = {
    // The image's: a Node and the command.
    PATH: "/image/bin:/image/node:/usr/bin:/bin",
    // The kubelet's.
    KUBERNETES_SERVICE_HOST: new URL(plane.url).hostname,
    KUBERNETES_SERVICE_PORT: new URL(plane.url).port,
    ...Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value])),
  };
  const { ports = [] } = container;
  const free = await freePorts(ports.length);
  // It listens at `:8080` of its own network; here that is the host's.
  const args = container.args.map((word) => {
    const at = ports.findIndex(({ containerPort }) => word.endsWith(`=:${containerPort}`));
    return at < 0 ? word : word.replace(/:\d+$/, `:${free[at]}`);
  });
  const words = [...container.command, ...args].map(quote).join(" ");
  const variables = Object.entries(environment).map(([name, value]) => quote(`${name}=${value}`));
  const script = `${ROOT_SCRIPT}
${mounts.join("\n")}
${container.securityContext.readOnlyRootFilesystem ? 'mount -o remount,ro "$root"' : ""}
exec chroot --userspec=${runAsUser}:${runAsGroup} --groups= "$root" /usr/bin/env --ignore-environment ${variables.join(" ")} ${words}
`;
  const name = `echo ${quote(pod.metadata.name)} > /proc/sys/kernel/hostname`;
  const own = Object.fromEntries(ports.map((port, at) => [port.name, free[at] ?? 0]));
  return { folder, ports: own, script: `${name}\nroot=${quote(join(folder, "root"))}\n${script}` };
}

/** A root of its own in memory; of the host it shows programs, libraries and devices, and the checkout in place of an image. */
const ROOT_SCRIPT = `
bind() {
  mkdir -p "$root$2"
  mount --rbind "$1" "$root$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
}
mount -t tmpfs -o mode=755 root "$root"
for one in /bin /sbin /lib /lib64 /usr /etc; do
  if [ -L "$one" ]; then cp -P "$one" "$root$one"; elif [ -d "$one" ]; then bind "$one" "$one" ro; fi
done
bind /dev /dev rw
bind /proc /proc rw
bind ${quote(CHECKOUT)} /image/ringward ro
bind ${quote(dirname(process.execPath))} /image/node ro
mkdir -p "$root/image/bin"
printf '#!/bin/sh\\nexec node /image/ringward/controller/launch.cjs /image/ringward/controller/main.ts "$@"\\n' > "$root/image/bin/ringward"
chmod 755 "$root/image/bin/ringward"
`;

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** File name -> content, as the kubelet fills a volume. */
async function filesOf(client: Client, pod: HostPod, volume: Volume): Promise<readonly (readonly [string, string])[]> {
  if (volume.emptyDir !== undefined) return [];
  const namespace = pod.metadata.namespace ?? "";
  const read = async (resource: string, name: string): Promise<Readonly<Record<string, string>>> => {
    const path = `/api/v1/namespaces/${namespace}/${resource}/${name}`;
    const answer = await client.port.request({ method: "GET", path });
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status}`);
    return (answer.body as { readonly data: Readonly<Record<string, string>> }).data;
  };
  if (volume.secret !== undefined)
    return Object.entries(await read("secrets", volume.secret.secretName)).map(
      ([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")] as const,
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
  return files;
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
