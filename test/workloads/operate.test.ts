// Facts about operations on workloads, with the real controller on a live cluster: what is written, who may undo it, what failure does.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import { DEPLOYMENTS, WORKLOAD_PATCH_STATES } from "../../controller/kube/resources.ts";
import {
  createRig,
  isConverged,
  machine,
  NEW_IMAGE,
  NGINX,
  OLD_IMAGE,
  type Rig,
  type RigOptions,
  ringFile,
  type Status,
  WEB,
} from "../reconcile/rig.ts";

const NONE: RigOptions = { machines: [machine("n1", "none")] };
const REDIS = "registry.example.com/shop/redis";

const claims = async (rig: Rig): Promise<readonly Status[]> => (await rig.ledger())["claims"] ?? [];
const operationOf = async (rig: Rig, name = "web"): Promise<Status | undefined> =>
  (await rig.workloadState(name))["operation"];

function images(baseline: string, list: readonly (readonly [repository: string, tag: string])[]): string {
  return `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata:
  name: ${baseline}
spec:
  target: Image
  image:
    images:
${list.map(([repository, tag]) => `      - { repository: ${repository}, tag: "${tag}" }`).join("\n")}
`;
}

function patches(rig: Rig, name = "web"): readonly (readonly Status[])[] {
  return rig.writes
    .filter(({ method, path }) => method === "PATCH" && path.endsWith(`/deployments/${name}`))
    .map(({ body }) => body as Status[])
    .filter((body) => body.some(({ op, path }) => op === "replace" && (path as string).endsWith("/image")));
}

async function setImage(rig: Rig, image: string, name = "web"): Promise<void> {
  await rig.admin.patch(
    DEPLOYMENTS,
    { namespace: "shop", name },
    { type: "strategic", body: { spec: { template: { spec: { containers: [{ name: "main", image }] } } } } },
  );
}

async function person(rig: Rig, change: Status, name = "web"): Promise<void> {
  const object = await rig.admin.get(WORKLOAD_PATCH_STATES, { namespace: "shop", name: `deployment-${name}` });
  const status = object?.status as Status;
  await rig.admin.updateStatus(WORKLOAD_PATCH_STATES, {
    ...(object as KubeObject),
    status: { ...status, operation: { ...status["operation"], ...change } },
  });
}

describe("a workload", () => {
  it("gets its images set once, with the old value and the uid as tests, and loses the mark in the end (B9, K1)", async () => {
    const rig = await createRig(NONE);
    await rig.until("it is patched", () => isConverged(rig));
    expect(await rig.image("web")).toBe(NEW_IMAGE);
    const [patch, ...more] = patches(rig);
    expect(more).toEqual([]);
    expect(patch).toEqual(
      expect.arrayContaining([
        { op: "test", path: "/metadata/uid", value: expect.any(String) },
        { op: "test", path: "/spec/template/spec/containers/0/name", value: "main" },
        { op: "test", path: "/spec/template/spec/containers/0/image", value: OLD_IMAGE },
        { op: "replace", path: "/spec/template/spec/containers/0/image", value: NEW_IMAGE },
      ]),
    );
    const live = await rig.admin.get(DEPLOYMENTS, { namespace: "shop", name: "web" });
    expect(live?.metadata.annotations?.["ringward.dev/claim"]).toBeUndefined();
    expect(await rig.violations()).toEqual([]);
  });

  for (const step of ["Patching", "Patched"])
    it(`whose image somebody puts back at ${step} is not written twice (FieldContested)`, async () => {
      const rig = await createRig(NONE);
      await rig.until(
        "it is patched",
        async () => (await rig.image("web")) === NEW_IMAGE && (await operationOf(rig))?.["step"] === step,
      );
      await setImage(rig, OLD_IMAGE);
      await rig.until("it is let go", async () => (await claims(rig)).length === 0);
      await rig.run(25);
      expect(await rig.image("web")).toBe(OLD_IMAGE);
      expect(patches(rig).length).toBe(1);
      expect((await rig.workloadState("web"))["blockedBy"]).toMatchObject([{ reason: "FieldContested" }]);
      expect(rig.errors).toEqual([]);
    });

  it("that somebody else applies is assessed, named and never touched (ManagedElsewhere)", async () => {
    const rig = await createRig({
      ...NONE,
      workloads: [{ ...WEB, annotations: { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" } }],
    });
    await rig.run(20);
    expect(await rig.image("web")).toBe(OLD_IMAGE);
    expect(rig.writes.filter(({ path }) => path.includes("/deployments/"))).toEqual([]);
    const state = await rig.workloadState("web");
    expect(state["state"]).toBe("Missing");
    expect(state["blockedBy"]).toMatchObject([{ reason: "ManagedElsewhere", message: expect.stringMatching(/Argo/) }]);
  });

  it("that somebody takes over after the claim is left alone (ManagedElsewhere)", async () => {
    const rig = await createRig(NONE);
    await rig.until("it is about to be patched", async () => (await operationOf(rig))?.["step"] === "Patching");
    await rig.admin.patch(
      DEPLOYMENTS,
      { namespace: "shop", name: "web" },
      {
        type: "merge",
        body: { metadata: { annotations: { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" } } },
      },
    );
    await rig.run(10);
    expect(await rig.image("web")).toBe(OLD_IMAGE);
    expect(await claims(rig)).toEqual([]);
  });

  const broken = { "baselines/shared-images.yaml": images("shared-images", [[NGINX, "1.99-broken"]]) };

  it("whose rollout does not progress stops its ring and keeps its claim (onFailure: Halt)", async () => {
    const rig = await createRig({ ...NONE, files: broken, workloads: [WEB, { ...WEB, name: "zeb" }] });
    await rig.until(
      "it fails",
      async () => (await operationOf(rig))?.["failure"]?.reason === "ProgressDeadlineExceeded",
      200,
    );
    await rig.run(20);
    expect((await claims(rig)).map((claim) => claim["name"])).toEqual(["web"]);
    expect(await rig.image("zeb")).toBe(OLD_IMAGE);
    expect(await rig.image("web")).toContain("broken");

    await rig.setMode("Stop");
    await person(rig, { release: { reason: "seen", time: new Date(rig.clock.now()).toISOString() } });
    await rig.until("it is given up", async () => (await claims(rig)).length === 0);
    expect((await rig.workloadState("web"))["history"].at(-1)).toMatchObject({ result: "Released" });
  });

  it("whose rollout does not progress goes back (onFailure: RollBackTarget), and is not tried again", async () => {
    const rig = await createRig({
      ...NONE,
      files: { ...broken, "rings/canary.yaml": ringFile("canary", "onFailure: RollBackTarget") },
    });
    await rig.until("it is rolled back", async () => (await claims(rig)).length === 0 && patches(rig).length > 0, 250);
    expect(await rig.image("web")).toBe(OLD_IMAGE);
    expect((await rig.workloadState("web"))["history"].at(-1)).toMatchObject({ result: "RolledBack" });
    const { levels = [] } = await rig.ring();
    await rig.run(20);
    expect(patches(rig).length).toBe(2);
    expect(await rig.image("web")).toBe(OLD_IMAGE);
    expect((levels as Status[]).some((level) => (level["failed"] ?? 0) + (level["lost"] ?? []).length > 0)).toBe(true);
  });

  it("whose image cannot be pulled, and is repaired by a person, recovers", async () => {
    const rig = await createRig({ ...NONE, files: broken });
    await rig.until("it fails", async () => (await operationOf(rig))?.["failure"] !== undefined, 200);
    await setImage(rig, OLD_IMAGE);
    await rig.run(10);
    // Somebody put it back: the operation waits for that person's word, and nothing writes against them.
    expect(await rig.image("web")).toBe(OLD_IMAGE);
    expect(patches(rig).length).toBe(1);
  });

  for (const step of ["Claimed", "Patching", "Patched"])
    it(`that is deleted at ${step} frees its claim and, where the ring takes a failure, a new one of its name starts anew`, async () => {
      // Its state went with it: what cannot be ruled out counts as failed (vanished.test.ts).
      const ring = ringFile("canary").replace("workloads: 1 }", "workloads: 1, maxFailures: 1 }");
      const rig = await createRig({ ...NONE, files: { "rings/canary.yaml": ring } });
      await rig.until(`it is ${step}`, async () => (await operationOf(rig))?.["step"] === step);
      const live = await rig.admin.get(DEPLOYMENTS, { namespace: "shop", name: "web" });
      const uid = live?.metadata.uid ?? "";
      await rig.admin.delete(DEPLOYMENTS, { namespace: "shop", name: "web" }, { uid, propagationPolicy: "Background" });
      await rig.turn();
      await rig.run(2);
      expect((await claims(rig)).some((claim) => claim["uid"] === uid)).toBe(false);
      await rig.admin.create(DEPLOYMENTS, {
        metadata: { name: "web", namespace: "shop", labels: { app: "web", ring: "canary" } },
        spec: live?.spec as Status,
      } as KubeObject);
      await setImage(rig, OLD_IMAGE);
      await rig.until(
        "the new one is patched",
        async () => (await rig.image("web")) === NEW_IMAGE && (await claims(rig)).length === 0,
        100,
      );
      expect(rig.errors).toEqual([]);
    });

  it("under two image baselines goes through them one after the other (B1)", async () => {
    const rig = await createRig({
      ...NONE,
      workloads: [],
      objects: [
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "web", namespace: "shop", labels: { ring: "canary" } },
          spec: {
            replicas: 1,
            selector: { matchLabels: { app: "web" } },
            template: {
              metadata: { labels: { app: "web" } },
              spec: {
                containers: [
                  { name: "main", image: OLD_IMAGE },
                  { name: "side", image: `${REDIS}:7.4.0` },
                ],
              },
            },
          },
        } as KubeObject,
      ],
      files: {
        "baselines/shared-images.yaml": images("shared-images", [[NGINX, "1.27.3"]]),
        "baselines/caches.yaml": images("caches", [[REDIS, "7.4.1"]]),
        "rings/canary.yaml": `${ringFile("canary")}    - baseline: caches\n`,
      },
    });
    let most = 0;
    await rig.until("both are patched", async () => {
      most = Math.max(most, (await claims(rig)).length);
      const live = await rig.admin.get(DEPLOYMENTS, { namespace: "shop", name: "web" });
      const containers = ((live?.spec as Status | undefined)?.["template"]?.spec?.containers ?? []) as Status[];
      const list = containers.map((one) => one["image"] as string);
      return list[0] === NEW_IMAGE && list[1] === `${REDIS}:7.4.1` && (await claims(rig)).length === 0;
    });
    expect(most).toBe(1);
    expect(patches(rig).length).toBe(2);
    expect(await rig.violations()).toEqual([]);
  });
});
