// What a process may send that does not hold a fresh Lease, or is about to give it back: reads, and nothing else.
import { describe, expect, it } from "vitest";
import { createWriteGate, leaderPort, onlyLeading } from "../../controller/kube/leader-port.ts";
import type { ApiResponse } from "../../controller/kube/port.ts";
import { answer, scriptedApi, settle } from "./support.ts";

const path = "/api/v1/nodes";
const body = { metadata: { name: "a" } };

describe("the port of a leader", () => {
  it("reads always, writes only while it leads, and says that nothing was sent (L2)", async () => {
    const api = scriptedApi();
    let leads = false;
    const port = leaderPort(
      api,
      createWriteGate(() => leads),
    );

    expect((await port.request({ method: "GET", path })).status).toBe(200);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"] as const)
      await expect(port.request({ method, path, body })).rejects.toMatchObject({
        name: "TransportError",
        outcome: "notSent",
      });
    expect(api.requests.map(({ method }) => method)).toEqual(["GET"]);

    leads = true;
    await port.request({ method: "POST", path, body });
    expect(api.requests.map(({ method }) => method)).toEqual(["GET", "POST"]);
  });

  it("guards what is written beside the API at the moment of each call (L2)", async () => {
    let leads = true;
    const pushed: string[] = [];
    const push = onlyLeading(
      createWriteGate(() => leads),
      (branch: string) => Promise.resolve(pushed.push(branch)),
    );

    await push("one");
    leads = false;
    await expect(push("two")).rejects.toThrow("the Lease is not held any more");

    expect(pushed).toEqual(["one"]);
  });

  it("waits at its closing for the write under way, failed ones too, and lets no other through", async () => {
    const api = scriptedApi();
    const finish: ((answer: ApiResponse | Error) => void)[] = [];
    const slow = {
      ...api,
      request: () =>
        new Promise<ApiResponse>((resolve, reject) =>
          finish.push((end) => (end instanceof Error ? reject(end) : resolve(end))),
        ),
    };
    const gate = createWriteGate(() => true);
    const port = leaderPort(slow, gate);
    const one = port.request({ method: "PATCH", path, body });
    const other = port.request({ method: "PATCH", path, body }).catch((error: Error) => error.message);
    let closed = false;

    const closing = gate.close().then(() => (closed = true));
    await expect(port.request({ method: "PATCH", path, body })).rejects.toThrow("the controller is stopping");
    finish[0]?.(answer(200, { ok: true }));
    expect((await one).status).toBe(200);
    await settle();
    expect(closed).toBe(false);
    finish[1]?.(new Error("reset"));
    expect(await other).toBe("reset");
    await closing;

    expect(finish).toHaveLength(2);
  });
});
