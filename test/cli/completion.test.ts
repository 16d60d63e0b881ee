// Completion, asked as shells ask: through a process, and through bash itself.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), "ringward-completion-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Offers, then the directive, for words of which the last is being typed. */
async function complete(...words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, ["controller/launch.cjs", "__complete", ...words]);
  return stdout.trimEnd().split("\n");
}

describe("completion", () => {
  it("offers commands, and the flags that --help tells of", async () => {
    expect(await complete("st")).toEqual(["status", "stop", ":4"]);
    expect(await complete("retry", "node/a", "--r")).toEqual(["--reason", ":4"]);
    expect(await complete("rollout", "prod", "--w")).toEqual(["--wait", "--watch", ":4"]);
    expect(await complete("rollout", "prod", "--t")).toEqual(["--timeout", ":4"]);
    expect(await complete("nothing", "")).toEqual([":4"]);
  });

  it("offers the values of a flag that has a few, and files where a file is wanted", async () => {
    expect(await complete("status", "-o", "")).toEqual(["text", "wide", "json", "yaml", ":4"]);
    expect(await complete("compare-versions", "--scheme", "d")).toEqual(["dpkg", ":4"]);
    expect(await complete("plan", "--policy", "")).toEqual([":0"]);
    expect(await complete("validate", "")).toEqual([":0"]);
  });

  it("works in bash", async () => {
    writeFileSync(
      join(scratch, "ringward"),
      `#!/bin/sh\nexec "${process.execPath}" "${process.cwd()}/controller/launch.cjs" "$@"\n`,
      { mode: 0o755 },
    );
    const script = `source <(ringward completion bash)
COMP_WORDS=(ringward status --wat); COMP_CWORD=2; compopt() { echo "files: $*"; }; _ringward; echo "\${COMPREPLY[*]}"
COMP_WORDS=(ringward plan --policy ""); COMP_CWORD=3; _ringward; echo "\${COMPREPLY[*]}"`;
    const env = { ...process.env, PATH: `${scratch}:${process.env["PATH"] ?? ""}` };
    // Without a login's files: bash reads them where its input is a socket.
    const { stdout, stderr } = await run("bash", ["--norc", "-euc", script], { env });
    expect(stderr).toBe("");
    expect(stdout).toBe("--watch\nfiles: -o default\n\n");
  });

  it("refuses a shell that it does not know", async () => {
    await expect(run(process.execPath, ["controller/launch.cjs", "completion", "tcsh"])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining("which shell? bash, zsh, fish"),
    });
  });
});
