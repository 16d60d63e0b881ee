// How the transport says who it is, and knows whom it talks to: tokens, plugins, certificates, also while they are rotated.
import { readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createSecureServer } from "node:http2";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../controller/clock.ts";
import { json, kubeconfig } from "./http-server.ts";
import { added, base64, caught, cleanup, collect, get, open, pem, post, serve } from "./connections.ts";

describe("credentials", () => {
  it("sends a token, basic auth, and whom to impersonate", async () => {
    const server = await serve((_, response) => json(response, {}));

    await open(kubeconfig(server.url, { token: "t", as: "me", "as-groups": ["g1", "g2"] })).request(get);
    await open(kubeconfig(server.url, { username: "u", password: "p" })).request(get);

    expect(server.requests[0]?.headers).toMatchObject({ authorization: "Bearer t", "impersonate-user": "me" });
    expect(server.requests[0]?.rawHeaders.filter((name) => name === "impersonate-group")).toHaveLength(2);
    expect(server.requests[1]?.headers.authorization).toBe(`Basic ${base64("u:p")}`);
  });

  it("reads a token file again after a minute, and at once after a 401", async () => {
    const clock = manualClock(0);
    const file = join(await mkdtemp(join(tmpdir(), "ringward-")), "token");
    await writeFile(file, "first\n");
    let status = 200;
    const server = await serve((_, response) => json(response, {}, status));
    const transport = open(kubeconfig(server.url, { tokenFile: file }), { clock });
    const sent = (): string | undefined => server.requests.at(-1)?.headers.authorization;

    await transport.request(get);
    await writeFile(file, "second\n");
    await transport.request(get);
    expect(sent()).toBe("Bearer first");
    clock.advance(60_000);
    await transport.request(get);
    expect(sent()).toBe("Bearer second");

    await writeFile(file, "third\n");
    status = 401;
    await transport.request(get);
    expect(sent()).toBe("Bearer third");
  });

  it("repeats a read once with a token that was rotated meanwhile, a write never, and nothing with the same token", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "ringward-")), "token");
    await writeFile(file, "old");
    let good = "Bearer old";
    const server = await serve((request, response) => {
      request.resume();
      json(response, {}, request.headers.authorization === good ? 200 : 401);
    });
    const codes: string[] = [];
    const transport = open(kubeconfig(server.url, { tokenFile: file }), {
      clock: manualClock(0),
      onRequest: ({ code }) => codes.push(code),
    });
    await transport.request(get);

    await writeFile(file, "new");
    good = "Bearer new";
    const answers = await Promise.all([transport.request(get), transport.request(get), transport.request(get)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(codes.toSorted()).toEqual(["200", "200", "200", "200", "401", "401", "401"]);

    good = "Bearer newest";
    await writeFile(file, "newest");
    const before = server.requests.length;
    expect((await transport.request(post)).status).toBe(401);
    expect(server.requests.length - before).toBe(1);
    expect((await transport.request(post)).status).toBe(200);

    good = "Bearer nobody's";
    expect((await transport.request(get)).status).toBe(401);
    expect(server.requests.length - before).toBe(3);
  });

  it("opens a watch again with a rotated token", async () => {
    const file = join(await mkdtemp(join(tmpdir(), "ringward-")), "token");
    await writeFile(file, "old");
    const server = await serve((request, response) => {
      if (request.headers.authorization !== "Bearer new") return json(response, {}, 401);
      response.writeHead(200, { "content-type": "application/json" });
      response.end(added("n1"));
    });
    const transport = open(kubeconfig(server.url, { tokenFile: file }), { clock: manualClock(0) });
    await caught(transport.request(get));
    await writeFile(file, "new");

    const { events, error } = await collect(transport.watch({ path: "/api/v1/nodes" }));

    expect(error).toBeUndefined();
    expect(events).toHaveLength(1);
  });

  it("asks an exec plugin once while its token is valid", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ringward-"));
    const plugin = join(folder, "plugin.mjs");
    const credential = {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { token: "from-exec" },
    };
    await writeFile(
      plugin,
      `import { appendFileSync } from "node:fs";
       appendFileSync(${JSON.stringify(join(folder, "calls"))}, "x");
       process.stdout.write(${JSON.stringify(JSON.stringify(credential))});`,
    );
    const server = await serve((_, response) => json(response, {}));
    const exec = { apiVersion: credential.apiVersion, command: process.execPath, args: [plugin] };
    const transport = open(kubeconfig(server.url, { exec }));

    await transport.request(get);
    await transport.request(get);

    expect(server.requests.map((request) => request.headers.authorization)).toEqual([
      "Bearer from-exec",
      "Bearer from-exec",
    ]);
    expect(readFileSync(join(folder, "calls"), "utf8")).toBe("x");
  });

  it("says that nothing was sent when a plugin fails", async () => {
    const server = await serve((_, response) => json(response, {}));
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: process.execPath,
      args: ["-e", "process.exit(3)"],
    };

    const error = await caught(open(kubeconfig(server.url, { exec })).request(post));

    expect(error).toMatchObject({ kind: "connection", outcome: "notSent" });
    expect(server.requests).toHaveLength(0);
  });

  it("connects with the cluster's CA and our client certificate, without a handshake per call", async () => {
    const tls = { key: pem("server.key"), cert: pem("server.pem"), ca: pem("ca.pem"), requestCert: true };
    const server = await serve((request, response) => {
      json(response, { authorized: (request.socket as TLSSocket).authorized });
    }, tls);
    const user = { "client-certificate-data": base64(pem("client.pem")), "client-key-data": base64(pem("client.key")) };
    const transport = open(kubeconfig(server.url, user, { "certificate-authority-data": base64(pem("ca.pem")) }));

    for (let call = 0; call < 20; call += 1) {
      expect((await transport.request(get)).body).toEqual({ authorized: true });
    }

    expect(server.connections()).toBeLessThanOrEqual(2);
  });

  it("does not talk to a server that another CA signed, and takes a new CA from its file", async () => {
    const clock = manualClock(0);
    const file = join(await mkdtemp(join(tmpdir(), "ringward-")), "ca.pem");
    await writeFile(file, pem("other-ca.pem"));
    const server = await serve((_, response) => json(response, {}), {
      key: pem("server.key"),
      cert: pem("server.pem"),
    });
    const transport = open(kubeconfig(server.url, { token: "t" }, { "certificate-authority": file }), { clock });

    expect(await caught(transport.request(post))).toMatchObject({ kind: "connection", outcome: "notSent" });
    expect(server.requests).toHaveLength(0);
    await writeFile(file, pem("ca.pem"));

    // No minute has passed: a handshake that failed is a reason to look at the files again.
    expect((await transport.request(get)).status).toBe(200);
  });

  it("shows a new client certificate as soon as its file is read again, and not with half of a rotated pair", async () => {
    const clock = manualClock(0);
    const folder = await mkdtemp(join(tmpdir(), "ringward-"));
    const [cert, key] = [join(folder, "cert"), join(folder, "key")];
    const put = (name: string): Promise<unknown> =>
      Promise.all([writeFile(cert, pem(`${name}.pem`)), writeFile(key, pem(`${name}.key`))]);
    await put("client");
    const tls = { key: pem("server.key"), cert: pem("server.pem"), requestCert: true, rejectUnauthorized: false };
    const server = await serve(
      (request, response) => json(response, { cn: (request.socket as TLSSocket).getPeerCertificate().subject.CN }),
      tls,
    );
    const user = { "client-certificate": cert, "client-key": key };
    const transport = open(kubeconfig(server.url, user, { "certificate-authority-data": base64(pem("ca.pem")) }), {
      clock,
    });
    const shown = async (): Promise<unknown> => ((await transport.request(get)).body as { cn: unknown }).cn;
    const first = await shown();

    await writeFile(cert, pem("server.pem"));
    clock.advance(60_000);
    expect(await caught(transport.request(post))).toMatchObject({ kind: "connection", outcome: "notSent" });
    await put("server");

    const second = await shown();
    expect(second).not.toBe(first);
    expect(await shown()).toBe(second);
    expect(server.connections()).toBeLessThanOrEqual(3);
  });

  it("speaks HTTP/1.1 with a server that would rather speak HTTP/2, over connections that stay", async () => {
    const server = createSecureServer(
      { key: pem("server.key"), cert: pem("server.pem"), allowHTTP1: true },
      (request, response) => {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ version: request.httpVersion }));
      },
    );
    let handshakes = 0;
    server.on("secureConnection", () => (handshakes += 1));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup.push(() => new Promise((resolve) => server.close(() => resolve())));
    const transport = open(
      kubeconfig(
        `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
        { token: "t" },
        {
          "certificate-authority-data": base64(pem("ca.pem")),
        },
      ),
    );

    for (let call = 0; call < 200; call += 1) expect((await transport.request(get)).body).toEqual({ version: "1.1" });

    expect(handshakes).toBeLessThanOrEqual(2);
  });

  it("says that nothing was sent when the handshake is cut", async () => {
    const server = createTcpServer((socket) => socket.once("data", () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanup.push(() => new Promise((resolve) => server.close(() => resolve())));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;

    const error = await caught(open(kubeconfig(url, { token: "t" })).request(post));

    expect(error).toMatchObject({ kind: "connection", outcome: "notSent" });
  });
});
