// A GitHub App as our account: its tokens are got, renewed and given up as GitHub's rules want it, and its secrets stay inside.
import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAppAccount } from "../../../controller/forge/index.ts";
import { appId, appKey, type GitHubPlace, installationId, startGitHub } from "./support.ts";

describe("GitHub App", () => {
  let place: GitHubPlace;
  beforeEach(async () => {
    place = await startGitHub();
  });
  afterEach(async () => {
    await place.close();
  });

  const minted = (): number => place.seen.filter(({ path }) => path.endsWith("/access_tokens")).length;

  it("speaks with an installation token, in its own name", async () => {
    const forge = place.appForge();
    await place.sandbox.commit({
      branch: "ringward/early",
      files: new Map([["a", "1\n"]]),
      message: "a",
      author: "alice",
    });

    const pull = await forge.open({ head: "ringward/early", base: "main", title: "t", body: "b", labels: [] });
    await forge.keepComment(pull.number, "<!-- ringward:x -->", "hello");
    await forge.keepComment(pull.number, "<!-- ringward:x -->", "hello again");

    expect(pull.author).toBe("ringward-app[bot]");
    expect((await forge.history(pull.number)).comments).toMatchObject([{ author: "ringward-app[bot]", mine: true }]);
    expect(minted()).toBe(1);
  });

  it("asks for one token when many want one at once", async () => {
    const account = place.account();

    const tokens = await Promise.all([account.token(), account.token(), account.token()]);

    expect(new Set(tokens).size).toBe(1);
    expect(minted()).toBe(1);
  });

  it("renews a token five minutes before it ends, by our own clock", async () => {
    const account = place.account();
    const first = await account.token();

    place.clock.pass(54 * 60_000);
    expect(await account.token()).toBe(first);
    place.clock.pass(2 * 60_000);
    const second = await account.token();

    expect(second).not.toBe(first);
    expect(minted()).toBe(2);
  });

  it("takes a new token when the forge ends one early, and does what it was asked", async () => {
    const forge = place.appForge();
    await forge.list("");
    place.sandbox.revokeAppTokens();

    expect(await forge.list("")).toEqual([]);

    expect(minted()).toBe(2);
    expect(place.seen.filter(({ status }) => status === 401)).toHaveLength(1);
  });

  it("gives up after one new token", async () => {
    const forge = place.appForge();
    place.sandbox.setFault((request) =>
      request.path.includes("/pulls") ? { status: 401, message: "Bad credentials" } : "none",
    );

    await expect(forge.list("")).rejects.toMatchObject({ code: "RW0711" });
    expect(place.seen.filter(({ path }) => path.includes("/pulls"))).toHaveLength(2);
    expect(minted()).toBe(2);
  });

  it("tells a person about a wrong App, a wrong installation, a wrong key, and what is no key", async () => {
    const { privateKey: other } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    const { privateKey: elliptic } = generateKeyPairSync("ec", {
      namedCurve: "P-256",
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });

    await expect(place.account({ appId: 8 }).token()).rejects.toMatchObject({ code: "RW0716" });
    await expect(place.account({ installationId: 1 }).token()).rejects.toMatchObject({ code: "RW0716" });
    await expect(place.account({ key: other }).token()).rejects.toMatchObject({ code: "RW0716" });
    await expect(place.account({ key: elliptic }).token()).rejects.toMatchObject({ code: "RW0715" });
    await expect(place.account({ key: "nonsense" }).token()).rejects.toMatchObject({ code: "RW0715" });
    await expect(place.account({ key: appKey.slice(0, 200) }).token()).rejects.toMatchObject({ code: "RW0715" });
  });

  it("waits for a limit, tries again after an outage, and works after a token request whose reply was lost", async () => {
    const account = place.account();
    const answers = [{ status: 502, message: "Bad Gateway" }, "loseReply", "none"] as const;
    let next = 0;
    place.sandbox.setFault(() => answers[next++] ?? "none");

    await expect(account.token()).resolves.toMatch(/^ghs_/);
    expect(minted()).toBe(3);

    place.sandbox.setFault(() => ({ status: 429, message: "secondary rate limit", headers: { "retry-after": "90" } }));
    await expect(place.account().token()).rejects.toMatchObject({ name: "WaitError", retryAfterMs: 90_000 });
  });

  it("refuses an address that would show the key's JWT", () => {
    const make = (apiUrl: string) => () =>
      createAppAccount({
        apiUrl,
        appId,
        installationId,
        privateKey: () => Promise.resolve(appKey),
        clock: place.clock,
      });

    expect(make("http://forge.example.com/api/v3")).toThrow(/in the clear/);
  });

  it("shows neither key nor JWT nor token in an error, whatever the forge answers", async () => {
    const account = place.account();
    const held = await account.token();
    const shown: string[] = [];
    for (const status of [301, 400, 401, 403, 404, 409, 422, 500]) {
      place.sandbox.setFault((request) => ({
        status,
        message: `${held} eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOjd9.c2lnbmF0dXJl was refused at ${request.path}`,
      }));
      const fresh = place.account();
      const forge = place.appForge(account);
      for (const call of [() => fresh.token(), () => forge.list("")]) {
        const error: unknown = await call().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(Error);
        shown.push(`${String(error)} ${JSON.stringify(error, Object.getOwnPropertyNames(error))}`);
      }
    }

    expect(shown).toHaveLength(16);
    expect(shown.join("\n")).not.toContain(held);
    expect(shown.join("\n")).not.toContain("c2lnbmF0dXJl");
    expect(shown.join("\n")).not.toContain("PRIVATE KEY");
  });
});
