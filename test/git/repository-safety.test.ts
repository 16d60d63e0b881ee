import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { systemClock } from "../../controller/clock.ts";
import { tokenFile } from "../../controller/git/auth.ts";
import { createGit } from "../../controller/git/create-git.ts";
import type { NewCommit, PolicyGit } from "../../controller/git/port.ts";
import type { PolicyGitOptions } from "../../controller/git/repository.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import { blobCache, defaultLimits, readPolicyFiles } from "../../controller/git/snapshot-files.ts";
import type { Store } from "../../controller/git/store.ts";
import { defaultTransferLimits } from "../../controller/git/transfer.ts";
import { createVerifier } from "../../controller/git/verify.ts";
import { checkUrl } from "../../controller/git/url.ts";
import { author } from "./contract.ts";
import type { DiskRemote } from "./support/disk-remote.ts";
import { createDiskRemote } from "./support/disk-remote.ts";
import type { GitHttpServer } from "./support/http-server.ts";
import { serveGit } from "./support/http-server.ts";
import { recordGit } from "./support/recording-git.ts";
import { selfSigned } from "./support/self-signed.ts";

const token = "canary-token-7f3a";
const encoded = Buffer.from(`x-access-token:${token}`).toString("base64");
const time = Date.UTC(2026, 0, 1);
const ring = "policies/rings/canary.yaml";

let disk: DiskRemote;
let server: GitHttpServer;
beforeEach(async () => {
  disk = createDiskRemote();
  disk.git(["config", "http.receivepack", "true"]);
  disk.people.commitFiles("main", { [ring]: "kind: RolloutRing\n" }, { time });
  server = await serveGit(disk.folder, { username: "x-access-token", token });
});
afterEach(async () => {
  await server.close();
  disk.remove();
});

const open = (rest: Partial<PolicyGitOptions> = {}): Promise<PolicyGit> =>
  openPolicyGit({
    url: `${server.url}/remote.git`,
    allowInsecure: true,
    branch: "main",
    directory: join(disk.folder, "stores"),
    auth: { kind: "Token", token: async () => token },
    author,
    clock: systemClock,
    ...rest,
  });
const openLocal = (rest: Partial<PolicyGitOptions> = {}): Promise<PolicyGit> =>
  openPolicyGit({
    url: disk.bare,
    branch: "main",
    directory: join(disk.folder, "stores"),
    author,
    clock: systemClock,
    allowInsecure: true,
    ...rest,
  });
const change = (parent: NewCommit["parent"], rest: Partial<NewCommit> = {}): NewCommit => ({
  branch: "main",
  parent,
  files: new Map([[ring, "kind: B\n"]]),
  message: "Promote",
  time: time + 60_000,
  ...rest,
});
const failure = async (run: Promise<unknown>): Promise<Error & { code?: string }> =>
  run.then(
    () => {
      throw new Error("did not fail");
    },
    (error: Error) => error,
  );

describe("credentials", () => {
  it("reach git in one process's environment only: not argv, not disk, not the local commands", async () => {
    const recording = recordGit(disk.folder);
    process.env["GIT_SSH_COMMAND"] = "touch /tmp/never";
    process.env["GIT_CONFIG_PARAMETERS"] = "'core.pager=never'";
    try {
      const git = await open();
      const { head } = await git.fetch();
      await git.read(head, "");
      expect((await git.push(change(head))).kind).toBe("Pushed");
    } finally {
      delete process.env["GIT_SSH_COMMAND"];
      delete process.env["GIT_CONFIG_PARAMETERS"];
      recording.stop();
    }
    const runs = recording.runs().filter((run) => run.environment["GIT_DIR"]?.includes("/stores/") === true);
    const commands = runs.map((run) => run.args[0]);

    expect(new Set(commands)).toEqual(
      new Set([
        "version",
        "init",
        "fetch",
        "for-each-ref",
        "log",
        "ls-tree",
        "cat-file",
        "hash-object",
        "read-tree",
        "update-index",
        "write-tree",
        "commit-tree",
        "push",
        "update-ref",
        ...commands.filter((command) =>
          [
            "rev-list",
            "unpack-objects",
            "index-pack",
            "pack-objects",
            "remote-http",
            "fetch-pack",
            "send-pack",
          ].includes(command ?? ""),
        ),
      ]),
    );
    for (const run of runs) {
      expect(run.args.join("\n")).not.toMatch(new RegExp(`${token}|${encoded}`));
      expect(run.environment).toMatchObject({
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
        GIT_TERMINAL_PROMPT: "0",
      });
      expect(run.environment["GIT_CONFIG_PARAMETERS"]).toBeUndefined();
      expect(run.environment["GIT_SSH_COMMAND"]).toBeUndefined();
    }
    const local = runs.filter((run) => run.environment["GIT_ALLOW_PROTOCOL"] === "none");
    expect(local.length).toBeGreaterThan(5);
    for (const run of local) expect(Object.values(run.environment).join("\n")).not.toContain(encoded);
    expect(
      runs
        .filter((run) => run.args[0] === "push")
        .every(
          (run) =>
            run.environment["GIT_ALLOW_PROTOCOL"] === "http" &&
            Object.values(run.environment).join("\n").includes(encoded),
        ),
    ).toBe(true);
    expect(
      execFileSync("bash", ["-c", `grep -rlE '${token}|${encoded}' ${join(disk.folder, "stores")} || true`], {
        encoding: "utf8",
      }),
    ).toBe("");
  });

  it("are asked for anew each time, so that a rotated token file works", async () => {
    const path = join(disk.folder, "token");
    writeFileSync(path, "old-token\n");
    const git = await open({ auth: { kind: "Token", token: tokenFile(path) } });
    expect((await failure(git.fetch())).code).toBe("RW1112");

    writeFileSync(path, `${token}\n`);

    expect((await git.fetch()).head).toBe(disk.people.head("main"));
  });

  it("never show in an error", async () => {
    const git = await open({ auth: { kind: "Token", token: async () => "wrong-secret" } });
    const error = await failure(git.fetch());

    expect(error).toMatchObject({ name: "UserError", code: "RW1112" });
    expect(error.message).not.toMatch(/wrong-secret|Basic [A-Za-z0-9]/);
    expect(error.stack).not.toContain("wrong-secret");
  });

  it("with line breaks or blanks are refused before git starts", async () => {
    for (const bad of ["a\nX-Evil: 1", "a b", ""]) {
      const path = join(disk.folder, "token");
      writeFileSync(path, bad);
      expect((await failure((await open({ auth: { kind: "Token", token: tokenFile(path) } })).fetch())).code).toBe(
        "RW1105",
      );
    }
    expect(
      (await failure((await open({ auth: { kind: "Token", token: tokenFile("/nonexistent/token") } })).fetch())).code,
    ).toBe("RW1105");
  });

  it("over ssh need a known_hosts file, and an unknown host is refused", async () => {
    const recording = recordGit(disk.folder);
    try {
      const url = "git@git.example.test:acme/fleet.git";
      expect((await failure((await open({ url })).fetch())).code).toBe("RW1106");
      const [privateKeyFile, knownHostsFile] = [join(disk.folder, "key"), join(disk.folder, "known_hosts")];
      const auth = { kind: "Ssh", privateKeyFile, knownHostsFile } as const;
      expect((await failure((await open({ url, auth })).fetch())).code).toBe("RW1106");
      for (const path of [privateKeyFile, knownHostsFile]) writeFileSync(path, "");
      expect((await failure((await open({ url, auth })).fetch())).code).toBe("RW1113");
      expect(
        (await failure((await open({ url, auth: { ...auth, privateKeyFile: "/run/key;touch x" } })).fetch())).code,
      ).toBe("RW1106");
    } finally {
      recording.stop();
    }
    const args =
      recording
        .runs()
        .find((run) => run.program === "ssh")
        ?.args.join(" ") ?? "";

    expect(args).toContain(`-F /dev/null -i ${join(disk.folder, "key")}`);
    expect(args).toContain(
      `-o BatchMode=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=${join(disk.folder, "known_hosts")}`,
    );
    expect(args).toContain("git@git.example.test git-upload-pack 'acme/fleet.git'");
  });
});

describe("trouble on the way", () => {
  it("tells a person's fault from an outage", async () => {
    const git = await open();
    const status = async (code: number): Promise<Error & { code?: string }> => {
      server.override = () => ({ status: code });
      return failure(git.fetch());
    };

    expect((await status(403)).code).toBe("RW1112");
    expect((await status(404)).code).toBe("RW1115");
    for (const outage of [500, 502, 503, 429]) {
      const error = await status(outage);
      expect([error.name, error.message]).toEqual(["GitExit", expect.stringContaining(String(outage))]);
    }
    server.override = undefined;
    expect((await git.fetch()).head).toBe(disk.people.head("main"));
    await server.close();
    expect((await failure(git.fetch())).name).not.toBe("UserError");
  });

  it("trusts a server by its certificate's authority alone", async () => {
    const identity = selfSigned();
    const caFile = join(disk.folder, "ca.pem");
    writeFileSync(caFile, identity.cert);
    const secure = await serveGit(disk.folder, { username: "x-access-token", token }, identity);
    const url = `${secure.url}/remote.git`;
    const refused = await failure((await open({ url })).fetch());
    const seen = secure.requests.length;
    const trusted = await (await open({ url, caFile })).fetch();
    await secure.close();

    expect(refused).toMatchObject({ name: "UserError", code: "RW1116" });
    expect(seen).toBe(0);
    expect(trusted.head).toBe(disk.people.head("main"));
  });

  it("follows no redirect", async () => {
    const other = await serveGit(disk.folder, { username: "x-access-token", token });
    server.override = (path) => ({ status: 302, headers: { location: `${other.url}${path}?service=git-upload-pack` } });
    const error = await failure((await open()).fetch());
    const requests = other.requests.length;
    await other.close();

    expect(error.code).toBe("RW1114");
    expect(requests).toBe(0);
  });

  it("stops waiting for a server that says nothing", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const git = await open({
      url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}/remote.git`,
      silenceMs: 700,
    });
    const error = await failure(git.fetch());
    silent.closeAllConnections();
    silent.close();

    expect(error.name).not.toBe("UserError");
  });

  it("repeats a push whose reply was lost, without a second commit", async () => {
    const git = await open();
    const { head } = await git.fetch();
    let landing = false;
    server.cutReply = (path) => (landing ||= path.endsWith("/git-receive-pack"));
    const result = await git.push(change(head)).catch((error: Error) => error);
    const landed = disk.people.head("main");
    server.cutReply = undefined;

    expect(result).toBeInstanceOf(Error);
    expect(landed).not.toBe(head);
    expect(await git.push(change(head))).toEqual({ kind: "Pushed", commit: landed });
    expect(
      await (
        await open({ directory: join(disk.folder, "fresh") }).then(async (fresh) => (await fresh.fetch(), fresh))
      ).push(change(head)),
    ).toEqual({ kind: "Pushed", commit: landed });
    expect(disk.people.head("main")).toBe(landed);
  });

  it("finds out by itself that a push whose reply was lost has landed", async () => {
    const git = await open();
    const { head } = await git.fetch();
    server.cutReply = (path) => path.endsWith("/git-receive-pack");

    expect(await git.push(change(head))).toEqual({ kind: "Pushed", commit: disk.people.head("main") });
  });

  it("works on after a predecessor was killed in the middle", async () => {
    const first = await openLocal();
    const { head } = await first.fetch();
    const store = join(disk.folder, "stores", readdirSync(join(disk.folder, "stores"))[0] ?? "");
    for (const name of [
      "config.lock",
      "HEAD.lock",
      "packed-refs.lock",
      "refs/remotes/origin/main.lock",
      "ringward-index-1",
      "ringward-index-1.lock",
    ])
      writeFileSync(join(store, name), "");
    const next = disk.people.commitFiles("main", { "policies/x.yaml": "x: 1\n" }, { time });

    const second = await openLocal();

    expect((await second.fetch()).head).toBe(next);
    expect(await second.isAncestor(head, next)).toBe(true);
    expect((await second.push(change(next))).kind).toBe("Pushed");
    expect(readdirSync(store).filter((name) => /lock|index/.test(name))).toEqual([]);
  });

  it("lets exactly one of three leaders win", async () => {
    const gits = await Promise.all(["a", "b", "c"].map((name) => open({ directory: join(disk.folder, name) })));
    const heads = await Promise.all(gits.map((git) => git.fetch()));
    const results = await Promise.all(
      gits.map((git, index) =>
        git
          .push(change(heads[index]?.head ?? heads[0]!.head, { message: `Leader ${index}` }))
          .catch((error: Error) => error),
      ),
    );
    const winners = results.filter((result) => !(result instanceof Error) && result.kind === "Pushed");

    expect(winners).toHaveLength(1);
    expect(disk.git(["rev-list", "--count", "main"]).trim()).toBe("2");
  });

  it("does several pushes at once through one handle, each whole", async () => {
    const git = await open();
    const { head } = await git.fetch();
    const results = await Promise.all(
      [1, 2, 3, 4].map((index) =>
        git.push(
          change(head, { branch: `ringward/p${index}`, files: new Map([[`policies/${index}.yaml`, `n: ${index}\n`]]) }),
        ),
      ),
    );

    expect(results.every((result) => result.kind === "Pushed")).toBe(true);
    for (const index of [1, 2, 3, 4]) {
      expect(
        disk
          .git(["ls-tree", "-r", "--name-only", `ringward/p${index}`])
          .trim()
          .split("\n"),
      ).toEqual([`policies/${index}.yaml`, ring]);
    }
  });

  it("says that the server refuses when a hook or a protection does", async () => {
    const git = await open();
    const { head } = await git.fetch();
    mkdirSync(join(disk.bare, "hooks"), { recursive: true });
    writeFileSync(
      join(disk.bare, "hooks/pre-receive"),
      "#!/bin/sh\necho 'main is protected: open a pull request' >&2\nexit 1\n",
    );
    chmodSync(join(disk.bare, "hooks/pre-receive"), 0o755);

    const error = await failure(git.push(change(head)));

    expect(error).toMatchObject({ name: "UserError", code: "RW1117" });
    expect(error.message).toContain("open a pull request");
    expect(disk.people.head("main")).toBe(head);
  });
});

describe("what is in the repository", () => {
  it("never becomes files: no work tree, no hook, no link", async () => {
    disk.people.commitSymlink("main", "policies/link.yaml", "/etc/passwd", { time: time + 1000 });
    const git = await openLocal();
    const { head } = await git.fetch();
    const store = join(disk.folder, "stores", readdirSync(join(disk.folder, "stores"))[0] ?? "");
    mkdirSync(join(store, "hooks"), { recursive: true });
    for (const hook of ["reference-transaction", "pre-push", "post-commit", "post-index-change"]) {
      writeFileSync(join(store, "hooks", hook), `#!/bin/sh\ntouch ${join(disk.folder, "hook-ran")}\n`);
      chmodSync(join(store, "hooks", hook), 0o755);
    }
    await git.read(head, "");
    await git.push(change(head));
    await git.fetch();

    expect(readdirSync(disk.folder)).not.toContain("hook-ran");
    expect(
      readdirSync(store).filter(
        (name) =>
          !["HEAD", "config", "objects", "refs", "hooks", "packed-refs", "branches", "info", "description"].includes(
            name,
          ),
      ),
    ).toEqual([]);
  });

  it("with submodules and names that are not UTF-8 is named and skipped", async () => {
    const head = disk.people.head("main") ?? "";
    const blob = execFileSync("git", ["-C", disk.bare, "hash-object", "-w", "--stdin"], {
      input: "a: 1\n",
      encoding: "utf8",
    }).trim();
    const listing = execFileSync("git", ["-C", disk.bare, "ls-tree", "-z", head]);
    const entries = Buffer.concat([
      listing,
      Buffer.from(`160000 commit ${"1".repeat(40)}\tvendor\x00100644 blob ${blob}\tbad-`),
      Buffer.from([0xff]),
      Buffer.from(".yaml\0"),
    ]);
    const tree = execFileSync("git", ["-C", disk.bare, "mktree", "-z", "--missing"], {
      input: entries,
      encoding: "utf8",
    }).trim();
    const who = {
      GIT_AUTHOR_NAME: "x",
      GIT_AUTHOR_EMAIL: "x@example.test",
      GIT_COMMITTER_NAME: "x",
      GIT_COMMITTER_EMAIL: "x@example.test",
    };
    const commit = disk.git(["commit-tree", "-p", head, "-m", "x", tree], who).trim();
    disk.git(["update-ref", "refs/heads/main", commit]);
    const git = await openLocal();
    const snapshot = await git.read((await git.fetch()).head, "");

    expect(snapshot.files.map((file) => [file.path, file.problem?.code])).toEqual([
      ["bad-\ufffd.yaml", "PathNotUtf8"],
      [ring, undefined],
      ["vendor", "FileIsSubmodule"],
    ]);
  });

  it("is refused when its objects are malformed", async () => {
    const blob = execFileSync("git", ["-C", disk.bare, "hash-object", "-w", "--stdin"], {
      input: "a: 1\n",
      encoding: "utf8",
    }).trim();
    const raw = Buffer.concat([Buffer.from("100644 .git\0"), Buffer.from(blob, "hex")]);
    const tree = execFileSync("git", ["-C", disk.bare, "hash-object", "-w", "-t", "tree", "--literally", "--stdin"], {
      input: raw,
      encoding: "utf8",
    }).trim();
    const who = {
      GIT_AUTHOR_NAME: "x",
      GIT_AUTHOR_EMAIL: "x@example.test",
      GIT_COMMITTER_NAME: "x",
      GIT_COMMITTER_EMAIL: "x@example.test",
    };
    disk.git(["update-ref", "refs/heads/main", disk.git(["commit-tree", "-m", "x", tree], who).trim()]);

    expect((await failure((await openLocal()).fetch())).code).toBe("RW1118");
  });

  it("is refused as a whole when it is larger than the limits", async () => {
    const git = await openLocal({ limits: { maxFiles: 2 } });
    disk.people.commitFiles("main", { "a.yaml": "1", "b.yaml": "2", "c.yaml": "3" }, { time });
    const { head } = await git.fetch();

    expect((await failure(git.read(head, ""))).code).toBe("RW1110");
    expect((await git.read(head, "policies")).files).toHaveLength(1);
    expect((await failure((await openLocal({ limits: { maxTotalBytes: 2 } })).read(head, ""))).code).toBe("RW1110");
  });

  it("keeps one store per address", async () => {
    const other = createDiskRemote();
    other.people.commitFiles("main", { "x.yaml": "x: 1\n" }, { time });
    const first = await (await openLocal()).fetch();
    const second = await openLocal({ url: other.bare });
    await second.fetch();

    expect(await second.isAncestor(first.head, first.head)).toBe(false);
    other.remove();
  });

  it("is read again only where it changed", async () => {
    const files: Record<string, string> = {};
    for (let index = 0; index < 20; index++) files[`policies/${index}.yaml`] = `n: ${index}\n`;
    const first = disk.people.commitFiles("main", files, { time });
    const second = disk.people.commitFiles("main", { "policies/7.yaml": "n: seven\n" }, { time });
    const git = await createGit({
      url: checkUrl(disk.bare, { allowInsecure: true }),
      directory: disk.bare,
      silenceMs: 60_000,
      maxOutputBytes: 1e8,
      transfer: defaultTransferLimits,
      clock: systemClock,
    });
    const asked: number[] = [];
    const counting: typeof git = {
      ...git,
      local: (args, run) => {
        if (args[0] === "cat-file" && args[1] === "--batch") asked.push(String(run?.input).trim().split("\n").length);
        return git.local(args, run);
      },
    };
    const cache = blobCache(defaultLimits.maxCachedBytes);
    const store: Store = {
      git: counting,
      directory: disk.bare,
      url: disk.bare,
      branch: "main",
      author: { name: "R", email: "r@example.test" },
      signingKeyFile: undefined,
      verifier: createVerifier(counting, join(disk.folder, "trust"), {}),
      verifies: false,
    };
    await readPolicyFiles(store, first, "", defaultLimits, cache);
    const files2 = await readPolicyFiles(store, second, "", defaultLimits, cache);
    await readPolicyFiles(store, second, "", defaultLimits, cache);

    expect(asked).toEqual([21, 1]);
    expect(files2.find((file) => file.path === "policies/7.yaml")?.text).toBe("n: seven\n");
  });

  it("reads 10,000 small files", async () => {
    const lines = ["commit refs/heads/main", "committer x <x@example.test> 1767225600 +0000", "data 1", "x"];
    for (let index = 0; index < 10_000; index++) {
      const text = `apiVersion: ringward.dev/v1alpha1\nkind: PatchException\nmetadata:\n  name: e${index}\nspec:\n  owner: team-${index % 40}\n  justification: "because of reason number ${index}"\n`;
      lines.push(`M 100644 inline policies/${index % 100}/${index}.yaml`, `data ${Buffer.byteLength(text)}`, text);
    }
    execFileSync("git", ["-C", disk.bare, "fast-import", "--quiet", "--force"], { input: `${lines.join("\n")}\n` });
    const git = await openLocal({ directory: join(disk.folder, "many") });
    const { head } = await git.fetch();
    const snapshot = await git.read(head, "policies");

    expect(snapshot.files).toHaveLength(10_000);
    expect(snapshot.files.every((file) => file.problem === undefined && file.text.startsWith("apiVersion"))).toBe(true);
  });
});

it("reports each operation with its outcome", async () => {
  const seen: string[] = [];
  const git = await openPolicyGit({
    url: disk.bare,
    branch: "main",
    directory: mkdtempSync(join(disk.folder, "s-")),
    author,
    allowInsecure: true,
    clock: systemClock,
    onOperation: ({ name, ok, durationMs }) => seen.push(`${name} ${ok} ${durationMs >= 0}`),
  });
  const { head } = await git.fetch();
  await git.push(change(head, { branch: "other" })).catch(() => undefined);

  expect(seen).toEqual(["fetch true true", "push false true"]);
});
