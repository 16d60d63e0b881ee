// Addresses, branches and paths that were made to run something or to read something else: refused before any process starts.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDiskRemote, type DiskRemote } from "../support/disk-remote.ts";
import { type Recording, recordGit } from "../support/recording-git.ts";
import { type Seen, visit } from "./support/visit.ts";

describe("before any process starts", () => {
  let disk: DiskRemote;
  let recording: Recording;
  let count = 0;
  const marker = (): string => join(disk.folder, "marker");

  beforeAll(() => {
    disk = createDiskRemote();
    recording = recordGit(disk.folder);
  });
  afterAll(() => {
    recording?.stop();
    disk?.remove();
  });
  const see = (rest: Partial<Parameters<typeof visit>[0]>): Promise<Seen> =>
    visit({
      url: "https://git.example.test/acme/policy.git",
      branch: "main",
      path: "",
      directory: join(disk.folder, "stores", String(count++)),
      silenceMs: 1_000,
      ...rest,
    });

  it.each<readonly [string, (marker: string) => string]>([
    ["an option", (made) => `--upload-pack=touch ${made}`],
    ["an option of ssh for a host", (made) => `ssh://-oProxyCommand=touch%20${made}/x`],
    ["an option of ssh for a host, written as scp does", (made) => `-oProxyCommand=touch ${made}:x`],
    ["an option of ssh for a user", (made) => `ssh://-oProxyCommand=touch ${made}@git.example.test/x`],
    ["a command", (made) => `ext::sh -c touch% ${made}`],
    ["a descriptor", () => "fd::7"],
    ["a helper of somebody", () => "evil::https://git.example.test/x"],
    ["a bundle on this disk", () => "/srv/x.bundle"],
    ["a repository on this disk", () => disk.bare],
    ["a file address", () => `file://${disk.bare}`],
    ["a folder above", () => "../../policy.git"],
    ["this machine", () => "https://127.0.0.1:8443/x.git"],
    ["this machine, in octal", () => "https://0177.0.0.1/x.git"],
    ["this machine, as one number", () => "https://2130706433/x.git"],
    ["this machine, in hexadecimal", () => "https://0x7f000001/x.git"],
    ["this machine, in IPv6", () => "https://[::1]/x.git"],
    ["this machine, mapped into IPv6", () => "https://[::ffff:127.0.0.1]/x.git"],
    ["a cloud's credentials", () => "https://169.254.169.254/latest/meta-data/"],
    ["a cloud's credentials by their name", () => "https://metadata.google.internal/x.git"],
    ["a cloud's credentials in IPv6", () => "https://[fe80::a9fe:a9fe]/x.git"],
    ["a name that looks like another: full width", () => "https://git\uff0eexample.test/x.git"],
    ["a name that looks like another: Cyrillic", () => "https://g\u0456t.example.test/x.git"],
    ["a line break", () => "https://git.example.test/x.git\nhost=evil.example"],
    ["an encoded line break", () => "https://git.example.test/x%0ahost=evil.example"],
    ["a password", () => "https://user:hunter2@git.example.test/x.git"],
    ["a user that is a host", () => "https://git.example.test@evil.example/x.git"],
    ["a backslash for a slash", () => "https://evil.example\\@git.example.test/x.git"],
    ["no encryption", () => "http://git.example.test/x.git"],
    ["a protocol without any", () => "git://git.example.test/x.git"],
    ["another protocol", () => "ftp://git.example.test/x.git"],
    ["a query", () => "https://git.example.test/x.git?service=git-receive-pack"],
  ])("an address is refused that holds %s", async (_what, url) => {
    const seen = await see({ url: url(marker()) });

    expect(seen.refused).toBe("RW1101");
    expect(seen.message).not.toMatch(/hunter2|[\n\u202e]/);
    expect(seen.message).toMatch(/\(.+\)$/);
  });

  it.each([
    "--upload-pack=touch",
    "-n",
    "main:refs/heads/other",
    "+main",
    "refs/heads/main",
    "HEAD",
    "@",
    "@{-1}",
    "main@{upstream}",
    "main~1",
    "main^",
    "a..b",
    ":/x",
    "*",
    "ma\u0456n",
    "main\u200d",
    "main ",
    "main\n",
    "main.lock",
    "../main",
    "/main",
    "a//b",
    "ringward/canary/nginx",
    "$(id)",
    "`id`",
    "main;id",
    "a".repeat(300),
  ])("the branch %j is refused", async (branch) => {
    expect((await see({ branch })).refused).toBe("RW1102");
  });

  it("nothing was started for any of them, and nothing is left behind", () => {
    const stores = join(disk.folder, "stores");

    expect(recording.runs()).toEqual([]);
    expect(existsSync(stores) ? readdirSync(stores) : []).toEqual([]);
    expect(existsSync(marker())).toBe(false);
  });
});

describe("a path", () => {
  let disk: DiskRemote;
  beforeAll(() => {
    disk = createDiskRemote();
    disk.people.commitFiles("main", { "policies/a.yaml": "a: 1\n" }, { time: Date.UTC(2026, 0, 1) });
  });
  afterAll(() => disk?.remove());
  const see = (path: string): Promise<Seen> =>
    visit({ url: disk.bare, branch: "main", path, directory: join(disk.folder, "stores"), allowInsecure: true });

  it.each([
    "..",
    "../x",
    "policies/../..",
    "/etc",
    "./policies",
    "-n",
    ":(top)",
    ":!policies",
    "~/x",
    "policies\\x",
    "policies//x",
    ".git",
    ".GIT/hooks",
    "policies/.git",
    "a\0b",
    "a\nb",
    "\ud800",
    "a".repeat(2_000),
  ])("%j is refused", async (path) => {
    const seen = await see(path);

    expect(seen.refused).toBe("RW1103");
    expect(seen.message).not.toMatch(/[\0\n]/);
  });

  it.each(["*", "pol?cies", "policies/[a]*", "HEAD", "main:policies"])(
    "%j is a folder's name like any other",
    async (path) => {
      expect(await see(path)).toMatchObject({ refused: "noFolder", texts: {} });
    },
  );
});
