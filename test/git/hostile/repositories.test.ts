// What somebody who may write to the policy repository, or who runs its server, can put into it: each is refused or read as plain text. All of it
// is done by one process under strace, so that "nothing is executed, nothing is written outside the object store" is what the kernel saw.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDiskRemote, type DiskRemote } from "../support/disk-remote.ts";
import { type GitHttpServer, serveGit } from "../support/http-server.ts";
import { plantIn } from "./support/planting.ts";
import { REPOSITORIES, RING } from "./support/repositories.ts";
import { type Traced, traceVisits } from "./support/trace.ts";

const TOKEN = "secret-of-the-policy";
const branchOf = (index: number): string => `case-${index}`;

let disk: DiskRemote;
let server: GitHttpServer;
let traced: Traced;

beforeAll(async () => {
  disk = createDiskRemote();
  disk.git(["config", "uploadpack.allowFilter", "true"]);
  disk.git(["config", "uploadpack.allowAnySHA1InWant", "true"]);
  const make = plantIn(disk.bare);
  for (const [index, { plant }] of REPOSITORIES.entries())
    make.reference(`refs/heads/${branchOf(index)}`, plant(make, join(disk.folder, "marker")));
  server = await serveGit(disk.folder, { username: "x-access-token", token: TOKEN });
  traced = await traceVisits(
    disk.folder,
    REPOSITORIES.map(({ path = "" }, index) => ({
      url: `${server.url}/remote.git`,
      branch: branchOf(index),
      directory: join(disk.folder, "stores", String(index)),
      allowInsecure: true,
      token: TOKEN,
      path,
    })),
  );
}, 600_000);
afterAll(async () => {
  await server?.close();
  disk?.remove();
});

describe("a hostile repository", () => {
  it.each(REPOSITORIES.map((one, index) => ({ ...one, index })))("with $name", (one) => {
    const { refused, says, problems = {}, read = [], objects = [], index } = one;
    const seen = traced.seen[index];

    if (seen === undefined) throw new Error("was not visited");
    expect({ refused: seen.refused, message: refused === undefined ? seen.message : undefined }).toEqual({
      refused,
      message: undefined,
    });
    if (says !== undefined) expect(seen.message ?? seen.findings.join("; ")).toMatch(says);
    expect(seen.problems).toEqual(problems);
    if (refused !== undefined) {
      expect(seen.message).toMatch(/\S/);
      return;
    }
    for (const path of read) expect(Object.keys(seen.texts)).toContain(path);
    const gone = objects.flatMap((name) => (name.startsWith("-") ? [name.slice(1)] : []));
    const there = ["RolloutRing/good", ...objects].filter((name) => !name.startsWith("-") && !gone.includes(name));
    expect(seen.objects.toSorted()).toEqual(there.toSorted());
    expect(seen.findings.join("")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    if (there.includes("RolloutRing/good") && RING in seen.texts) expect(seen.texts[RING]).toContain("name: good");
  });
});

describe("of all that, the kernel saw", () => {
  it("git and nothing else executed", () => {
    expect(traced.executed.filter((argv) => argv[0] === "git").length).toBeGreaterThan(REPOSITORIES.length * 3);
    expect(new Set(traced.executed.map((argv) => argv[0]))).toEqual(new Set(["git", "git-remote-http", "node"]));
  });

  it("nothing written outside the object stores", () => {
    const outside = traced.written.filter(
      (path) => !`${path}/`.startsWith(join(disk.folder, "stores/")) && path !== "/dev/null",
    );

    expect(traced.written.length).toBeGreaterThan(REPOSITORIES.length);
    expect(outside).toEqual([]);
  });

  it("in the object stores nothing but objects, references and git's own files", () => {
    const names = traced.written.flatMap((path) => {
      const [, , ...rest] = path.slice(join(disk.folder, "stores/").length).split("/");
      return path.startsWith(join(disk.folder, "stores/")) && rest.length > 0 ? [rest[0]] : [];
    });

    expect(
      [...new Set(names)].filter(
        (name) =>
          !/^(?:HEAD|config|objects|refs|packed-refs|shallow|t[A-Za-z0-9]{6})(?:\.lock|\.new)?$/.test(name ?? ""),
      ),
    ).toEqual([]);
  });

  it("no connection but to the repository's server", () => {
    expect([...new Set(traced.connected)]).toEqual([new URL(server.url).port]);
  });

  it("no token in any argument", () => {
    expect(traced.executed.flat().join("\n")).not.toContain(TOKEN);
    expect(readFileSync(traced.file, "utf8")).toContain("execve(");
  });
});
