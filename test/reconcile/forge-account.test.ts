// One GitHub App for git and for the forge: the same tokens, over real HTTP and real git.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PolicyRepositorySpec } from "../../controller/api/policy-repository.ts";
import { systemClock } from "../../controller/clock.ts";
import type { Account } from "../../controller/forge/index.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import { createAppAccounts } from "../../controller/reconcile/forge-account.ts";
import { appId, appKey, type GitHubPlace, installationId, startGitHub } from "../forge/github/support.ts";

describe("the App of a PolicyRepository", () => {
  let place: GitHubPlace;
  let directory: string;
  let spec: PolicyRepositorySpec;
  beforeEach(async () => {
    place = await startGitHub();
    directory = await mkdtemp(join(tmpdir(), "ringward-account-"));
    const privateKeyFile = join(directory, "app.pem");
    await writeFile(privateKeyFile, appKey);
    spec = {
      url: place.sandbox.gitUrl,
      clusterName: "rig",
      auth: { githubApp: { appId, installationId, privateKeyFile } },
      forge: { kind: "GitHub", apiUrl: place.sandbox.apiUrl, owner: "acme", repository: "policies" },
    };
  });
  afterEach(async () => {
    await place.close();
    await rm(directory, { recursive: true, force: true });
  });

  function accountOf(accounts: ReturnType<typeof createAppAccounts>): Account {
    const account = accounts(spec);
    if (account === undefined) throw new Error("there is an App");
    return account;
  }

  const openGit = (account: Account): Promise<PolicyGit> =>
    openPolicyGit({
      url: place.sandbox.gitUrl,
      branch: "main",
      directory: join(directory, "store"),
      author: { name: "Ringward", email: "ringward@rig.invalid" },
      auth: { kind: "Token", token: account.token },
      clock: systemClock,
      allowInsecure: true,
    });
  const minted = (): number => place.seen.filter(({ path }) => path.endsWith("/access_tokens")).length;

  it("is one for the same spec, another for another, and none where there is none", () => {
    const accounts = createAppAccounts(systemClock);
    const first = accounts(spec);

    expect(accounts({ ...spec, interval: "5m" })).toBe(first);
    expect(accounts({ ...spec, auth: { githubApp: { ...spec.auth!.githubApp!, installationId: 1 } } })).not.toBe(first);
    expect(accounts({ ...spec, auth: { tokenFile: "/token" } })).toBeUndefined();
  });

  it("fetches and pushes with git, and speaks to the forge, with one token", async () => {
    const account = accountOf(createAppAccounts(systemClock));
    const git = await openGit(account);
    const { head } = await git.fetch();

    const pushed = await git.push({
      branch: "ringward/early",
      parent: head,
      expect: "absent",
      files: new Map([["a", "1\n"]]),
      message: "a",
      time: Date.UTC(2026, 0, 5, 9),
    });
    const pull = await place
      .appForge(account)
      .open({ head: "ringward/early", base: "main", title: "t", body: "b", labels: [] });

    expect(pushed).toEqual({ kind: "Pushed", commit: pull.headSha });
    expect(pull.author).toBe("ringward-app[bot]");
    expect(place.sandbox.pushes().at(-1)).toMatchObject({ branch: "ringward/early", by: "ringward-app[bot]" });
    expect(minted()).toBe(1);
  });

  it("gives git the new token as soon as the forge refused the old one", async () => {
    const account = accountOf(createAppAccounts(systemClock));
    const git = await openGit(account);
    await git.fetch();
    place.sandbox.revokeAppTokens();
    await expect(git.fetch()).rejects.toMatchObject({ name: "UserError" });

    await place.appForge(account).list("");

    await expect(git.fetch()).resolves.toBeDefined();
    expect(minted()).toBe(2);
  });
});
