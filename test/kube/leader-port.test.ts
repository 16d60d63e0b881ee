// What a process may send that does not hold a fresh Lease: reads, and nothing else.
import { describe, expect, it } from "vitest";
import { leaderPort, onlyLeading } from "../../controller/kube/leader-port.ts";
import { scriptedApi } from "./support.ts";

describe("the port of a leader", () => {
  it("reads always, writes only while it leads, and says that nothing was sent (L2)", async () => {
    const api = scriptedApi();
    let leads = false;
    const port = leaderPort(api, () => leads);
    const path = "/api/v1/nodes";
    const body = { metadata: { name: "a" } };

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
      () => leads,
      (branch: string) => Promise.resolve(pushed.push(branch)),
    );

    await push("one");
    leads = false;
    await expect(push("two")).rejects.toThrow("the Lease is not held any more");

    expect(pushed).toEqual(["one"]);
  });
});
