// The Dockerfile's first RUN on bases that lack something: its script under the sh that a build uses, with programs in the place of apt-get and rm.
// test/image builds the image itself.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ROOT } from "./bundle.ts";

const NEEDED = ["git", "ssh", "gpg"];
let folder = "";
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What apt-get is asked on a base with these programs. */
function askedOn(programs: readonly string[]): readonly string[] {
  folder = mkdtempSync(join(tmpdir(), "ringward-dockerfile-"));
  const bin = join(folder, "bin");
  const asked = join(folder, "asked");
  mkdirSync(bin);
  // Nothing but these is found: no other program can be run by the script.
  for (const name of [...programs, "apt-get", "rm"]) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >>${asked}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const script = /^RUN ([^]*?[^\\])\n(?!\s)/m.exec(readFileSync(join(ROOT, "Dockerfile"), "utf8"))?.[1] ?? "exit 9";
  execFileSync("/bin/sh", ["-c", script.replaceAll("\\\n", "")], { env: { PATH: bin } });
  const lines = existsSync(asked) ? readFileSync(asked, "utf8").trim().split("\n") : [];
  return lines.filter((line) => line.startsWith("apt-get "));
}

describe("the Dockerfile", () => {
  it("leaves a base alone that has all that is needed", () => {
    expect(askedOn(NEEDED)).toEqual([]);
  });

  it.each([[NEEDED], ...NEEDED.map((name) => [[name]])])("installs them where %j is missing", (missing) => {
    const asked = askedOn(NEEDED.filter((name) => !missing.includes(name)));

    expect(asked[0]).toBe("apt-get update");
    for (const name of ["ca-certificates", "git", "gpg", "openssh-client"]) expect(asked[1]).toContain(` ${name}`);
  });
});
