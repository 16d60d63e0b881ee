// When the status of a PolicyRepository is written: for another cause, too, and not for another number.
import { describe, expect, it } from "vitest";
import type { Client } from "../../controller/kube/client.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { writeStatus } from "../../controller/reconcile/policy-status.ts";

/** A repository whose status takes every write, and how often it was written. */
function bench() {
  let object: KubeObject = { metadata: { name: "policy", generation: 1 } };
  let writes = 0;
  const client = {
    updateStatus: (_: unknown, written: KubeObject) => {
      writes += 1;
      object = written;
      return Promise.resolve(written);
    },
  } as unknown as Client;
  const ports = { client, onError: () => undefined };
  return {
    writes: () => writes,
    fail: (message: string, minute: number) =>
      writeStatus(ports, object, {}, { kind: "Stalled", reason: "RepositoryStale", message }, minute * 60_000),
    said: () => JSON.stringify(object.status),
  };
}

describe("the status of a repository that cannot be read", () => {
  it("says the cause of today, also where the reason is that of yesterday", async () => {
    const { fail, writes, said } = bench();
    await fail("token file /run/secrets/forge/token cannot be read: ENOENT", 1);
    await fail("git fetch ended with code 128: Could not resolve host: git.example.com", 2);

    expect(writes()).toBe(2);
    expect(said()).toContain("Could not resolve host");
    expect(said()).not.toContain("ENOENT");
  });

  it("is not written again for the same cause, whatever it counts (K7)", async () => {
    const { fail, writes } = bench();
    for (const minute of [1, 2, 3]) await fail(`the server answered after ${minute * 7} s: try again`, minute);

    expect(writes()).toBe(1);
  });
});
