// Every way to the policy repository, over real servers: `git http-backend` behind TLS and a CONNECT proxy, and a real sshd.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { type GitAuth, passwordFile, proxyCredentialsFile } from "../../controller/git/auth.ts";
import type { CommitSha, NewCommit, PolicyGit } from "../../controller/git/port.ts";
import { openPolicyGit, type PolicyGitOptions } from "../../controller/git/repository.ts";
import { author } from "./contract.ts";
import { createDiskRemote, type DiskRemote } from "./support/disk-remote.ts";
import { serveGit } from "./support/http-server.ts";
import { type ConnectProxy, serveProxy } from "./support/proxy.ts";
import { selfSigned } from "./support/self-signed.ts";
import { serveSsh, type SshServer } from "./support/ssh-server.ts";

const time = Date.UTC(2026, 0, 1);
const ring = "policies/rings/canary.yaml";

let disk: DiskRemote;
let head: CommitSha;
beforeEach(() => {
  disk = createDiskRemote();
  disk.git(["config", "http.receivepack", "true"]);
  head = disk.people.commitFiles("main", { [ring]: "kind: RolloutRing\n" }, { time });
});
afterEach(() => disk.remove());

const open = (options: Pick<PolicyGitOptions, "url"> & Partial<PolicyGitOptions>): Promise<PolicyGit> =>
  openPolicyGit({
    branch: "main",
    directory: join(disk.folder, "stores"),
    author,
    clock: systemClock,
    allowInsecure: true,
    ...options,
  });
const change: Omit<NewCommit, "parent"> = {
  branch: "main",
  files: new Map([[ring, "kind: B\n"]]),
  message: "Promote",
  time: time + 60_000,
};
const failure = async (run: Promise<unknown>): Promise<Error & { code?: string }> =>
  run.then(
    () => {
      throw new Error("did not fail");
    },
    (error: Error) => error,
  );
const fetchAndPush = async (git: PolicyGit): Promise<void> => {
  expect((await git.fetch()).head).toBe(head);
  const pushed = await git.push({ ...change, parent: head });
  expect(pushed).toEqual({ kind: "Pushed", commit: disk.people.head("main") });
  expect(disk.people.text("main", ring)).toBe("kind: B\n");
};

/** TLS with an authority of its own. */
async function secureServer(username: string, secret: string) {
  const identity = selfSigned();
  const caFile = join(disk.folder, "ca.pem");
  writeFileSync(caFile, identity.cert);
  const server = await serveGit(disk.folder, { username, token: secret }, identity);
  onTestFinished(() => server.close());
  return { ...server, requests: server.requests, caFile, url: `${server.url}/remote.git` };
}

describe("https", () => {
  it("fetches and pushes with a name and a password, in which blanks and colons count", async () => {
    const password = "pä ss:wörd ";
    const server = await secureServer("fleet bot", password);
    const file = join(disk.folder, "password");
    writeFileSync(file, `${password}\n`);
    const auth = { kind: "Basic", username: "fleet bot", password: passwordFile(file) } as const;

    await fetchAndPush(await open({ url: server.url, caFile: server.caFile, auth }));

    writeFileSync(file, "another\n");
    const error = await failure((await open({ url: server.url, caFile: server.caFile, auth })).fetch());
    expect(error.code).toBe("RW1112");
  });

  it("refuses names and passwords that would break the header, before anything is sent", async () => {
    const server = await secureServer("bot", "x");
    const bad: readonly (readonly [string, string])[] = [
      ["bot:x", "secret"],
      ["bot\n", "secret"],
      ["", "secret"],
      ["bot", "se\ncret"],
      ["bot", ""],
    ];
    for (const [username, password] of bad) {
      const auth = { kind: "Basic", username, password: async () => password } as const;
      const error = await failure((await open({ url: server.url, caFile: server.caFile, auth })).fetch());
      expect(error.code).toBe("RW1105");
    }
    expect(server.requests).toEqual([]);
  });

  describe("through a proxy", () => {
    let proxy: ConnectProxy;
    afterEach(() => proxy.close());

    it("fetches and pushes; the proxy sees the host and not our token", async () => {
      const server = await secureServer("x-access-token", "tok-1");
      proxy = await serveProxy("fleet:proxy pass@1");
      const file = join(disk.folder, "proxy");
      writeFileSync(file, "fleet:proxy pass@1\n");
      const auth = { kind: "Token", token: async () => "tok-1" } as const;

      await fetchAndPush(
        await open({
          url: server.url,
          caFile: server.caFile,
          auth,
          proxy: { url: proxy.url, credentials: proxyCredentialsFile(file) },
        }),
      );

      const through = proxy.asked.filter((one) => one.let);
      expect(through.length).toBeGreaterThan(0);
      for (const one of proxy.asked) {
        expect(one.target).toBe(new URL(server.url).host);
        expect(one.headers.authorization).toBeUndefined();
      }
    });

    it("says of a proxy that does not let us through what is wrong", async () => {
      const server = await secureServer("x-access-token", "tok-1");
      proxy = await serveProxy("fleet:right");
      const auth = { kind: "Token", token: async () => "tok-1" } as const;
      const rest = { url: server.url, caFile: server.caFile, auth };
      const credentials = (text: string) => ({ proxy: { url: proxy.url, credentials: async () => text } });

      const wrong = await failure((await open({ ...rest, ...credentials("fleet:wrong-secret") })).fetch());
      expect(wrong).toMatchObject({ code: "RW1119" });
      expect(wrong.message).not.toContain("wrong-secret");
      expect((await failure((await open({ ...rest, proxy: { url: proxy.url } })).fetch())).code).toBe("RW1119");
      expect((await failure((await open({ ...rest, ...credentials("nocolon") })).fetch())).code).toBe("RW1105");
      expect((await failure((await open({ ...rest, ...credentials("a:b\nc") })).fetch())).code).toBe("RW1105");
      expect(server.requests).toEqual([]);
    });

    it("is used only where the spec says so: nothing is inherited from the environment", async () => {
      const server = await secureServer("x-access-token", "tok-1");
      proxy = await serveProxy();
      const before = { ...process.env };
      onTestFinished(() => {
        process.env = before;
      });
      for (const name of ["https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"]) process.env[name] = proxy.url;
      const auth = { kind: "Token", token: async () => "tok-1" } as const;

      await fetchAndPush(await open({ url: server.url, caFile: server.caFile, auth }));
      expect(proxy.asked).toEqual([]);

      for (const name of ["no_proxy", "NO_PROXY"]) process.env[name] = "*";
      const git = await open({ url: server.url, caFile: server.caFile, auth, proxy: { url: proxy.url } });
      await git.fetch();
      expect(proxy.asked.length).toBeGreaterThan(0);
    });
  });
});

describe("ssh, with a real sshd", () => {
  let server: SshServer;
  beforeEach(async () => {
    server = await serveSsh(disk.folder);
  });
  afterEach(() => server.close());
  const url = (): string => `${server.url}${disk.bare}`;
  const key = (rest: { privateKeyFile?: string; knownHostsFile?: string } = {}): GitAuth => ({
    kind: "Ssh",
    privateKeyFile: server.keyFile,
    knownHostsFile: server.knownHostsFile,
    ...rest,
  });

  it("fetches and pushes with a key and a known host", async () => {
    await fetchAndPush(await open({ url: url(), auth: key() }));
    expect(server.log()).toContain("Accepted publickey");
  });

  it("refuses a host that known_hosts does not name, or names with another key, and never adds one", async () => {
    const nobody = join(disk.folder, "empty_hosts");
    writeFileSync(nobody, "");
    for (const knownHostsFile of [nobody, server.wrongHostsFile]) {
      const error = await failure((await open({ url: url(), auth: key({ knownHostsFile }) })).fetch());
      expect(error).toMatchObject({ name: "UserError", code: "RW1113" });
    }
    expect(readFileSync(nobody, "utf8")).toBe("");
    expect(server.log()).not.toContain("Accepted publickey");
  });

  it("says that the server does not accept a strange key, and of files that are not there", async () => {
    const stranger = await failure(
      (await open({ url: url(), auth: key({ privateKeyFile: server.strangerFile }) })).fetch(),
    );
    expect(stranger).toMatchObject({ name: "UserError", code: "RW1112" });
    const missing = await failure(
      (await open({ url: url(), auth: key({ privateKeyFile: "/nonexistent/key" }) })).fetch(),
    );
    expect(missing).toMatchObject({ name: "UserError", code: "RW1106" });
    expect((await failure((await open({ url: url() })).fetch())).code).toBe("RW1106");
  });

  it.each([
    ["the program that speaks with such a server is not there", undefined],
    ["ssh does not work for a user without a name", "No user exists for uid 65532"],
  ])("says that %s, and not that the server is away", async (why, complaint) => {
    const before = { ...process.env };
    onTestFinished(() => {
      process.env = before;
    });
    const bin = mkdtempSync(join(disk.folder, "bin-"));
    for (const name of ["git", "sh"])
      symlinkSync(execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(), join(bin, name));
    if (complaint !== undefined)
      writeFileSync(join(bin, "ssh"), `#!/bin/sh\necho "${complaint}" >&2\nexit 255\n`, { mode: 0o755 });
    process.env["PATH"] = bin;

    const error = await failure((await open({ url: url(), auth: key() })).fetch());

    expect(error).toMatchObject({ name: "UserError", code: "RW1124", message: expect.stringContaining(why) });
  });

  it("uses no agent and no configuration of the machine's", async () => {
    const before = { ...process.env };
    onTestFinished(() => {
      process.env = before;
    });
    process.env["SSH_AUTH_SOCK"] = join(disk.folder, "agent.sock");
    process.env["GIT_SSH_COMMAND"] = `touch ${join(disk.folder, "ran")}`;
    process.env["GIT_SSH"] = "/bin/false";

    await fetchAndPush(await open({ url: url(), auth: key() }));

    expect(existsSync(join(disk.folder, "ran"))).toBe(false);
  });
});
