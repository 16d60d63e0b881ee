// How every small server of ours begins and ends: bounded in connections and silence, told in a person's words when its port cannot be had,
// and gone without a socket left behind.
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { type BindAddress, formatAddress } from "./bind-address.ts";

export interface ListeningOptions {
  /** The flag that gave the address, for messages. */
  readonly flag: string;
  readonly address: BindAddress;
  readonly clock: Clock;
  readonly mostConnections: number;
}

export interface Listening {
  /** `http://HOST:PORT` of where it really listens. */
  readonly url: string;
  /** Answers what is being asked, for a moment, and ends every connection. */
  close(): Promise<void>;
}

/** A connection on which nothing moves for so long is ended, ms. */
const SILENT_MS = 10_000;
const CLOSE_MS = 1_000;

/** Starts to listen. Throws `UserError` (RW1302) where that is not possible. */
export async function startListening(
  server: Server,
  { flag, address, clock, mostConnections }: ListeningOptions,
): Promise<Listening> {
  server.timeout = SILENT_MS;
  makeRoom(server, mostConnections);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(explainListening(error, flag, address)));
    server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${formatAddress({ host: address.host ?? "127.0.0.1", port })}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = new AbortController();
      const late = clock.sleep(CLOSE_MS, timer.signal).then(
        () => server.closeAllConnections(),
        () => undefined,
      );
      await closed;
      timer.abort(new Error("closed"));
      await late;
    },
  };
}

/**
 * Ends the oldest connection where there are more than that: to refuse the newest would let a stranger who holds idle ones keep out the
 * kubelet's probes and the forge's deliveries.
 */
function makeRoom(server: Server, most: number): void {
  const open = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    for (const oldest of open) {
      if (open.size <= most) break;
      open.delete(oldest);
      oldest.destroy();
    }
  });
}

/** What a person can do about a port that cannot be had. */
function explainListening(error: NodeJS.ErrnoException, flag: string, address: BindAddress): Error {
  const where = `${flag} ${formatAddress(address)}`;
  switch (error.code) {
    case "EADDRINUSE":
      return new UserError("RW1302", `${where}: the port is taken`, "name another, or end whoever listens there");
    case "EACCES":
      return new UserError("RW1302", `${where}: this user may not listen there`, "name a port above 1023");
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new UserError(
        "RW1302",
        `${where}: this machine has no such address`,
        "leave the host out to listen at all",
      );
    default:
      return error;
  }
}
