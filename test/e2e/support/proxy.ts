// A TCP proxy on loopback in front of one port, that can delay, drop and half-open connections. It sees ciphertext only: what it does is
// what a bad network does. Nothing in flight is ever altered.
import { createServer, connect, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../../controller/clock.ts";

/** How the network behaves now, for connections that are open and for new ones. */
export type Weather =
  | { readonly kind: "Fair" }
  /** Each piece arrives so much later, in order. */
  | { readonly kind: "Slow"; readonly delayMs: number }
  /** Connections stay open, and nothing passes in either direction. */
  | { readonly kind: "Silent" }
  /** Open connections are reset, and so is every new one. */
  | { readonly kind: "Broken" };

export interface Proxy {
  /** Address for clients, with the scheme of the target. */
  readonly url: string;
  set(weather: Weather): void;
  /** Resets what is open now, once. */
  dropAll(): void;
  /** Connections that were ever made through it. */
  readonly connections: number;
  close(): Promise<void>;
}

export async function startProxy(target: string): Promise<Proxy> {
  const { protocol, port: targetPort } = new URL(target);
  let weather: Weather = { kind: "Fair" };
  let connections = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    connections += 1;
    if (weather.kind === "Broken") return void client.resetAndDestroy();
    const upstream = connect({ host: "127.0.0.1", port: Number(targetPort) });
    for (const socket of [client, upstream]) {
      open.add(socket);
      // Whatever happens on one side ends both; the reason is nobody's business here.
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    forward(client, upstream);
    forward(upstream, client);
  });
  const forward = (from: Socket, to: Socket): void => {
    let last: Promise<void> = Promise.resolve();
    from.on("data", (chunk: Buffer) => {
      // What comes into a silence is lost with it: the connection is dead and nobody is told.
      if (weather.kind === "Silent") return void dead.add(from);
      if (dead.has(from)) return;
      const { kind } = weather;
      const delay = kind === "Slow" ? weather.delayMs : 0;
      last = last.then(async () => {
        if (delay > 0) await systemClock.sleep(delay);
        if (!to.destroyed) to.write(chunk);
      });
    });
  };
  const dead = new WeakSet<Socket>();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const dropAll = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    url: `${protocol}//127.0.0.1:${(server.address() as AddressInfo).port}`,
    set(next) {
      weather = next;
      if (next.kind === "Broken") dropAll();
    },
    dropAll,
    get connections() {
      return connections;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropAll();
      }),
  };
}
