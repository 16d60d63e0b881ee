// The kubelets' own endpoint, asked over HTTPS as an API server asks it.
import { readFileSync } from "node:fs";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type KubeletEndpoint, serveKubelets } from "../../../controller/sandbox/actors/kubelet-endpoint.ts";
import type { Pod } from "../../../controller/sandbox/actors/objects.ts";

const TLS = new URL("../../kube/tls/", import.meta.url);
const POD = { metadata: { namespace: "ops", name: "job-1", uid: "u1" }, spec: { containers: [] } } as unknown as Pod;

describe("the kubelets' endpoint", () => {
  // Its certificate is nobody's concern here, as it is none of the API server's.
  const agent = new Agent({ connect: { rejectUnauthorized: false } });
  let endpoint: KubeletEndpoint;

  beforeAll(async () => {
    endpoint = await serveKubelets({
      key: readFileSync(new URL("server.key", TLS), "utf8"),
      cert: readFileSync(new URL("server.pem", TLS), "utf8"),
    });
  });

  afterAll(async () => {
    await agent.destroy();
    await endpoint.close();
  });

  async function get(path: string): Promise<{ readonly status: number; readonly text: string }> {
    const { statusCode, body } = await request(`https://${endpoint.address}:${endpoint.port}${path}`, {
      dispatcher: agent,
    });
    return { status: statusCode, text: await body.text() };
  }

  it("gives a container's log, cut as asked, until the pod is gone", async () => {
    endpoint.keep(POD, "one\ntwo\nthree\n");

    const whole = await get("/containerLogs/ops/job-1/main");
    const tail = await get("/containerLogs/ops/job-1/main?tailLines=2&limitBytes=5");
    endpoint.forget(new Set(["u1"]));
    const kept = await get("/containerLogs/ops/job-1/main");
    endpoint.forget(new Set(["another"]));
    const gone = await get("/containerLogs/ops/job-1/main");

    expect(whole).toEqual({ status: 200, text: "one\ntwo\nthree\n" });
    expect(tail).toEqual({ status: 200, text: "two\nt" });
    expect(kept.text).toBe("one\ntwo\nthree\n");
    expect(gone.text).toBe("");
  });

  it("runs nothing: other paths of a kubelet are not there", async () => {
    expect((await get("/exec/ops/job-1/main")).status).toBe(404);
  });
});
