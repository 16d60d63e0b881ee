// What happens in the cluster while the reader plans: changes of one node, and two hundred pods a second that become ready or unready.
import { systemClock } from "../../../controller/clock.ts";
import { toApiError } from "../../../controller/kube/api-errors.ts";
import type { ApiPort, KubeObject } from "../../../controller/kube/port.ts";
import { PROBE_LABEL } from "./lines.ts";
import type { Reader } from "./processes.ts";

async function patch(port: ApiPort, path: string, body: unknown): Promise<void> {
  const contentType = "application/merge-patch+json";
  const answer = await port.request({ method: "PATCH", path, body, contentType });
  if (answer.status !== 200) throw toApiError(answer);
}

const GIVE_UP_MS = 60_000;

/** Changes a node `count` times, one after the other, and answers how long each took to be in a plan, ms, from the request on. */
export async function probeNode(
  port: ApiPort,
  reader: Reader,
  from: number,
  count: number,
): Promise<readonly number[]> {
  const list = await port.request({ method: "GET", path: "/api/v1/nodes", query: { limit: "1" } });
  const [node] = (list.body as { readonly items: readonly KubeObject[] }).items;
  if (node === undefined) throw new Error("there is no node to change");
  const times: number[] = [];
  for (let event = from; event < from + count; event++) {
    const planned = new Promise<number>((resolve) => {
      const forget = reader.onPlan((plan) => {
        if (plan.probe < event) return;
        forget();
        resolve(plan.at);
      });
    });
    const begun = systemClock.now();
    await patch(port, `/api/v1/nodes/${node.metadata.name}`, {
      metadata: { labels: { [PROBE_LABEL]: String(event) } },
    });
    const late = new AbortController();
    const at = await Promise.race([
      planned,
      systemClock
        .sleep(GIVE_UP_MS, late.signal)
        .then(() => Promise.reject(new Error(`no plan has node event ${event} after ${GIVE_UP_MS / 1000} s`))),
    ]);
    late.abort();
    times.push(at - begun);
    // Not in step with the loop's pace.
    await systemClock.sleep(137 + ((event * 61) % 300));
  }
  return times;
}

export interface PodEvents {
  /** Stops them; answers how many there were a second. */
  stop(): Promise<number>;
}

/** Makes pods unready and ready again, `perSecond` changes a second, as far as the server can. */
export async function startPodEvents(port: ApiPort, perSecond: number): Promise<PodEvents> {
  const list = await port.request({ method: "GET", path: "/api/v1/pods", query: { limit: "2000" } });
  const pods = (list.body as { readonly items: readonly KubeObject[] }).items;
  const begun = systemClock.monotonic();
  let stopped = false;
  let sent = 0;
  let failure: unknown;
  const flip = async (index: number): Promise<void> => {
    const pod = pods[(index * 37) % pods.length];
    if (pod === undefined) throw new Error("there are no pods to change");
    const { conditions } = pod.status as { readonly conditions: readonly { readonly type: string }[] };
    const ready = Math.floor(index / pods.length) % 2 === 0 ? "False" : "True";
    const changed = conditions.map((one) => (one.type === "Ready" ? { ...one, status: ready } : one));
    const path = `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}/status`;
    await patch(port, path, { status: { conditions: changed } });
  };
  const worker = async (): Promise<void> => {
    while (!stopped) {
      const due = begun + (sent * 1000) / perSecond - systemClock.monotonic();
      const index = sent++;
      if (due > 0) await systemClock.sleep(due);
      await flip(index);
    }
  };
  const workers = Array.from({ length: 8 }, () =>
    worker().catch((error: unknown) => {
      failure = error;
      stopped = true;
    }),
  );
  return {
    async stop() {
      stopped = true;
      await Promise.all(workers);
      if (failure !== undefined) throw new Error("a pod could not be changed", { cause: failure });
      return (sent * 1000) / (systemClock.monotonic() - begun);
    },
  };
}
