// Requests that controllers have sent and nobody has answered: each waits until the driver moves it, in any order among controllers. What
// becomes of one (done, done and its answer lost, never sent, refused, the end of its sender) the driver says.
import type { ApiPort, ApiRequest, ApiResponse } from "../../controller/kube/port.ts";
import { TransportError } from "../../controller/kube/port.ts";
import type { TimedRequest } from "../../controller/sandbox/invariants/requests.ts";
import { reasonOf } from "../../controller/sandbox/apiserver/faults.ts";
import { Crash, type Pulse, type Soul } from "../sweep/soul.ts";
import { nameWrite } from "../sweep/write-kind.ts";

/** Nobody answered, or a forge or a git server refused. */
export class Disturbance extends Error {}

export type Fortune = "done" | "lost" | "neverSent" | "diedBefore" | "diedAfter" | { readonly status: number };

/** One request that waits. */
export interface Waiting {
  readonly name: string;
  readonly write: boolean;
  /** Answered with a status where it went to the API server. */
  readonly isApi: boolean;
  /** Answers what came of it, for people: nothing where it was done. */
  meet(fortune: Fortune): Promise<string>;
}

/** All that one controller's life has in flight. */
export interface InFlight {
  readonly waiting: Waiting[];
  readonly pulse: Pulse;
  api(port: ApiPort): ApiPort;
}

export interface InFlightOptions {
  readonly soul: Soul;
  readonly user: string;
  /** Whether a read waits as well. */
  readonly slowReads: () => boolean;
  /** Whether a read that does not wait fails. */
  readonly failsRead: () => boolean;
  /** Where requests that change something are noted. */
  readonly requests: TimedRequest[];
}

export function createInFlight({ soul, user, slowReads, failsRead, requests }: InFlightOptions): InFlight {
  const waiting: Waiting[] = [];

  function ask<T>(
    about: Pick<Waiting, "name" | "write" | "isApi">,
    send: () => Promise<T>,
    refuse: Refuse<T>,
  ): Promise<T> {
    if (soul.dead) return Promise.reject(new Crash("dead"));
    if (!about.write && !slowReads()) return failsRead() ? refuse("neverSent") : send();
    return new Promise<T>((resolve, reject) => {
      const one: Waiting = {
        ...about,
        async meet(fortune) {
          waiting.splice(waiting.indexOf(one), 1);
          if (fortune === "diedBefore") soul.dead = true;
          if (fortune === "diedBefore" || soul.dead) {
            reject(new Crash(about.name));
            return "the controller died before it was sent";
          }
          const never = fortune === "neverSent" || typeof fortune === "object";
          const [settled] = await Promise.allSettled([never ? refuse(fortune) : send()]);
          if (fortune === "diedAfter") soul.dead = true;
          if (soul.dead) reject(new Crash(about.name));
          else if (fortune === "lost") void refuse("lost").then(resolve, reject);
          else if (settled.status === "fulfilled") resolve(settled.value);
          else reject(settled.reason as Error);
          return [fortune === "done" ? "" : JSON.stringify(fortune), sayAnswer(settled)].filter(Boolean).join(", ");
        },
      };
      waiting.push(one);
    });
  }

  const refuseHouse = (): Promise<never> => Promise.reject(new Disturbance("no answer"));
  return {
    waiting,
    pulse: {
      read: (send) => ask({ name: "read", write: false, isApi: false }, send, refuseHouse),
      write: (name, send) => ask({ name, write: true, isApi: false }, send, refuseHouse),
      called: () => undefined,
    },
    api: (port) => ({
      request(request) {
        const write = request.method !== "GET";
        const name = write ? nameWrite(request) : `GET ${request.path}`;
        const send = (): Promise<ApiResponse> => {
          if (write) note(request, user, requests);
          return port.request(request);
        };
        return ask({ name, write, isApi: true }, send, refuseApi);
      },
      watch: (request) => port.watch(request),
    }),
  };
}

function sayAnswer(settled: PromiseSettledResult<unknown>): string {
  if (settled.status === "rejected") return String(settled.reason);
  const { status, body } = (settled.value ?? {}) as Partial<ApiResponse>;
  if (typeof status !== "number" || status < 300) return "";
  return `${status} ${String((body as { readonly message?: unknown }).message)}`;
}

type Refuse<T> = (fortune: Exclude<Fortune, "done" | "diedBefore" | "diedAfter">) => Promise<T>;

const refuseApi: Refuse<ApiResponse> = (fortune) => {
  if (typeof fortune === "string") {
    const outcome = fortune === "neverSent" ? "notSent" : "unknown";
    return Promise.reject(new TransportError("connection", outcome, "no answer"));
  }
  const { status } = fortune;
  const reason = reasonOf(status);
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", code: status, reason, message: "as drawn" };
  return Promise.resolve({ status, headers: status === 429 ? { "retry-after": "1" } : {}, body });
};

function note({ method, path, query = {}, body }: ApiRequest, user: string, requests: TimedRequest[]): void {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  requests.push({
    seq: requests.length,
    user,
    method,
    path,
    query: Object.fromEntries(given),
    body,
    write: true,
    status: 0,
    time: 0,
    revision: 0,
  });
}
