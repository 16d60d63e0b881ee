// One pod as a real process of this machine, as a kubelet and a runtime would start it: the container's command and arguments, its user without any
// capability, its root (read-only where it says so), its volumes with the owners and modes that a kubelet gives them, and nothing else that can be
// written. It needs root rights. The network is the host's.
import { chmodSync, chownSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { freePorts, type Program, startProgram } from "../e2e/support/processes.ts";

/** What of a container decides how its process runs. */
export interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
  readonly securityContext: {
    readonly readOnlyRootFilesystem: boolean;
    readonly allowPrivilegeEscalation: boolean;
    readonly capabilities: { readonly drop: readonly string[] };
  };
}

/** Of a pod. */
export interface PodSecurity {
  readonly runAsUser: number;
  readonly runAsGroup: number;
  readonly fsGroup: number;
}

/** Where its programs come from. */
export interface PodRoot {
  /** Shell that fills the folder `$root`, with `bind SOURCE PLACE ro|rw` for what is shown there. */
  readonly script: string;
  /** The folder; left out: an empty one in memory. */
  readonly folder?: string;
  /** The image's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** The image's. */
  readonly workingDirectory: string;
}

export interface PodOptions {
  /** Also the host's name in it. */
  readonly name: string;
  /** A folder for its volumes and its log; emptied. */
  readonly folder: string;
  readonly root: PodRoot;
  readonly container: Container;
  readonly security: PodSecurity;
  /** By volume: the files that it holds; undefined: an emptyDir. */
  readonly volumes: ReadonlyMap<string, ReadonlyMap<string, string> | undefined>;
  /** The kubelet's. */
  readonly environment: Readonly<Record<string, string>>;
}

/** All that is needed to start it, as often as is wanted. */
export interface PreparedPod {
  /** Where it listens on 127.0.0.1, by the port's name: the host's ports are others' too, so it gets its own in place of those that it names. */
  readonly ports: Readonly<Record<string, number>>;
  launch(): Promise<Program>;
}

/** Makes the pod's volumes. */
export async function preparePod(options: PodOptions): Promise<PreparedPod> {
  if (process.getuid?.() !== 0)
    throw new Error("pods as processes need root rights, as a kubelet does: run this as root");
  const { name, folder, root, container, security, volumes } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "root"), { recursive: true });
  const rootFolder = root.folder ?? join(folder, "root");
  const mounts = container.volumeMounts.map(({ name: volume, mountPath, readOnly }) => {
    if (!volumes.has(volume)) throw new Error(`pod ${name} has no volume ${volume}`);
    const source = join(folder, "volumes", volume);
    fillVolume(source, volumes.get(volume), security);
    const place = root.folder === undefined ? mountPath : placeIn(root.folder, mountPath);
    return `bind ${quote(source)} ${quote(place)} ${readOnly === true ? "ro" : "rw"}`;
  });
  const { ports = [] } = container;
  const free = await freePorts(ports.length);
  const args = container.args.map((word) => {
    const at = ports.findIndex(({ containerPort }) => word.endsWith(`=:${containerPort}`));
    return at < 0 ? word : word.replace(/:\d+$/, `:${free[at]}`);
  });
  const script = [
    `root=${quote(rootFolder)}`,
    `echo ${quote(name)} > /proc/sys/kernel/hostname`,
    BIND,
    root.folder === undefined ? 'mount -t tmpfs -o mode=755 root "$root"' : 'mount --bind "$root" "$root"',
    root.script,
    ...mounts,
    container.securityContext.readOnlyRootFilesystem ? 'mount -o remount,bind,ro "$root"' : "",
    `exec ${entry(options)} ${[...container.command, ...args].map(quote).join(" ")}`,
  ].join("\n");
  return {
    ports: Object.fromEntries(ports.map((port, at) => [port.name, free[at] ?? 0])),
    launch: () =>
      startProgram({
        file: "unshare",
        args: ["--mount", "--uts", "--propagation", "private", "sh", "-euc", script],
        log: join(folder, "log"),
      }),
  };
}

const BIND = `bind() {
  if [ -d "$1" ]; then mkdir -p "$root$2"; else touch "$root$2"; fi
  mount --rbind "$1" "$root$2"
  if [ "$3" = ro ]; then mount -o remount,bind,ro "$root$2"; fi
}`;

/** What stands before its words: it loses what it may not have, goes into its root, and gets its own environment alone. */
function entry({ root, container, security, environment }: PodOptions): string {
  const { allowPrivilegeEscalation, capabilities } = container.securityContext;
  const all = {
    ...root.environment,
    ...environment,
    ...Object.fromEntries((container.env ?? []).map((one) => [one.name, one.value])),
  };
  const variables = Object.entries(all).map(([name, value]) => quote(`${name}=${value}`));
  return [
    "setpriv",
    ...(allowPrivilegeEscalation ? [] : ["--no-new-privs"]),
    // What chroot itself needs goes with its change of the user.
    ...(capabilities.drop.includes("ALL") ? ["--bounding-set=-all,+setuid,+setgid,+sys_chroot"] : []),
    `chroot --userspec=${security.runAsUser}:${security.runAsGroup} --groups=${security.fsGroup} "$root"`,
    `/usr/bin/env --ignore-environment --chdir=${quote(root.workingDirectory)} ${variables.join(" ")}`,
  ].join(" ");
}

/** As a kubelet leaves it: of root and the group of volumes; files behind the links by which it changes them all at once. */
function fillVolume(folder: string, files: ReadonlyMap<string, string> | undefined, { fsGroup }: PodSecurity): void {
  mkdirSync(folder, { recursive: true });
  chownSync(folder, 0, fsGroup);
  chmodSync(folder, files === undefined ? 0o2777 : 0o3777);
  if (files === undefined) return;
  const version = join(folder, "..2026_01_01_00_00_00.1");
  mkdirSync(version);
  symlinkSync("..2026_01_01_00_00_00.1", join(folder, "..data"));
  for (const [name, content] of files) {
    writeFileSync(join(version, name), content);
    chownSync(join(version, name), 0, fsGroup);
    chmodSync(join(version, name), 0o440);
    symlinkSync(join("..data", name), join(folder, name));
  }
  chownSync(version, 0, fsGroup);
  chmodSync(version, 0o2755);
}

/** Where a path of the root is, links followed as somebody in that root sees them: `/var/run` is a link, and must not lead out. */
function placeIn(root: string, path: string): string {
  let at = "/";
  for (const part of path.split("/").filter(Boolean)) {
    const next = join(at, part);
    const link = lstatSync(join(root, next), { throwIfNoEntry: false })?.isSymbolicLink() === true;
    at = link ? placeIn(root, resolve(at, readlinkSync(join(root, next)))) : next;
  }
  return at;
}

/** A word for sh. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
