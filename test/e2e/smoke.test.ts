// The control plane itself: that the four programs work together, that the sandbox's kubelets are nodes to them, and that its history
// and its audit log say what happened.
import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { createClient } from "../../controller/kube/client.ts";
import { JOBS, NAMESPACES, NODES, PODS } from "../../controller/kube/resources.ts";
import type { Node, Pod } from "../../controller/sandbox/actors/objects.ts";
import { quickstartCatalogue } from "../../controller/sandbox/fleet/images.ts";
import { quickstartMachines } from "../../controller/sandbox/fleet/quickstart.ts";
import { recipeJob } from "../sandbox/actors/cluster-driver.ts";
import { readAudit } from "./support/audit.ts";
import { type ControlPlane, startControlPlane, USERS } from "./support/control-plane.ts";
import { recordChanges } from "./support/etcd.ts";
import { joinHistory } from "./support/history.ts";
import { type Kubelets, startKubelets } from "./support/kubelets.ts";
import { waitFor } from "./support/waiting.ts";

const LIMIT = { withinMs: 120_000 };

describe("a real control plane", () => {
  let plane: ControlPlane;
  let kubelets: Kubelets;

  beforeAll(async () => {
    plane = await startControlPlane();
    kubelets = await startKubelets(plane, { machines: quickstartMachines(3), catalogue: quickstartCatalogue() });
  });

  afterAll(async () => {
    await kubelets.stop();
    await plane.stop();
  });

  it("makes nodes of the sandbox's kubelets, and runs a recipe's job whose log the API server fetches from them", async () => {
    const client = createClient(plane.transport("admin"), { fieldManager: "e2e", clock: systemClock });
    const ready = await waitFor(
      "three Ready nodes without taints",
      async () => {
        const nodes = (await client.list(NODES)).items as readonly Node[];
        const usable = nodes.filter(
          ({ spec, status }) =>
            (spec?.taints ?? []).length === 0 &&
            status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
        );
        return usable.length === 3 ? usable : undefined;
      },
      LIMIT,
    );

    await client.create(NAMESPACES, { metadata: { name: "ops" } });
    await client.create(JOBS, recipeJob("look", "ubuntu-01", "apt", "inventory", {}));
    const pod = await waitFor(
      "the job's pod to succeed",
      async () => {
        const pods = (await client.list(PODS, { namespace: "ops" })).items as readonly Pod[];
        return pods.find(({ status }) => status?.phase === "Succeeded");
      },
      LIMIT,
    );
    const log = await client.podLog({ namespace: "ops", name: pod.metadata.name }, {});
    const job = await waitFor(
      "the job controller to see it",
      async () => {
        const found = await client.get(JOBS, { namespace: "ops", name: "look" });
        return JSON.stringify(found?.status).includes('"Complete"') ? found : undefined;
      },
      LIMIT,
    );

    expect(ready.map(({ metadata }) => metadata.name)).toEqual(["rocky-01", "ubuntu-01", "flatcar-01"].toSorted());
    expect(log.length).toBeGreaterThan(0);
    expect(job.status).toMatchObject({ succeeded: 1 });
  });

  it("names who wrote also where that client was gone before the answer: its audit log calls a write that is stored a 504", async () => {
    const recording = await recordChanges(plane.etcdUrl);
    const attempts = 400;
    for (let attempt = 0; attempt < attempts; attempt += 1)
      // How long a write takes here is not known: some clients leave before it, some after, some in its midst.
      await patchAndLeave(plane, `/api/v1/nodes/ubuntu-01`, { "example.com/attempt": String(attempt) }, attempt % 20);
    await patchAndLeave(plane, `/api/v1/nodes/ubuntu-01`, { "example.com/attempt": "last" });
    await recording.caughtUp();

    const events = await waitFor(
      "the audit log to tell of the last one",
      async () => {
        const found = readAudit(plane.auditLog).filter(({ user }) => user.username === USERS.person.user);
        return found.some(({ requestObject }) => JSON.stringify(requestObject ?? "").includes('"last"'))
          ? found
          : undefined;
      },
      LIMIT,
    );
    const abandoned = new Set(
      events
        .filter(({ responseStatus }) => responseStatus?.code === 504)
        .map((event) => attemptOf(event.requestObject)),
    );
    const history = joinHistory(recording.changes, readAudit(plane.auditLog));
    const stored = history.filter(
      ({ key, object, previous }) => key === "nodes/ubuntu-01" && attemptOf(object) !== attemptOf(previous),
    );

    expect(stored.filter(({ object }) => abandoned.has(attemptOf(object))).length).toBeGreaterThan(0);
    expect(new Set(stored.map(({ user }) => user))).toEqual(new Set([USERS.person.user]));
    await recording.stop();
  });
});

function attemptOf(object: unknown): string {
  const { metadata } = (object ?? {}) as { readonly metadata?: { readonly annotations?: Record<string, string> } };
  return metadata?.annotations?.["example.com/attempt"] ?? "";
}

/** Asks for a merge patch of annotations as a person, and closes the connection so many half milliseconds after it is sent; left out: when it is answered. */
function patchAndLeave(plane: ControlPlane, path: string, annotations: object, after?: number): Promise<void> {
  const body = JSON.stringify({ metadata: { annotations } });
  const headers = {
    authorization: "Bearer e2e-person-token",
    "content-type": "application/merge-patch+json",
    "content-length": String(body.length),
  };
  return new Promise((resolve) => {
    const sent = request(`${plane.url}${path}`, { method: "PATCH", rejectUnauthorized: false, agent: false, headers });
    sent.on("error", () => resolve());
    sent.on("response", (response) => response.resume().on("end", resolve).on("close", resolve));
    if (after !== undefined)
      sent.on("socket", (socket) =>
        socket.on("secureConnect", () => void systemClock.sleep(after / 2).then(() => sent.destroy())),
      );
    sent.end(body);
  });
}
