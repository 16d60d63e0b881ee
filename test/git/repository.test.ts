import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { openPolicyGit, type PolicyGitOptions } from "../../controller/git/repository.ts";
import { author, type ContractSignatures, policyGitContract } from "./contract.ts";
import { createDiskRemote, type DiskRemote } from "./support/disk-remote.ts";
import { serveGit } from "./support/http-server.ts";

function signatureOptions(disk: DiskRemote, { trusted, signer }: ContractSignatures = {}): Partial<PolicyGitOptions> {
  return {
    ...(trusted === undefined ? {} : { trust: { allowedSignersFile: disk.allowedSigners(trusted) } }),
    ...(signer === undefined ? {} : { signingKeyFile: disk.keyOf(signer) }),
  };
}

policyGitContract("git on disk", async () => {
  const remote = createDiskRemote();
  return {
    people: remote.people,
    showPull: (number, head) => void remote.git(["update-ref", `refs/pull/${number}/head`, head]),
    open: (signatures) =>
      openPolicyGit({
        url: remote.bare,
        branch: "main",
        directory: mkdtempSync(join(remote.folder, "store-")),
        author,
        allowInsecure: true,
        clock: systemClock,
        ...signatureOptions(remote, signatures),
      }),
    close: async () => remote.remove(),
  };
});

policyGitContract("git over HTTP with a token", async () => {
  const remote = createDiskRemote();
  remote.git(["config", "http.receivepack", "true"]);
  const server = await serveGit(remote.folder, { username: "x-access-token", token: "s3cret-token" });
  return {
    people: remote.people,
    showPull: (number, head) => void remote.git(["update-ref", `refs/pull/${number}/head`, head]),
    open: (signatures) =>
      openPolicyGit({
        url: `${server.url}/remote.git`,
        allowInsecure: true,
        branch: "main",
        directory: mkdtempSync(join(remote.folder, "store-")),
        auth: { kind: "Token", token: async () => "s3cret-token" },
        author,
        clock: systemClock,
        ...signatureOptions(remote, signatures),
      }),
    close: async () => {
      await server.close();
      remote.remove();
    },
  };
});

describe("a pull request on a forge", () => {
  it("that was pushed to meanwhile is told, and leaves no ref behind", async () => {
    const remote = createDiskRemote();
    try {
      const root = remote.people.commitFiles("main", { "a.yaml": "a: 1\n" }, { time: 0 });
      const first = remote.people.commitFiles("topic", { "a.yaml": "a: 2\n" }, { time: 1000, from: "main" });
      const second = remote.people.commitFiles("topic", { "a.yaml": "a: 3\n" }, { time: 2000 });
      remote.git(["update-ref", "refs/pull/3/head", second]);
      const directory = mkdtempSync(join(remote.folder, "store-"));
      const options = { url: remote.bare, branch: "main", directory, author, allowInsecure: true, clock: systemClock };
      const git = await openPolicyGit(options);
      await git.fetch();

      const pull = { number: 3, onto: root, path: "" };
      expect(await git.readPull({ ...pull, head: first })).toEqual({ kind: "Moved", at: second });
      expect(await git.readPull({ ...pull, head: second })).toMatchObject({
        kind: "Merged",
        files: [{ text: "a: 3\n" }],
      });
      await expect(git.readPull({ ...pull, number: 4, head: second })).rejects.toThrow("shows no refs/pull/4/head");
      const [store = ""] = readdirSync(directory);
      const refs = execFileSync("git", ["for-each-ref", "--format=%(refname)"], {
        cwd: join(directory, store),
        encoding: "utf8",
      });
      expect(refs).not.toContain("ringward/pulls");
    } finally {
      remote.remove();
    }
  });
});
