// Webhooks over real sockets: what pokes, what does not, and that nothing of a body is believed.
import { createHmac, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Clock, type ManualClock, manualClock, systemClock } from "../../controller/clock.ts";
import { createDeliveries } from "../../controller/serve/delivery.ts";
import { createPrometheus, type Prometheus } from "../../controller/serve/prometheus.ts";
import { MOST_BYTES, startWebhook } from "../../controller/serve/webhook.ts";
import type { Listening } from "../../controller/serve/listening.ts";

const secret = "a long random string";

function sign(body: string | Buffer, key = secret): string {
  return createHmac("sha256", key).update(body).digest("hex");
}

describe("webhooks", () => {
  let directory: string;
  let secretFile: string;
  let clock: ManualClock;
  let prometheus: Prometheus;
  let server: Listening;
  let pokes: unknown[][];
  let errors: unknown[];

  async function start(timer?: Clock): Promise<Listening> {
    return await startWebhook({
      flag: "--webhook-bind-address",
      address: { host: "127.0.0.1", port: 0 },
      secretFile,
      clock: timer ?? clock,
      meter: prometheus.meter,
      poke: (...args: unknown[]) => void pokes.push(args),
      onError: (error) => errors.push(error),
    });
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "ringward-webhook-"));
    secretFile = join(directory, "secret");
    await writeFile(secretFile, `${secret}\n`);
    clock = manualClock(Date.UTC(2026, 0, 5, 8));
    prometheus = createPrometheus({ process: false });
    [pokes, errors] = [[], []];
    server = await start();
  });
  afterEach(async () => {
    const closing = server.close();
    clock.advance(10_000);
    await closing;
    await rm(directory, { recursive: true, force: true });
  });

  async function send(
    body: string | Buffer,
    change: Readonly<Record<string, string | undefined>> = {},
  ): Promise<string> {
    const headers = {
      "content-type": "application/json",
      "x-github-event": "pull_request",
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": `sha256=${sign(body)}`,
      ...change,
    };
    const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const response = await fetch(server.url, {
      method: "POST",
      headers: Object.fromEntries(given),
      body: new Uint8Array(Buffer.from(body)),
    });
    return `${response.status} ${(await response.text()).trim()}`;
  }

  const counted = async (result: string): Promise<number> => {
    const line = new RegExp(`^ringward_webhook_requests_total\\{result="${result}"\\} (\\d+)$`, "m");
    return Number(line.exec(await prometheus.scrape())?.[1] ?? 0);
  };
  const later = (): void => clock.advance(1_000);

  it("poke when GitHub signed them, and when Gitea did", async () => {
    expect(await send('{"action":"closed"}')).toBe("202 accepted");
    later();
    const body = '{"action":"opened"}';
    expect(
      await send(body, {
        "x-hub-signature-256": undefined,
        "x-github-delivery": undefined,
        "x-gitea-delivery": randomUUID(),
        "x-gitea-signature": sign(body),
      }),
    ).toBe("202 accepted");

    expect(pokes).toHaveLength(2);
    expect(await counted("accepted")).toBe(2);
  });

  it("say only when to look: nothing of a body is read, however it lies (A7)", async () => {
    const lies = [
      '{"action":"closed","pull_request":{"merged":true,"number":7,"base":{"ref":"main"},"merged_by":{"login":"admin"}}}',
      '{"ref":"refs/heads/main","forced":true,"after":"0000000000000000000000000000000000000000"}',
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
      "not even JSON \u0000 \u202e",
      "",
    ];
    for (const body of lies) {
      expect(await send(body, { "x-github-event": "push; DROP TABLE" })).toBe("202 accepted");
      later();
    }

    expect(pokes).toEqual([[], [], [], [], []]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(errors).toEqual([]);
  });

  it.each([
    ["another secret", (body: string) => `sha256=${sign(body, "another random string")}`, "badSignature"],
    ["another body", () => `sha256=${sign("{}")}`, "badSignature"],
    ["nothing", () => undefined, "unsigned"],
    ["SHA-1", (body: string) => `sha1=${createHmac("sha1", secret).update(body).digest("hex")}`, "unsigned"],
    ["a signature that is cut", (body: string) => `sha256=${sign(body).slice(0, 62)}`, "unsigned"],
    ["a signature that is longer", (body: string) => `sha256=${sign(body)}00`, "unsigned"],
    ["what is no hex", () => `sha256=${"z".repeat(64)}`, "unsigned"],
  ])("do nothing when they are signed with %s", async (_, signature, result) => {
    const body = '{"action":"closed"}';

    expect(await send(body, { "x-hub-signature-256": signature(body) })).toBe(`401 ${result}`);

    expect(pokes).toEqual([]);
    expect(await counted(result)).toBe(1);
  });

  it("are judged by their raw bytes", async () => {
    const bytes = Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]);

    expect(await send(bytes)).toBe("202 accepted");
    later();
    expect(await send(Buffer.from(bytes.toString("utf8")), { "x-hub-signature-256": `sha256=${sign(bytes)}` })).toBe(
      "401 badSignature",
    );
    expect(pokes).toHaveLength(1);
  });

  it("need an id, and one that came before pokes nobody", async () => {
    const id = randomUUID();

    expect(await send("{}", { "x-github-delivery": undefined })).toBe("401 unsigned");
    expect(await send("{}", { "x-github-delivery": "x y" })).toBe("401 unsigned");
    // Who has no secret cannot make us think that we saw it.
    expect(await send("{}", { "x-github-delivery": id, "x-hub-signature-256": `sha256=${sign("x")}` })).toBe(
      "401 badSignature",
    );
    expect(await send("{}", { "x-github-delivery": id })).toBe("202 accepted");
    later();
    expect(await send("{}", { "x-github-delivery": id })).toBe("202 duplicate");

    expect(pokes).toHaveLength(1);
    expect(await counted("duplicate")).toBe(1);
  });

  it("are remembered by the last ids alone, however many come", () => {
    const judge = createDeliveries(2);
    const come = (id: string): string =>
      judge({ "x-gitea-delivery": `delivery-${id}`, "x-gitea-signature": sign("{}") }, Buffer.from("{}"), [
        Buffer.from(secret),
      ]);

    expect(["a", "b", "a", "c", "b", "a"].map(come)).toEqual([
      "accepted",
      "accepted",
      "duplicate",
      "accepted",
      "duplicate",
      "accepted",
    ]);
  });

  it("are refused beyond one MiB, said or not, and the sender hears it", async () => {
    const fits = Buffer.alloc(MOST_BYTES, "x");
    const big = Buffer.alloc(MOST_BYTES + 1, "x");

    expect(await send(fits)).toBe("202 accepted");
    later();
    expect(await send(big)).toBe("413 tooLarge");
    expect(await send(Buffer.alloc(20 * MOST_BYTES, "x"))).toBe("413 tooLarge");
    const headers = { "x-github-delivery": randomUUID(), "x-hub-signature-256": `sha256=${sign(big)}` };
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(big));
        controller.close();
      },
    });
    const chunked = await fetch(server.url, { method: "POST", headers, body: stream, duplex: "half" } as RequestInit);
    expect(chunked.status).toBe(413);

    expect(pokes).toHaveLength(1);
    expect(await counted("tooLarge")).toBe(3);
  });

  it("become one poke a second, and the last of a burst is not lost", async () => {
    for (let index = 0; index < 20; index++) expect(await send(`{"index":${index}}`)).toBe("202 accepted");
    expect(pokes).toHaveLength(1);

    clock.advance(999);
    await Promise.resolve();
    expect(pokes).toHaveLength(1);
    clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(pokes).toHaveLength(2);
    clock.advance(5_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(pokes).toHaveLength(2);
  });

  it("of strangers use up nobody's allowance, whether they are unsigned or badly signed", async () => {
    const answers = new Map<string, number>();
    for (let index = 0; index < 130; index++) {
      const signature = index % 2 === 0 ? undefined : `sha256=${sign("{}", "another random string")}`;
      const answered = await send("{}", { "x-hub-signature-256": signature });
      answers.set(answered, (answers.get(answered) ?? 0) + 1);
    }

    expect(Object.fromEntries(answers)).toEqual({ "401 unsigned": 65, "401 badSignature": 65 });
    expect(await send("{}")).toBe("202 accepted");
    expect(pokes).toHaveLength(1);
  });

  it("with long bodies are bounded in number while they are not the forge's, and taken again when the flood is over", async () => {
    const long = Buffer.alloc(65 * 1024, "x");
    for (let index = 0; index < 70; index++) expect(await send(long)).toBe("202 accepted");
    const answers = new Map<string, number>();
    for (let index = 0; index < 70; index++) {
      const answered = await send(long, { "x-hub-signature-256": `sha256=${sign("{}")}` });
      answers.set(answered, (answers.get(answered) ?? 0) + 1);
    }

    expect(Object.fromEntries(answers)).toEqual({ "401 badSignature": 60, "429 limited": 10 });
    expect(await counted("limited")).toBe(10);
    expect(await send(long)).toBe("429 limited");
    expect(await send("{}")).toBe("202 accepted");
    clock.advance(1_000);
    expect(await send(long)).toBe("202 accepted");
  });

  it("are one look a second although hundreds come again, under ids of their own", async () => {
    for (let round = 0; round < 15; round++)
      await Promise.all(Array.from({ length: 20 }, async () => await send("{}").catch(() => "cut off")));

    expect(await counted("accepted")).toBeGreaterThan(250);
    expect(pokes).toHaveLength(1);
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(pokes).toHaveLength(2);
  });

  it("without an end are cut off, and nothing of them is kept", async () => {
    const { hostname, port } = new URL(server.url);
    const before = process.memoryUsage().rss;
    const socket = connect(Number(port), hostname);
    let sent = 0;
    const ended = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    socket.on("error", () => undefined);
    socket.write(
      `POST /webhook HTTP/1.1\r\nhost: x\r\nx-github-delivery: ${randomUUID()}\r\nx-hub-signature-256: sha256=${"0".repeat(64)}\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    const chunk = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(MOST_BYTES, "x"), Buffer.from("\r\n")]);
    while (!socket.destroyed && sent < 1_000) {
      sent++;
      if (!socket.write(chunk)) await Promise.race([ended, new Promise((resolve) => socket.once("drain", resolve))]);
    }
    await ended;

    expect(sent).toBeLessThan(100);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 << 20);
    expect(await send("{}")).toBe("202 accepted");
  });

  it("take a secret that was changed in its file, and nothing while it cannot be read or is too short", async () => {
    await writeFile(secretFile, "another long random string");
    expect(await send("{}")).toBe("401 badSignature");
    expect(await send("{}", { "x-hub-signature-256": `sha256=${sign("{}", "another long random string")}` })).toBe(
      "202 accepted",
    );

    await writeFile(secretFile, "short");
    expect(await send("{}", { "x-hub-signature-256": `sha256=${sign("{}", "short")}` })).toBe("503 noSecret");
    await rm(secretFile);
    expect(await send("{}", { "x-hub-signature-256": `sha256=${sign("{}", "")}` })).toBe("503 noSecret");
    expect(errors).toHaveLength(2);
    expect(pokes).toHaveLength(1);
  });

  it("take two secrets while one is being changed, and not three", async () => {
    const next = "another long random string";
    await writeFile(secretFile, `${secret}\n${next}\n`);
    for (const key of [secret, next]) {
      expect(await send("{}", { "x-hub-signature-256": `sha256=${sign("{}", key)}` })).toBe("202 accepted");
      later();
    }
    expect(await send("{}", { "x-hub-signature-256": `sha256=${sign("{}", `${secret}\n${next}`)}` })).toBe(
      "401 badSignature",
    );

    await writeFile(secretFile, `${secret}\n${next}\nand yet another one of them`);
    expect(await send("{}")).toBe("503 noSecret");
    await writeFile(secretFile, `${secret}\nshort`);
    expect(await send("{}")).toBe("503 noSecret");
  });

  it("are POST to /webhook and nothing else", async () => {
    const get = await fetch(server.url);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await fetch(server.url.replace("/webhook", "/metrics"), { method: "POST", body: "x" })).status).toBe(404);
    expect(pokes).toEqual([]);
  });

  it("that never end hold nothing up: others are answered, and closing does not wait for them", async () => {
    const { hostname, port } = new URL(server.url);
    const sockets = Array.from({ length: 5 }, () => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => undefined);
      socket.write(
        `POST /webhook HTTP/1.1\r\nhost: x\r\nx-github-delivery: ${randomUUID()}\r\nx-hub-signature-256: sha256=${"0".repeat(64)}\r\ncontent-length: 1000\r\n\r\n{`,
      );
      return socket;
    });

    expect(await send("{}")).toBe("202 accepted");

    const ended = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on("close", resolve))));
    const closing = server.close();
    clock.advance(1_000);
    await closing;
    await ended;
    server = await start();
  });

  it("are not served without a secret worth the name", async () => {
    for (const text of [undefined, "", "short", "  \n"]) {
      if (text === undefined) await rm(secretFile);
      else await writeFile(secretFile, text);
      await expect(start(systemClock)).rejects.toMatchObject({ name: "UserError", code: "RW1304" });
    }
  });

  it("say what a person can do when the port is taken", async () => {
    const taken = Number(new URL(server.url).port);
    const again = startWebhook({
      flag: "--webhook-bind-address",
      address: { host: "127.0.0.1", port: taken },
      secretFile,
      clock,
      meter: prometheus.meter,
      poke: () => undefined,
      onError: () => undefined,
    });

    await expect(again).rejects.toThrow(/--webhook-bind-address 127\.0\.0\.1:\d+: the port is taken/);
  });
});
