// Jobs on the sandbox's cluster: success, failure, deadline, replacement, removal.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../controller/kube/port.ts";
import type { Job } from "../../../controller/sandbox/actors/objects.ts";
import { createDriver } from "./cluster-driver.ts";
import type { Driver } from "./cluster-driver.ts";

function job(command: readonly string[], spec: object = {}): KubeObject {
  const template = {
    spec: { restartPolicy: "Never", containers: [{ name: "main", image: "registry.example.com/tools/sh:1", command }] },
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "task", namespace: "ops" },
    spec: { ...spec, template },
  };
}

function current(driver: Driver): Job | undefined {
  return driver.list("jobs").find(({ metadata }) => metadata.name === "task");
}

function condition(driver: Driver, type: string) {
  return current(driver)?.status?.conditions?.find((one) => one.type === type && one.status === "True");
}

describe("a Job", () => {
  it("is Complete when its pod succeeds, with the pod counted once and free of finalizers", async () => {
    const driver = await createDriver({ objects: [job(["true"])] });

    await driver.settle();

    expect(condition(driver, "Complete")).toBeDefined();
    expect(current(driver)?.status).toMatchObject({ succeeded: 1 });
    expect(current(driver)?.status?.completionTime).toBeDefined();
    const [pod] = driver.list("pods");
    expect(pod?.status?.phase).toBe("Succeeded");
    expect(pod?.metadata.finalizers ?? []).toEqual([]);
  });

  it("fails after its backoff limit, with the exit code in the pods' status", async () => {
    const driver = await createDriver({ objects: [job(["sh", "-c", "exit 3"], { backoffLimit: 2 })] });

    await driver.settle();

    expect(condition(driver, "Failed")).toMatchObject({ reason: "BackoffLimitExceeded" });
    expect(current(driver)?.status).toMatchObject({ failed: 3 });
    const codes = driver.list("pods").map((pod) => pod.status?.containerStatuses?.[0]?.state.terminated?.exitCode);
    expect(codes).toEqual([3, 3, 3]);
  });

  it("fails at its deadline and leaves no pod running", async () => {
    const driver = await createDriver({ objects: [job(["serve"], { activeDeadlineSeconds: 30 })] });

    await driver.settle();
    await driver.until(() => condition(driver, "Failed") !== undefined);
    await driver.settle();

    expect(condition(driver, "Failed")).toMatchObject({ reason: "DeadlineExceeded" });
    expect(driver.list("pods").filter(({ status }) => status?.phase === "Running")).toEqual([]);
  });

  it("starts the replacement of a removed pod only when that has really ended, if asked to", async () => {
    const driver = await createDriver({
      objects: [job(["serve"], { podReplacementPolicy: "Failed", backoffLimit: 3 })],
      timing: { terminate: 20_000, jobBackoff: 1_000 },
    });
    await driver.settle();
    const [first] = driver.list("pods");
    await driver.remove("v1", "Pod", first?.metadata.name ?? "", "ops");
    let together = 0;

    await driver.until(
      () =>
        driver
          .list("pods")
          .some(({ metadata, status }) => metadata.uid !== first?.metadata.uid && status?.phase === "Running"),
      () =>
        (together = Math.max(together, driver.list("pods").filter(({ status }) => status?.phase === "Running").length)),
    );

    expect(together).toBe(1);
    expect(current(driver)?.status?.failed).toBe(1);
  });

  it("goes with its pods after its time to live", async () => {
    const driver = await createDriver({ objects: [job(["true"], { ttlSecondsAfterFinished: 20 })] });
    await driver.settle();
    expect(current(driver)).toBeDefined();

    await driver.until(() => current(driver) === undefined);
    await driver.settle();

    expect(driver.list("pods")).toEqual([]);
  });

  it("does nothing while suspended", async () => {
    const driver = await createDriver({ objects: [job(["true"], { suspend: true })] });
    await driver.settle();
    expect(driver.list("pods")).toEqual([]);
    expect(condition(driver, "Suspended")).toBeDefined();

    await driver.patch("batch/v1", "Job", "task", "ops", { spec: { suspend: false } });
    await driver.settle();

    expect(condition(driver, "Complete")).toBeDefined();
  });

  it("lets its pods go when it is deleted under way", async () => {
    const driver = await createDriver({ objects: [job(["serve"])] });
    await driver.settle();

    const path = "/apis/batch/v1/namespaces/ops/jobs/task";
    await driver.cluster.port.request({
      method: "DELETE",
      path,
      body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" },
    });
    await driver.settle();
    await driver.cluster.view.refresh();

    expect(driver.list("pods")).toEqual([]);
  });
});
