import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../controller/clock.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import { author, policyGitContract } from "./contract.ts";
import { createDiskRemote } from "./support/disk-remote.ts";
import { serveGit } from "./support/http-server.ts";

policyGitContract("git on disk", async () => {
  const remote = createDiskRemote();
  return {
    people: remote.people,
    open: () =>
      openPolicyGit({
        url: remote.bare,
        branch: "main",
        directory: mkdtempSync(join(remote.folder, "store-")),
        author,
        allowInsecure: true,
        clock: systemClock,
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
    open: () =>
      openPolicyGit({
        url: `${server.url}/remote.git`,
        allowInsecure: true,
        branch: "main",
        directory: mkdtempSync(join(remote.folder, "store-")),
        auth: { kind: "Token", token: async () => "s3cret-token" },
        author,
        clock: systemClock,
      }),
    close: async () => {
      await server.close();
      remote.remove();
    },
  };
});
