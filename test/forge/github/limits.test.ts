// How the GitHub adapter speaks to a forge that is slow, limits it, refuses it or answers nonsense. Time is the transport clock's:
// nothing sleeps on the wall.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { manualClock } from "../../../controller/clock.ts";
import { UserError, WaitError } from "../../../controller/errors.ts";
import { createForge, type Forge, type ForgeCall } from "../../../controller/forge/index.ts";
import { failureOf } from "../../../controller/forge/failure.ts";
import { linkedPage, readPull } from "../../../controller/forge/reading.ts";
import { type ForgeRequestEvent, type SandboxForge, startForge } from "../../../controller/sandbox/forge/index.ts";
import { hurriedClock } from "../hurried-clock.ts";
import { token } from "./support.ts";

const proposal = { head: "ringward/early", base: "main", title: "t", body: "b", labels: [] };

describe("GitHub adapter under limits and refusals", () => {
  let directory = "";
  let sandbox: SandboxForge;
  let clock = hurriedClock();
  let calls: ForgeCall[] = [];
  let seen: ForgeRequestEvent[] = [];
  let forge: Forge;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "ringward-forge-"));
    sandbox = await startForge({
      directory,
      clock: manualClock(Date.UTC(2026, 0, 5, 8)),
      owner: "acme",
      repository: "policies",
      tokens: { [token]: "ringward" },
    });
    await sandbox.seed(new Map([["README.md", "policies\n"]]), "Start", "alice");
    await sandbox.commit({
      branch: "ringward/early",
      files: new Map([["a", "1\n"]]),
      message: "a",
      author: "ringward",
    });
    clock = hurriedClock();
    calls = [];
    seen = [];
    sandbox.onRequest((event) => seen.push(event));
    forge = open({});
  });
  afterEach(async () => {
    await sandbox.close();
    await rm(directory, { recursive: true, force: true });
  });

  function open(change: { token?: string; repository?: string; apiUrl?: string }): Forge {
    return createForge({
      kind: "GitHub",
      apiUrl: change.apiUrl ?? sandbox.apiUrl,
      owner: "acme",
      repository: change.repository ?? "policies",
      token: () => Promise.resolve(change.token ?? token),
      clock,
      onRequest: (call) => calls.push(call),
    });
  }

  it("asks again with the ETag and takes 304 for what it has", async () => {
    await forge.open(proposal);

    const first = await forge.list("ringward/");
    const second = await forge.list("ringward/");

    expect(second).toEqual(first);
    expect(calls.slice(-2).map((call) => call.status)).toEqual([200, 304]);
  });

  it("sees a change behind an ETag", async () => {
    const { number } = await forge.open(proposal);
    await forge.list("ringward/");
    await sandbox.closePullRequest(number, "alice");

    expect((await forge.list("ringward/"))[0]?.state).toBe("closed");
  });

  it.each([403, 429])("waits as long as Retry-After says when answered %i, then carries on", async (status) => {
    let left = 1;
    sandbox.setFault((request) =>
      request.method === "POST" && left-- > 0
        ? { status, message: "You have exceeded a secondary rate limit", headers: { "retry-after": "2" } }
        : "none",
    );

    await expect(forge.open(proposal)).resolves.toMatchObject({ state: "open" });

    expect(clock.slept).toContain(2000);
    expect(await sandbox.pullRequests()).toHaveLength(1);
  });

  it("does not sit out a long limit: says when to come back, and asks nothing until then", async () => {
    sandbox.setFault(() => ({ status: 403, message: "secondary rate limit", headers: { "retry-after": "90" } }));

    await expect(forge.list("")).rejects.toMatchObject({ name: "WaitError", retryAfterMs: 90_000 });
    const asked = seen.length;
    await expect(forge.open(proposal)).rejects.toBeInstanceOf(WaitError);
    expect(seen).toHaveLength(asked);

    sandbox.setFault(undefined);
    clock.pass(90_000);
    await expect(forge.list("")).resolves.toEqual([]);
  });

  it("waits for the reset of the hourly limit by the forge's own clock", async () => {
    const reset = Math.floor(Date.UTC(2030, 0, 1) / 1000) + 600;
    const date = new Date(Date.UTC(2030, 0, 1)).toUTCString();
    sandbox.setFault(() => ({
      status: 403,
      message: "API rate limit exceeded",
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset), date },
    }));

    await expect(forge.list("")).rejects.toMatchObject({ name: "WaitError", retryAfterMs: 600_000 });
  });

  it("tries reads again after an outage, three times at most", async () => {
    let left = 2;
    sandbox.setFault(() => (left-- > 0 ? { status: 502, message: "Bad Gateway" } : "none"));
    await expect(forge.list("")).resolves.toEqual([]);

    sandbox.setFault(() => ({ status: 503, message: "Unavailable" }));
    seen.length = 0;
    await expect(forge.list("")).rejects.toThrow(/acme\/policies: the forge did not list pull requests: HTTP 503/);
    expect(seen).toHaveLength(3);
  });

  it("never sends a write twice after an outage", async () => {
    const { number } = await forge.open(proposal);
    seen.length = 0;
    sandbox.setFault((request) => (request.write ? { status: 502, message: "Bad Gateway" } : "none"));

    await expect(forge.update(number, { title: "new" })).rejects.toThrow(/HTTP 502/);

    expect(seen.filter((event) => event.write)).toHaveLength(1);
  });

  it("takes a 422 for what it says when an open one cannot be found", async () => {
    sandbox.setFault((request) =>
      request.method === "POST"
        ? { status: 422, message: "A pull request already exists for acme:ringward/early." }
        : "none",
    );

    await expect(forge.open(proposal)).rejects.toThrow(/already exists/);
    expect(clock.slept.length).toBeGreaterThan(0);
  });

  it("tells a person what to do about a token that is refused, without showing it", async () => {
    const wrong = "ghp_wrongwrongwrongwrongwrong";

    const error: unknown = await open({ token: wrong })
      .list("")
      .catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toMatch(/acme\/policies: the forge does not accept our token.*renew the token/);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(wrong);
  });

  it("tells a person about a missing permission and a missing repository", async () => {
    await expect(open({ repository: "nowhere" }).list("")).rejects.toMatchObject({ name: "UserError", code: "RW0713" });
    sandbox.setFault(() => ({ status: 403, message: "Resource not accessible by integration" }));
    await expect(forge.open(proposal)).rejects.toMatchObject({ name: "UserError", code: "RW0712" });
  });

  it("shows no token in any error, whatever the forge answers", async () => {
    const odd = "a token without any known shape";
    forge = open({ token: odd });
    const shown: string[] = [];
    for (const status of [400, 401, 403, 404, 409, 418, 422, 500, 503]) {
      sandbox.setFault(() => ({
        status,
        message: `${odd} was refused, see https://user:${odd}@example.com`,
      }));
      const calls = [
        () => forge.list(""),
        () => forge.open(proposal),
        () => forge.update(1, { title: "t" }),
        () => forge.close(1, "why"),
      ];
      for (const call of calls) {
        const error: unknown = await call().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(Error);
        shown.push(
          `${String(error)} ${(error as Error).stack ?? ""} ${JSON.stringify(error, Object.getOwnPropertyNames(error))}`,
        );
      }
    }
    expect(shown).toHaveLength(36);
    expect(shown.join("\n")).not.toContain(odd);
  });

  it("passes on what is wrong with the token's file as it is", async () => {
    const broken = createForge({
      kind: "GitHub",
      apiUrl: sandbox.apiUrl,
      owner: "acme",
      repository: "policies",
      token: () => Promise.reject(new UserError("RW1", "the token file is gone")),
      clock,
    });

    await expect(broken.list("")).rejects.toThrow("the token file is gone");
    expect(seen).toEqual([]);
  });

  it("refuses addresses that would show the token", () => {
    for (const apiUrl of ["http://forge.example.com/api/v3", "nonsense", "https://user:secret@forge.example.com"]) {
      expect(() => open({ apiUrl })).toThrow(UserError);
    }
  });

  it("names routes by template for metrics", async () => {
    const { number } = await forge.open(proposal);
    await forge.close(number, "why");

    expect(new Set(calls.map((call) => call.route.replace(/\{.*?\}/g, "*")))).toEqual(
      new Set(["/repos/*/*/pulls", "/repos/*/*/pulls/*", "/repos/*/*/issues/*/comments"]),
    );
    expect(calls.every((call) => call.remaining === 4999)).toBe(true);
  });
});

describe("what a forge answers", () => {
  it("is an error when it lacks what we decide by", () => {
    for (const value of [
      null,
      [],
      {},
      { number: 0 },
      { number: 1, state: "odd" },
      { number: 1, state: "open", head: null },
    ]) {
      expect(() => readPull(value, "acme/policies")).toThrow(/the forge's answer/);
    }
  });

  it("names its next page", () => {
    expect(linkedPage('<https://x/?page=1>; rel="prev", <https://x/?page=3&q=a,b>; rel="next"', "next")).toBe(
      "https://x/?page=3&q=a,b",
    );
    expect(linkedPage('<https://x/?page=1>; rel="last"', "next")).toBeUndefined();
    expect(linkedPage(undefined, "next")).toBeUndefined();
  });

  it("is an outage when there was none", () => {
    expect(failureOf(new Error("fetch failed"), 0)).toMatchObject({ kind: "Outage" });
    expect(failureOf(Object.assign(new Error("x"), { status: 500 }), 0)).toMatchObject({ kind: "Outage" });
  });
});
