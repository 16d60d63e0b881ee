import { describe, expect, it } from "vitest";
import { manualClock, seededRandom } from "../../controller/clock.ts";
import { createClient } from "../../controller/kube/client.ts";
import { createEventRecorder } from "../../controller/kube/events.ts";
import type { EventInput, EventObject } from "../../controller/kube/events.ts";
import { TransportError } from "../../controller/kube/port.ts";
import { refusal, scriptedApi } from "./support.ts";

const cordoned: EventInput = {
  regarding: { apiVersion: "v1", kind: "Node", name: "node-1", uid: "u1" },
  type: "Normal",
  reason: "Cordoned",
  action: "Cordon",
  note: "cordoned for level base-20260101-0123456789ab",
};

function setup() {
  const api = scriptedApi();
  const clock = manualClock(Date.UTC(2026, 0, 1));
  const errors: unknown[] = [];
  const recorder = createEventRecorder({
    client: createClient(api, { fieldManager: "ringward", clock }),
    clock,
    random: seededRandom(1),
    reportingController: "ringward.dev/controller",
    reportingInstance: "ringward-0",
    onError: (error) => errors.push(error),
  });
  const written = () => api.requests.filter((request) => request.method === "POST").map((r) => r.body as EventObject);
  const patched = () => api.requests.filter((request) => request.method === "PATCH");
  return { api, clock, errors, recorder, written, patched };
}

describe("event recorder", () => {
  it("writes a complete events.k8s.io/v1 event, cluster-scoped ones in namespace default", async () => {
    const { api, recorder, written } = setup();

    recorder.record(cordoned);
    await recorder.flush();

    expect(api.requests[0]?.path).toBe("/apis/events.k8s.io/v1/namespaces/default/events");
    expect(written()).toEqual([
      {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { name: expect.stringMatching(/^node-1\.[0-9a-f]{16}$/) as string, namespace: "default" },
        eventTime: "2026-01-01T00:00:00.000000Z",
        reportingController: "ringward.dev/controller",
        reportingInstance: "ringward-0",
        action: "Cordon",
        reason: "Cordoned",
        regarding: cordoned.regarding,
        note: cordoned.note,
        type: "Normal",
      },
    ]);
  });

  it("makes a thousand equal events one with a series, and writes that at most once a minute", async () => {
    const { clock, recorder, written, patched } = setup();

    for (let n = 0; n < 1000; n += 1) {
      recorder.record(cordoned);
      clock.advance(100);
      await recorder.flush();
    }

    expect(written()).toHaveLength(1);
    expect(patched()).toHaveLength(2);
    expect(patched()[0]?.body).toEqual({ series: { count: 2, lastObservedTime: "2026-01-01T00:00:00.100000Z" } });
    expect(recorder.dropped()).toBe(0);
  });

  it("begins anew after six quiet minutes, and when the server has forgotten the first", async () => {
    const { api, clock, recorder, written } = setup();
    recorder.record(cordoned);
    await recorder.flush();

    clock.advance(6 * 60_000);
    recorder.record(cordoned);
    await recorder.flush();
    expect(written()).toHaveLength(2);

    api.script = (request) => (request.method === "PATCH" ? refusal(404, "NotFound") : undefined);
    recorder.record(cordoned);
    await recorder.flush();
    recorder.record(cordoned);
    await recorder.flush();
    expect(written()).toHaveLength(3);
  });

  it("bounds what one object may say, and what all may", async () => {
    const { recorder, written } = setup();

    for (let n = 0; n < 500; n += 1) recorder.record({ ...cordoned, note: `try ${n}` });
    await recorder.flush();
    expect(written()).toHaveLength(10);
    expect(recorder.dropped()).toBe(490);

    for (let n = 0; n < 3000; n += 1) recorder.record({ ...cordoned, regarding: { kind: "Node", name: `n${n}` } });
    await recorder.flush();
    expect(written()).toHaveLength(1010);
    expect(recorder.dropped()).toBe(2490);
  });

  it("never fails its caller, and goes on after a failed write", async () => {
    const { api, errors, recorder, written } = setup();
    let down = true;
    api.script = () => (down ? new TransportError("connection", "unknown", "ECONNRESET") : undefined);

    recorder.record(cordoned);
    await recorder.flush();
    expect(errors).toHaveLength(1);
    expect(recorder.dropped()).toBe(1);
    down = false;
    recorder.record({ ...cordoned, reason: "Drained" });
    await recorder.flush();

    expect(written().at(-1)?.reason).toBe("Drained");
  });

  it("cuts a note at 1024 bytes without cutting a character, and a name at 253 characters", async () => {
    const { recorder, written } = setup();

    recorder.record({ ...cordoned, regarding: { kind: "Node", name: "n".repeat(253) }, note: "ä".repeat(2000) });
    await recorder.flush();

    const [event] = written();
    expect(Buffer.byteLength(event?.note ?? "")).toBeLessThanOrEqual(1024);
    expect(event?.note).toMatch(/^ä+…$/);
    expect(event?.metadata.name).toHaveLength(253);
  });

  it("stops within its time although the server never answers", async () => {
    const { api, clock, recorder } = setup();
    const hung = { ...api, request: (r: Parameters<typeof api.request>[0]) => hang(r.signal) };
    const stuck = createEventRecorder({
      client: createClient(hung, { fieldManager: "ringward", clock }),
      clock,
      random: seededRandom(1),
      reportingController: "c",
      reportingInstance: "i",
    });
    stuck.record(cordoned);

    const stopping = stuck.stop(5000);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(5000);
    await stopping;

    stuck.record(cordoned);
    expect(stuck.dropped()).toBe(1);
    expect(recorder.dropped()).toBe(0);
  });
});

function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
}
