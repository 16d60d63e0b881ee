// The way to the forge: a server with a certificate of one's own authority, and a proxy, over real TLS.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAppAccount, createFetch, createForge, type Forge } from "../../../controller/forge/index.ts";
import { type ConnectProxy, serveProxy } from "../../git/support/proxy.ts";
import { selfSigned } from "../../git/support/self-signed.ts";
import { appId, appKey, type GitHubPlace, installationId, startGitHub, token } from "./support.ts";

interface Tls {
  readonly cert: string;
  readonly apiUrl: string;
  close(): Promise<void>;
}

/** TLS in front of that forge. */
async function serveTls(target: string): Promise<Tls> {
  const { key, cert } = selfSigned();
  const { hostname, port } = new URL(target);
  const server = createServer({ key, cert }, (incoming, response) => {
    const { method, headers, url: path } = incoming;
    const onward = request({ hostname, port, method, headers, path }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    cert,
    apiUrl: `https://localhost:${(server.address() as AddressInfo).port}/api/v3`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

describe("the way to the forge", () => {
  let place: GitHubPlace;
  let tls: Tls;
  let proxy: ConnectProxy;
  let directory: string;
  let caFile: string;
  beforeEach(async () => {
    place = await startGitHub();
    tls = await serveTls(place.sandbox.url);
    proxy = await serveProxy("ringward:s3cret");
    directory = await mkdtemp(join(tmpdir(), "ringward-way-"));
    caFile = join(directory, "ca.pem");
    await writeFile(caFile, tls.cert);
  });
  afterEach(async () => {
    await proxy.close();
    await tls.close();
    await place.close();
    await rm(directory, { recursive: true, force: true });
  });

  const forge = (way: Parameters<typeof createFetch>[0]): Forge =>
    createForge({
      kind: "GitHub",
      apiUrl: tls.apiUrl,
      owner: "acme",
      repository: "policies",
      token: () => Promise.resolve(token),
      clock: place.clock,
      fetch: createFetch(way),
    });

  it("trusts the authority that it is told, and no unknown one", async () => {
    await expect(forge({ caFile }).list("")).resolves.toEqual([]);
    await expect(forge({}).list("")).rejects.toThrow(/certificate|self-signed|fetch failed/i);
    expect(createFetch({})).toBeUndefined();
  });

  it("takes certificates that were changed in their file", async () => {
    await writeFile(caFile, selfSigned().cert);
    const client = forge({ caFile });
    await expect(client.list("")).rejects.toThrow(/certificate|self-signed|fetch failed/i);

    await writeFile(caFile, tls.cert);

    await expect(client.list("")).resolves.toEqual([]);
    await rm(caFile);
    await expect(client.list("")).rejects.toMatchObject({ code: "RW0717" });
  });

  it("goes through the proxy with its credentials, and shows it no token", async () => {
    const way = { caFile, proxy: { url: proxy.url, credentials: () => Promise.resolve("ringward:s3cret") } };

    await expect(forge(way).list("")).resolves.toEqual([]);

    expect(proxy.asked).toMatchObject([{ target: new URL(tls.apiUrl).host, let: true }]);
    expect(JSON.stringify(proxy.asked)).not.toContain(token);
  });

  it("says what is wrong when the proxy does not let it through, and shows no credentials", async () => {
    const way = { caFile, proxy: { url: proxy.url, credentials: () => Promise.resolve("ringward:wrong-password") } };

    const error: unknown = await forge(way)
      .list("")
      .catch((thrown: unknown) => thrown);

    expect(String(error)).toMatch(/did not list pull requests/);
    expect(`${String(error)} ${JSON.stringify(error, Object.getOwnPropertyNames(error))}`).not.toMatch(
      /wrong-password|cmluZ3dhcmQ6/,
    );
    expect(proxy.asked.some((asked) => asked.let)).toBe(false);
  });

  it("is an App's, too", async () => {
    const way = { caFile, proxy: { url: proxy.url, credentials: () => Promise.resolve("ringward:s3cret") } };
    const account = createAppAccount({
      apiUrl: tls.apiUrl,
      appId,
      installationId,
      privateKey: () => Promise.resolve(appKey),
      clock: place.clock,
      fetch: createFetch(way),
    });

    await expect(account.token()).resolves.toMatch(/^ghs_/);
    expect(proxy.asked).toHaveLength(1);
  });
});
