// A git with known holes is refused, by what it says of itself and before it is asked to do anything.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { checkGitVersion } from "../../controller/git/git-version.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";

describe("the git that is installed", () => {
  it.each([
    "git version 2.45.0",
    "git version 2.39.3",
    "git version 2.38.9",
    "git version 1.9.1",
    "git version 2.44.0.windows.1",
    "",
    "hg 1",
  ])("is refused when it has known holes: %j", (text) => {
    expect(() => checkGitVersion(text)).toThrow(/RW1109|security holes/);
  });

  it("is asked for its version and for nothing else where it is too old", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ringward-old-git-"));
    const path = process.env["PATH"];
    onTestFinished(() => {
      process.env["PATH"] = path;
      rmSync(folder, { recursive: true });
    });
    writeFileSync(join(folder, "git"), `#!/bin/sh\necho "$*" >> ${folder}/asked\necho git version 2.45.0\n`);
    chmodSync(join(folder, "git"), 0o755);
    process.env["PATH"] = `${folder}:${path}`;

    const opened = openPolicyGit({
      url: "https://git.example.com/acme/policy.git",
      branch: "main",
      directory: join(folder, "stores"),
      author: { name: "Ringward", email: "ringward@example.com" },
      clock: systemClock,
    });

    await expect(opened).rejects.toMatchObject({ name: "UserError", code: "RW1109" });
    expect(readFileSync(join(folder, "asked"), "utf8")).toBe("version\n");
  });

  it.each([
    "git version 2.39.5",
    "git version 2.45.1",
    "git version 2.46.0",
    "git version 2.52.0 (Apple Git-155)",
    "git version 3.0.1",
    "git version 2.43.4",
  ])("is fine: %s", (text) => {
    expect(() => checkGitVersion(text)).not.toThrow();
  });
});
