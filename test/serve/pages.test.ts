// The page server over real sockets: what it answers, what it refuses, and that nobody can hold it open.
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { type BindAddress } from "../../controller/serve/bind-address.ts";
import { type Page, startPages } from "../../controller/serve/pages.ts";
import type { Listening } from "../../controller/serve/listening.ts";

const LOOPBACK: BindAddress = { host: "127.0.0.1", port: 0 };

async function start(pages: Record<string, Page>, address = LOOPBACK, errors: unknown[] = []): Promise<Listening> {
  const server = await startPages({
    flag: "--metrics-bind-address",
    address,
    pages,
    clock: systemClock,
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => server.close());
  return server;
}

const text =
  (body: string): Page =>
  () => ({ status: 200, contentType: "text/plain", body });

/** A raw connection that writes `head`, and everything that it got when the server ended it. */
function raw(url: string, head: string): { readonly socket: Socket; readonly ended: Promise<string> } {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let got = "";
  const ended = new Promise<string>((resolve) => {
    socket.setEncoding("utf8").on("data", (chunk: string) => (got += chunk));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(got));
  });
  socket.write(head);
  return { socket, ended };
}

describe("the page server", () => {
  it("answers GET and HEAD at the paths that there are, whatever the query says", async () => {
    const { url } = await start({ "/metrics": text("a 1\n") });

    expect(await (await fetch(`${url}/metrics`)).text()).toBe("a 1\n");
    expect(await (await fetch(`${url}/metrics?x=1`)).text()).toBe("a 1\n");
    const head = await fetch(`${url}/metrics`, { method: "HEAD" });
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "4"]);
    const missing = await fetch(`${url}/constructor`);
    expect([missing.status, await missing.text()]).toEqual([404, "there is /metrics\n"]);
  });

  it("takes no input: other methods are refused, and a body ends the connection", async () => {
    const { url } = await start({ "/metrics": text("a 1\n") });

    const post = await fetch(`${url}/metrics`, { method: "POST", body: "x" });

    expect([post.status, post.headers.get("allow"), post.headers.get("connection")]).toEqual([
      405,
      "GET, HEAD",
      "close",
    ]);
  });

  it("tells the log, and not the asker, why a page failed", async () => {
    const errors: unknown[] = [];
    const { url } = await start({ "/x": () => Promise.reject(new Error("secret")) }, LOOPBACK, errors);

    const answer = await fetch(`${url}/x`);

    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("secret");
    expect(errors).toEqual([new Error("secret")]);
  });

  it("serves many scrapes over one connection", async () => {
    const { url } = await start({ "/x": text("ok") });
    const { socket, ended } = raw(url, "GET /x HTTP/1.1\r\nhost: a\r\n\r\n".repeat(20));
    socket.end();

    expect((await ended).match(/HTTP\/1.1 200 OK/g)).toHaveLength(20);
  });

  it("refuses headers without end", async () => {
    const { url } = await start({ "/x": text("ok") });
    const { ended } = raw(url, `GET /x HTTP/1.1\r\nhost: a\r\nlong: ${"x".repeat(10_000)}\r\n\r\n`);

    expect(await ended).toContain("431");
  });

  it("ends a request that does not come to its end", async () => {
    const { url } = await start({ "/x": text("ok") });
    const { ended } = raw(url, "GET /x HTTP/1.1\r\nhost:");

    expect(await ended).toContain("408");
  });

  it("answers a probe although a stranger holds as many connections as there may be, and more", async () => {
    const { url } = await start({ "/x": text("ok") });
    const idle = Array.from({ length: 40 }, () => raw(url, "GET /x HTTP/1.1\r\nhost: a\r\n\r\n"));
    const half = Array.from({ length: 40 }, () => raw(url, "GET /x HTTP/1.1\r\nhost:"));
    onTestFinished(() => [...idle, ...half].forEach(({ socket }) => socket.destroy()));
    await Promise.all(
      [...idle, ...half].map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))),
    );

    for (let probe = 0; probe < 20; probe++) {
      const { socket, ended } = raw(url, "GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
      expect(await ended).toContain("200 OK");
      socket.destroy();
    }
  });

  it("closes although connections are idle, half asked or unanswered", async () => {
    let asked: () => void = () => undefined;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const server = await start({
      "/x": text("ok"),
      "/never": () => {
        asked();
        return new Promise(() => undefined);
      },
    });
    const idle = raw(server.url, "");
    const half = raw(server.url, "GET /x HT");
    const unanswered = raw(server.url, "GET /never HTTP/1.1\r\nhost: a\r\n\r\n");
    await (await fetch(`${server.url}/x`)).text();
    await isAsked;

    await server.close();

    await Promise.all([idle.ended, half.ended, unanswered.ended]);
    await expect(fetch(`${server.url}/x`)).rejects.toThrow("fetch failed");
  });

  it("says which flag names a port that is taken, or an address that is not there", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void other.close());
    const { port } = other.address() as AddressInfo;

    await expect(start({}, { host: "127.0.0.1", port })).rejects.toMatchObject({
      name: "UserError",
      message: `--metrics-bind-address 127.0.0.1:${port}: the port is taken (name another, or end whoever listens there)`,
    });
    await expect(start({}, { host: "192.0.2.1", port: 0 })).rejects.toMatchObject({
      name: "UserError",
      code: "RW1302",
    });
  });

  it("listens on every interface when no host is named", async () => {
    const { url } = await start({ "/x": text("ok") }, { host: undefined, port: 0 });

    expect((await fetch(url.replace("127.0.0.1", "localhost").concat("/x"))).status).toBe(200);
    expect((await fetch(`${url}/x`)).status).toBe(200);
  });
});
