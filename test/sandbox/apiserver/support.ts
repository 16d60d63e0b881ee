// The small vocabulary of the API server's own tests: a server on a manual clock, requests that must succeed, objects in a line.
import { manualClock, seededRandom } from "../../../controller/clock.ts";
import type { ManualClock } from "../../../controller/clock.ts";
import type { ApiRequest, ApiResponse, KubeObject, WatchEvent } from "../../../controller/kube/port.ts";
import { createApiServer } from "../../../controller/sandbox/apiserver/index.ts";
import type { SandboxApiServer } from "../../../controller/sandbox/apiserver/index.ts";

export interface Setting {
  readonly server: SandboxApiServer;
  readonly clock: ManualClock;
  /** The answer's body; throws when the status is not 2xx. */
  readonly ok: (
    method: ApiRequest["method"],
    path: string,
    body?: unknown,
    options?: Partial<ApiRequest>,
  ) => Promise<KubeObject>;
  readonly send: (
    method: ApiRequest["method"],
    path: string,
    body?: unknown,
    options?: Partial<ApiRequest>,
  ) => Promise<ApiResponse>;
}

/** A fresh server whose time stands still. */
export function setting(options: { readonly historyLimit?: number } = {}): Setting {
  const clock = manualClock(Date.parse("2026-03-01T12:00:00Z"));
  const server = createApiServer({ clock, random: seededRandom(1), ...options });
  const send: Setting["send"] = (method, path, body, extra) => server.request({ method, path, body, ...extra });
  return {
    server,
    clock,
    send,
    async ok(method, path, body, extra) {
      const answer = await send(method, path, body, extra);
      if (answer.status >= 300)
        throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      return answer.body as KubeObject;
    },
  };
}

export const PODS = "/api/v1/namespaces/default/pods";
export const CONFIGMAPS = "/api/v1/namespaces/default/configmaps";
export const MERGE = { contentType: "application/merge-patch+json" } as const;
export const STRATEGIC = { contentType: "application/strategic-merge-patch+json" } as const;
export const JSON_PATCH = { contentType: "application/json-patch+json" } as const;

/** Server-side apply by a manager. */
export function applyAs(fieldManager: string, force = false): Partial<ApiRequest> {
  return { contentType: "application/apply-patch+yaml", query: { fieldManager, ...(force ? { force: "true" } : {}) } };
}

/** A pod in a line. */
export function pod(name: string, labels: Record<string, string> = {}, nodeName = "n1"): unknown {
  return { metadata: { name, labels }, spec: { nodeName, containers: [{ name: "c", image: "a:1" }] } };
}

/** The first `count` events of a watch. */
export async function take(events: AsyncIterable<WatchEvent>, count: number): Promise<readonly WatchEvent[]> {
  const taken: WatchEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

/** `ADDED a@7`: an event in a word. */
export function inWords(event: WatchEvent): string {
  const { name, resourceVersion } = (event.object as KubeObject).metadata;
  return `${event.type} ${name ?? ""}@${resourceVersion}`;
}
