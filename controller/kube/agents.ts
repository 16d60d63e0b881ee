// Connections to one cluster: one undici Agent per TLS material, kept for as long as CA and client certificate stay the same. HTTP/1.1
// always: a stalled stream then holds up nobody but itself. It remembers which errors came before there was a connection, because only
// those say for certain that a write did not happen (K2).
import { createHash } from "node:crypto";
import { Agent, buildConnector, ProxyAgent } from "undici";
import type { Dispatcher } from "undici";
import type { TlsMaterial } from "./kubeconfig.ts";

export interface Agents {
  /** The agent for this TLS material; another one than last time when a file's content changed. */
  get(tls: TlsMaterial): Dispatcher;
  /** True of an error that ended the attempt to connect: nothing was sent. */
  failedToConnect(error: unknown): boolean;
  /** Breaks what is open. */
  destroy(): Promise<void>;
}

/** Longest time that TCP and TLS handshake may take together. */
const CONNECT_TIMEOUT_MS = 10_000;
// Our own clock holds the deadlines, so undici's are off. Idle sockets go after 30 s: below every usual balancer's limit.
const LIMITS = {
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: 30_000,
  connections: 256,
  allowH2: false,
} as const;

/**
 * Agents towards one cluster, through a proxy if there is one. Replacing an agent lets running requests and watches finish on
 * the old connections.
 */
export function createAgents(proxyUrl: string | undefined): Agents {
  let current: { digest: string; agent: Dispatcher } | undefined;
  const connectFailures = new WeakSet<object>();
  function build(tls: TlsMaterial): Dispatcher {
    const material = tlsOptions(tls);
    if (proxyUrl !== undefined) return new ProxyAgent({ uri: proxyUrl, requestTls: material, ...LIMITS });
    const connector = buildConnector({
      ...material,
      allowH2: false,
      timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    });
    return new Agent({
      ...LIMITS,
      connect: (options, callback) => {
        const refuse = (error: Error): void => {
          connectFailures.add(error);
          callback(error, null);
        };
        try {
          connector(options, (...answer) => (answer[0] === null ? callback(...answer) : refuse(answer[0])));
        } catch (error) {
          // A certificate and a key that do not belong together are refused before any socket opens.
          refuse(error as Error);
        }
      },
    });
  }
  return {
    get(tls) {
      const digest = createHash("sha256").update(JSON.stringify(tls)).digest("hex");
      if (current?.digest !== digest) {
        // Closing waits for what is running; its failure concerns nobody, because no new request goes there.
        current?.agent.close().catch(() => undefined);
        current = { digest, agent: build(tls) };
      }
      return current.agent;
    },
    failedToConnect: (error) => typeof error === "object" && error !== null && connectFailures.has(error),
    async destroy() {
      await current?.agent.destroy();
    },
  };
}

function tlsOptions({ ca, cert, key, servername, rejectUnauthorized }: TlsMaterial) {
  return {
    rejectUnauthorized,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
  };
}
