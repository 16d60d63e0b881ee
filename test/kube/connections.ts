// Servers and transports of one test, closed when it is over.
import { readFileSync } from "node:fs";
import { afterEach } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import type { WatchEvent } from "../../controller/kube/port.ts";
import { createTransport } from "../../controller/kube/transport.ts";
import type { Transport, TransportOptions } from "../../controller/kube/transport.ts";
import { kubeconfig, startServer } from "./http-server.ts";
import type { Answerer, TestServer } from "./http-server.ts";

/** A file of tls/. */
export const pem = (name: string): string => readFileSync(new URL(`./tls/${name}`, import.meta.url), "utf8");
export const base64 = (text: string): string => Buffer.from(text).toString("base64");
/** What is done after the test, the last first. */
export const cleanup: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of cleanup.splice(0).reverse()) await close();
});

/** A server, closed after the test. */
export async function serve(answerer: Answerer, tls?: object): Promise<TestServer> {
  const server = await startServer(answerer, tls);
  cleanup.push(() => server.close());
  return server;
}

/** A transport, closed after the test. */
export function open(text: string, options: Partial<TransportOptions> = {}): Transport {
  const transport = createTransport({ kubeconfig: text, clock: systemClock, userAgent: "ringward/test", ...options });
  cleanup.push(() => transport.close());
  return transport;
}

/** A server and a transport to it. */
export async function pair(answerer: Answerer, options: Partial<TransportOptions> = {}) {
  const server = await serve(answerer);
  return { server, transport: open(kubeconfig(server.url), options) };
}

export const get = { method: "GET", path: "/api/v1/nodes" } as const;
export const post = { method: "POST", path: "/api/v1/nodes", body: { metadata: { name: "n" } } } as const;

/** What it was rejected with; undefined: it was not. */
export function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** All events of a watch, and what it ended with. */
export async function collect(events: AsyncIterable<WatchEvent>): Promise<{ events: WatchEvent[]; error: unknown }> {
  const collected: WatchEvent[] = [];
  try {
    for await (const event of events) collected.push(event);
  } catch (error) {
    return { events: collected, error };
  }
  return { events: collected, error: undefined };
}

/** A line of a watch. */
export const added = (name: string): string => `${JSON.stringify({ type: "ADDED", object: { metadata: { name } } })}\n`;
