// A real sshd on loopback for one folder of repositories: its own host key, one authorized key, no configuration of the machine's.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../controller/clock.ts";

export interface SshServer {
  /** `ssh://USER@127.0.0.1:PORT`. */
  readonly url: string;
  /** The key that the server lets in; its comment and content can be searched for. */
  readonly keyFile: string;
  /** A key that it does not know. */
  readonly strangerFile: string;
  readonly knownHostsFile: string;
  /** Names another host key for the same address. */
  readonly wrongHostsFile: string;
  log(): string;
  close(): Promise<void>;
}

const SSHD = "/usr/sbin/sshd";

/** Makes an ed25519 key pair without a passphrase. */
export function makeSshKey(file: string, comment: string): { readonly publicKey: string } {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file]);
  return { publicKey: readFileSync(`${file}.pub`, "utf8").trim() };
}

export async function serveSsh(folder: string, comment = "ringward"): Promise<SshServer> {
  if (!existsSync(SSHD)) throw new Error(`${SSHD} is missing: install Debian's openssh-server`);
  const home = join(folder, "sshd");
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = (name: string): string => join(home, name);
  const host = makeSshKey(file("host"), "host");
  const other = makeSshKey(file("other-host"), "other host");
  const key = makeSshKey(file("key"), comment);
  makeSshKey(file("stranger"), "stranger");
  const port = await freePort();
  writeFileSync(file("authorized_keys"), `${key.publicKey}\n`, { mode: 0o600 });
  writeFileSync(file("known_hosts"), `[127.0.0.1]:${port} ${host.publicKey}\n`);
  writeFileSync(file("wrong_hosts"), `[127.0.0.1]:${port} ${other.publicKey}\n`);
  writeFileSync(
    file("config"),
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${file("host")}`,
      `AuthorizedKeysFile ${file("authorized_keys")}`,
      "PidFile none",
      "UsePAM no",
      "StrictModes no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      "AllowTcpForwarding no",
      "AcceptEnv GIT_PROTOCOL",
      "LogLevel VERBOSE",
      "",
    ].join("\n"),
  );
  // Where sshd separates privileges; it is there only where the service was started once.
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const child = spawn(SSHD, ["-D", "-e", "-f", file("config")], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  await untilListening(port, () => {
    if (child.exitCode !== null) throw new Error(`sshd ended with ${child.exitCode}: ${said}`);
  });
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    keyFile: file("key"),
    strangerFile: file("stranger"),
    knownHostsFile: file("known_hosts"),
    wrongHostsFile: file("wrong_hosts"),
    log: () => said,
    async close() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function untilListening(port: number, alive: () => void): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    alive();
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    if (attempt > 200) throw new Error("sshd does not listen");
    await systemClock.sleep(50);
  }
}
