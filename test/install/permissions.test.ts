// The table of permissions is what the controller asks for, no more and no less: whole rollouts of nodes and workloads, policy that comes,
// changes and goes, a target that vanishes, a cluster without a ledger, and the controller as a process with its Lease and its watches.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { seededRandom, systemClock } from "../../controller/clock.ts";
import { DEFAULT_NAMESPACE } from "../../controller/install/manifest.ts";
import { PERMISSIONS } from "../../controller/install/permissions.ts";
import { createClient } from "../../controller/kube/client.ts";
import { createEventRecorder, REPORTING_CONTROLLER } from "../../controller/kube/events.ts";
import { DISRUPTION_LEDGERS, NODES } from "../../controller/kube/resources.ts";
import { createHandOver } from "../../controller/reconcile/hand-over.ts";
import { runController } from "../../controller/reconcile/run-controller.ts";
import type { LoggedRequest } from "../../controller/sandbox/apiserver/index.ts";
import { namespaceObject } from "../../controller/sandbox/fleet/workloads.ts";
import { createRig, isConverged, machine, type Rig, ringFile, stepOf, WEB } from "../reconcile/rig.ts";
import { askedLine, permittedLines } from "./asked.ts";

const USER = "ringward";
const CALENDAR = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata:
  name: always
spec:
  timeZone: UTC
  windows: [{ name: all, schedule: "0 0 * * *", duration: 23h }]
`;
const EXCEPTION = `apiVersion: ringward.dev/v1alpha1
kind: PatchException
metadata:
  name: short
spec:
  targets: { kind: Node, names: [n9] }
  owner: somebody
  justification: for a moment
  expirationTime: 2024-12-16T08:00:00Z
`;

function policyFiles(rig: Rig): readonly string[] {
  const { people } = rig.remote;
  return [...people.commit(people.head("main") as never).tree.keys()];
}

/** Every kind of policy is created, updated and deleted by commits. */
async function changePolicy(rig: Rig): Promise<void> {
  rig.commit({ "calendars/always.yaml": CALENDAR, "exceptions/short.yaml": EXCEPTION });
  await rig.run(3);
  const labelled = (file: string): string =>
    (rig.remote.people.text("main", file) ?? "").replace("metadata:\n", "metadata:\n  labels: { note: changed }\n");
  rig.commit(
    Object.fromEntries(
      policyFiles(rig).flatMap((file) => (file.startsWith("levels/") ? [] : [[file, labelled(file)]])),
    ),
  );
  await rig.run(3);
  // An exception counts until its time, and a level while something names it.
  rig.clock.advance(2 * 3_600_000);
  rig.commit(Object.fromEntries(policyFiles(rig).map((file) => [file, null])));
  await rig.run(8);
}

/** A fleet without a ledger, its rollout, and a node that vanishes in the middle of its update. */
async function rollOut(rig: Rig): Promise<void> {
  await rig.run(2);
  const limits = { nodes: 3, workloads: 3, nodesPerZone: 3 };
  await rig.admin.patch(
    DISRUPTION_LEDGERS,
    { name: "cluster" },
    { type: "merge", body: { spec: { mode: "Enforce", limits } } },
  );
  await rig.until("a node is cordoned", async () => (await stepOf(rig, "n2")) === "Updating");
  const { uid = "" } = (await rig.node("n2")).metadata;
  await rig.admin.delete(NODES, { name: "n2" }, { uid });
  await rig.until("the rest is patched", () => isConverged(rig), 200);
}

/** The controller as a process: it leads, watches, and writes an event that repeats itself. */
async function runProcess(rig: Rig, requests: readonly LoggedRequest[]): Promise<void> {
  const address = await rig.cluster.listen();
  const directory = mkdtempSync(join(tmpdir(), "ringward-test-"));
  const stop = new AbortController();
  const running = runController(
    {
      kubeconfig: rig.cluster.server.kubeconfig(address.url, USER),
      namespace: DEFAULT_NAMESPACE,
      identity: "one",
      directory,
      idleMs: 1_000,
      paceMs: 10,
      listEveryMs: 1_000,
      qps: 1_000,
      burst: 1_000,
      clock: rig.clock,
      transport: systemClock,
      random: seededRandom(1),
      log: () => undefined,
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort(new Error("the test is over"));
    await running;
    await address.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const lacking = (): readonly string[] => {
    const asked = new Set(requests.flatMap((request) => askedLine(request, DEFAULT_NAMESPACE) ?? []));
    return permittedLines().filter((line) => /^watch | of Own$/.test(line) && !asked.has(line));
  };
  for (let tries = 0; lacking().length > 0 && tries < 400; tries += 1) await systemClock.sleep(50);
}

async function writeEvents(rig: Rig): Promise<void> {
  const recorder = createEventRecorder({
    client: createClient(rig.cluster.server.as(USER), { fieldManager: "ringward", clock: rig.clock }),
    clock: rig.clock,
    random: seededRandom(1),
    reportingController: REPORTING_CONTROLLER,
    reportingInstance: "one",
  });
  const event = { type: "Normal", reason: "Claimed", action: "Claimed", note: "twice" } as const;
  for (let count = 0; count < 2; count += 1) {
    recorder.record({ regarding: { kind: "Node", name: "n1" }, ...event });
    await recorder.flush();
  }
}

/** A webhook that met a controller that does not lead. */
async function handOver(rig: Rig, requests: readonly LoggedRequest[]): Promise<void> {
  const client = createClient(rig.cluster.server.as(USER), { fieldManager: "ringward", clock: rig.clock });
  createHandOver({
    client,
    clock: rig.clock,
    random: seededRandom(1),
    onError: (error) => expect.fail(String(error)),
  })();
  await vi.waitFor(() => expect(requests.filter(({ method }) => method === "PATCH").at(-1)?.path).toContain("/policy"));
}

describe("the table of permissions", () => {
  it("names each permission once, in one line", () => {
    const lines = permittedLines();

    expect(lines).toEqual([...new Set(lines)]);
    expect(PERMISSIONS.filter(({ why }) => !/^[A-Z].{10,110}\.$/.test(why))).toEqual([]);
  });

  it("is what the controller asks the API server for, over everything that it does: no verb more, no verb less", async () => {
    const rig = await createRig({
      mode: "none",
      machines: [machine("n1"), machine("n2"), machine("n3")],
      workloads: [WEB, { ...WEB, kind: "StatefulSet", name: "store" }, { ...WEB, kind: "DaemonSet", name: "agent" }],
      files: {
        "rings/canary.yaml": ringFile("canary").replace("budget: { nodes: 1,", "budget: { nodes: 3, maxFailures: 9,"),
      },
      objects: [namespaceObject(DEFAULT_NAMESPACE)],
      tokens: { "the-controllers-token": USER },
    });
    const requests: LoggedRequest[] = [];
    rig.cluster.server.onRequest((request) => {
      if (request.user === USER) requests.push(request);
    });

    const volumesAttached = [{ name: "csi.example.com^h", devicePath: "" }];
    const status = { type: "merge", body: { status: { volumesAttached } } } as const;
    await rig.admin.patch(NODES, { name: "n1" }, status, { subresource: "status" });

    await rollOut(rig);
    await changePolicy(rig);
    await writeEvents(rig);
    await handOver(rig, requests);
    await runProcess(rig, requests);

    const asked = new Set(requests.flatMap((request) => askedLine(request, DEFAULT_NAMESPACE) ?? []));
    expect([...asked].toSorted()).toEqual(permittedLines());
  }, 300_000);
});
