// What a sandbox API server is made with and what it offers.
import type { Clock, Random } from "../../clock.ts";
import type { ApiPort } from "../../kube/port.ts";
import type { FaultHook, LoggedRequest } from "./faults.ts";
import type { Listening } from "./http.ts";
import type { Storage } from "./storage.ts";

export interface ApiServerOptions {
  /** Policy time: object times and ages. */
  readonly clock: Clock;
  /** Uids and generated names. */
  readonly random: Random;
  /** Transport time: watch timeouts, bookmarks and delays. `clock` unless given. */
  readonly transportClock?: Clock;
  /** How many revisions back a watch may start (the history keeps all); 10,000 unless given. */
  readonly historyLimit?: number;
  /** Bearer token to user name, besides the admin's. */
  readonly tokens?: Readonly<Record<string, string>>;
}

export interface SandboxApiServer extends ApiPort {
  /** The same server as another user, in process. */
  as(user: string): ApiPort;
  listen(options: { readonly port?: number; readonly host: "127.0.0.1" }): Promise<Listening>;
  /** A kubeconfig for a user (the admin unless named). */
  kubeconfig(url: string, user?: string): string;
  /** The bearer token of a user (the admin unless named). */
  token(user?: string): string;
  readonly store: Pick<Storage, "history" | "snapshot" | "restore" | "revision" | "compact" | "compactedRevision">;
  setPodLog(namespace: string, name: string, text: string): void;
  /** Called after each request; returns how to stop. */
  onRequest(listener: (request: LoggedRequest) => void): () => void;
  /** Decides for each request what goes wrong; undefined for nothing. */
  setFault(hook: FaultHook | undefined): void;
}
