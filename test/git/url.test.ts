import { describe, expect, it } from "vitest";

import { UserError } from "../../controller/errors.ts";
import {
  checkBranch,
  checkCommit,
  checkForgeUrl,
  checkPath,
  checkProxyUrl,
  checkUrl,
} from "../../controller/git/url.ts";

const refusal = (run: () => unknown): UserError => {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("was not refused");
};

describe("repository addresses", () => {
  it.each([
    ["https://github.com/acme/fleet.git", "https", "https://github.com/"],
    ["https://git.example.com:8443/a/b/c", "https", "https://git.example.com:8443/"],
    ["https://dev.azure.com/org/a%20b/_git/repo", "https", "https://dev.azure.com/"],
    ["https://10.0.0.7/fleet", "https", "https://10.0.0.7/"],
    ["https://[2001:db8::1]/fleet", "https", "https://[2001:db8::1]/"],
    ["http://127.0.0.1:3000/fleet.git", "http", "http://127.0.0.1:3000/"],
    ["http://localhost/fleet.git", "http", "http://localhost/"],
    ["http://[::1]:80/fleet.git", "http", "http://[::1]:80/"],
    ["ssh://git@github.com/acme/fleet.git", "ssh", ""],
    ["ssh://git@git.example.com:2222/~me/fleet", "ssh", ""],
    ["git@github.com:acme/fleet.git", "ssh", ""],
    ["git@git.example.com:/srv/fleet.git", "ssh", ""],
  ])("takes %s", (url, transport, origin) => {
    expect(checkUrl(url, { allowInsecure: true })).toMatchObject({ text: url, transport, origin });
  });

  it.each([
    "http://git.example.com/fleet.git",
    "http://127.0.0.1:3000/fleet.git",
    "https://127.0.0.1/fleet.git",
    "https://localhost/fleet.git",
    "https://LOCALHOST/fleet.git",
    "https://git.localhost/fleet.git",
    "https://[::1]/fleet.git",
    "https://[0:0:0:0:0:0:0:1]/fleet.git",
    "https://[::]/fleet.git",
    "ssh://git@127.0.0.1:2222/fleet.git",
    "git@localhost:fleet.git",
    "/srv/git/fleet.git",
    "file:///srv/git/fleet.git",
  ])("takes %s with --allow-insecure alone", (url) => {
    expect(checkUrl(url, { allowInsecure: true }).text).toBe(url);
    expect(refusal(() => checkUrl(url)).code).toBe("RW1101");
  });

  it.each([
    "http://proxy.example.com:3128",
    "https://proxy.example.com",
    "http://10.0.0.7:8080/",
    "http://[2001:db8::1]:3128",
  ])("takes the proxy %s", (url) => {
    expect(checkProxyUrl(url)).toBe(url);
  });

  it.each([
    "",
    "proxy.example.com:3128",
    "socks5://proxy.example.com:1080",
    "http://user:pass@proxy.example.com:3128",
    "http://user@proxy.example.com:3128",
    "http://proxy.example.com:3128/path",
    "http://proxy.example.com:0",
    "http://proxy.example.com:99999",
    "http://proxy.example.com:3128\n",
    "http://-oProxyCommand=x:1",
    "http://",
  ])("refuses the proxy %j", (url) => {
    const error = refusal(() => checkProxyUrl(url));

    expect(error.code).toBe("RW1131");
    expect(error.message).not.toMatch(/pass@|\n/);
  });

  it("holds a proxy's host to the rules of the repository's", () => {
    for (const url of ["http://127.0.0.1:3128", "http://169.254.169.254:80", "http://2130706433:3128"])
      expect(refusal(() => checkProxyUrl(url)).code).toBe("RW1101");
    expect(checkProxyUrl("http://127.0.0.1:3128", { allowInsecure: true })).toBe("http://127.0.0.1:3128");
  });

  it.each([
    "http://git.example.com/api/v1",
    "https://127.0.0.1/api/v1",
    "https://localhost:8443/api/v3",
    "https://0x7f.1/api/v1",
    "https://2130706433/api/v1",
    "https://[::1]/api/v1",
    "https://[::ffff:127.0.0.1]/api/v1",
    "https://169.254.169.254/latest",
    "https://localhost./api",
    "https://localhost%2e/api",
    "https://metadata.google.internal./computeMetadata",
    "https://ip6-localhost/api",
    "https://[::127.0.0.1]/api",
    "https://[64:ff9b::127.0.0.1]/api",
    "https://[fd00:ec2::254]/latest",
    "ftp://git.example.com/",
  ])("holds a forge's server to the rules of the repository's, however it is spelt: %s", (url) => {
    const error = refusal(() => checkForgeUrl(url));

    expect(error.code).toBe("RW1101");
    expect(error.message).toContain("forge address");
    expect(() => checkForgeUrl(url, { allowInsecure: true })).not.toThrow();
  });

  it("takes a forge's https address of a server", () => {
    for (const url of ["https://api.github.com", "https://git.example.com:8443/api/v1"])
      expect(() => checkForgeUrl(url)).not.toThrow();
  });

  it.each([
    "",
    "-oProxyCommand=touch /tmp/x",
    "--upload-pack=touch /tmp/x",
    "ext::sh -c touch% /tmp/x",
    "fd::17",
    "file:///etc",
    "/srv/git/fleet.git",
    "../fleet.git",
    "./fleet.git",
    "~/fleet.git",
    "C:\\fleet",
    "\\\\server\\share",
    "http://git.example.com/fleet.git",
    "http://127.0.0.1.evil.example/fleet.git",
    "http://localhost.evil.example/fleet.git",
    "ssh://git@github.com:99999/acme/fleet.git",
    "git://github.com/acme/fleet.git",
    "ftp://github.com/acme/fleet.git",
    "HTTPS://github.com/acme/fleet.git",
    "https://token@github.com/acme/fleet.git",
    "https://user:pass@github.com/acme/fleet.git",
    "https://github.com@evil.example/acme/fleet.git",
    "ssh://git:pass@github.com/acme/fleet.git",
    "ssh://-oProxyCommand=x/fleet.git",
    "ssh://-oProxyCommand=x@github.com/fleet.git",
    "ssh://git@-oProxyCommand=x/fleet.git",
    "ssh://git@github.com/-oProxyCommand=x",
    "-git@github.com:acme/fleet.git",
    "git@-oProxyCommand=x:fleet.git",
    "git@github.com:-oProxyCommand=x",
    "git@github.com:../../etc/passwd",
    "https://github.com/../etc/passwd",
    "https://github.com/a/./b",
    "https://github.com/a/%2e%2e/b",
    "https://github.com/a%2fb",
    "https://github.com/a%0ab",
    "https://github.com/a%zz",
    "https://github.com/acme/fleet.git\n--upload-pack=x",
    "https://github.com/acme/fleet.git\0",
    "https://github.com/acme/\u2028fleet.git",
    "https://github.com/acme/fleet git",
    "https://github.com/acme/fleet.git?x=1",
    "https://github.com/acme/fleet.git#x",
    "https:///acme/fleet.git",
    "https://github.com",
    "https://.github.com/x",
    "https://git..example.com/x",
    "https://169.254.169.254/latest/meta-data",
    "https://2852039166/latest",
    "https://0xA9FEA9FE/latest",
    "https://0251.0376.0251.0376/latest",
    "https://169.254.43518/latest",
    "https://[fe80::1]/x",
    "https://[::ffff:169.254.169.254]/x",
    "https://[0:0:0:0:0:ffff:a9fe:a9fe]/x",
    "https://metadata.google.internal/x",
    "https://metadata/x",
    "https://[fd00:ec2::254]/x",
    "https://[fd00:0ec2:0:0:0:0:0:254]/x",
    "https://[::7f00:1]/x",
    "https://[64:ff9b::7f00:1]/x",
    "https://ip6-localhost/x",
    "https://0.0.0.0/x",
    "https://github.com:99999/x",
    "https://github.com:0/x",
    `https://github.com/${"a".repeat(3000)}`,
    "https://gіthub.com/acme/fleet.git",
    "https://github.com/$(touch x)",
    "https://github.com/`id`",
    "https://github.com/a;b",
  ])("refuses %j", (url) => {
    const error = refusal(() => checkUrl(url));

    expect(error.code).toBe("RW1101");
    expect(error.hint).toBeTruthy();
    // eslint-disable-next-line no-control-regex
    expect(error.message).not.toMatch(/[\0\n]|pass@|token@/);
  });

  it("takes paths on disk only where tests and the sandbox ask for it", () => {
    expect(checkUrl("/srv/git/fleet.git", { allowInsecure: true }).transport).toBe("file");
    expect(checkUrl("file:///srv/git/fleet.git", { allowInsecure: true }).transport).toBe("file");
    expect(refusal(() => checkUrl("/srv/../etc", { allowInsecure: true })).code).toBe("RW1101");
    expect(refusal(() => checkUrl("srv/git", { allowInsecure: true })).code).toBe("RW1101");
  });
});

describe("branches, paths and commits", () => {
  it.each(["main", "release/1.2", "ringward/canary/ubuntu-22.04", "a_b-c", "feature#1", "v1"])(
    "takes branch %s",
    (name) => {
      expect(checkBranch(name)).toBe(name);
    },
  );

  it.each([
    "",
    "-d",
    "--upload-pack=x",
    "a..b",
    "a b",
    "a\nb",
    "a~1",
    "a^",
    "a:b",
    "a?b",
    "a*",
    "a[b",
    "a\\b",
    "/a",
    "a/",
    "a//b",
    ".a",
    "a/.b",
    "a.lock",
    "a.lock/b",
    "a.",
    "@",
    "a@{1}",
    "HEAD",
    "refs/heads/main",
    "é",
    "x".repeat(201),
  ])("refuses branch %j", (name) => {
    expect(refusal(() => checkBranch(name)).code).toBe("RW1102");
  });

  it("takes paths inside the repository, without the closing slash", () => {
    expect([checkPath(""), checkPath("policies/prod/"), checkPath("ä/b c.yaml"), checkPath(".github/x.yaml")]).toEqual([
      "",
      "policies/prod",
      "ä/b c.yaml",
      ".github/x.yaml",
    ]);
  });

  it.each([
    "/",
    "/etc",
    "-x",
    "--",
    ":(glob)**",
    "~x",
    "a/../b",
    "..",
    "./a",
    "a//b",
    "a\\b",
    "a\nb",
    "a\0",
    ".git",
    "a/.GIT/config",
    "x".repeat(1025),
    "\ud800",
  ])("refuses path %j", (path) => {
    expect(refusal(() => checkPath(path)).code).toBe("RW1103");
  });

  it.each(["", "HEAD", "abc", "A".repeat(40), "0".repeat(39), `${"0".repeat(40)}\n`, "--all"])(
    "refuses commit %j",
    (commit) => {
      expect(refusal(() => checkCommit(commit)).code).toBe("RW1104");
    },
  );
});
