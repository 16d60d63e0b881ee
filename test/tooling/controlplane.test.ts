// Where the control plane of the end-to-end tests comes from, and what is said when it cannot come. Nothing is built here.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeModule } from "./controlplane-module.ts";
import { findAssets, KUBERNETES_VERSION, MODULE_FOLDER, PROGRAMS } from "./controlplane.ts";

const quiet = (): void => undefined;

describe("the control plane's programs", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ringward-assets-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function put(name: string): void {
    writeFileSync(join(folder, name), "");
    chmodSync(join(folder, name), 0o755);
  }

  it("are taken from the folder that KUBEBUILDER_ASSETS names", async () => {
    for (const name of PROGRAMS) put(name);

    expect(await findAssets({ KUBEBUILDER_ASSETS: folder, PATH: "" }, quiet)).toEqual({
      folder,
      found: "KUBEBUILDER_ASSETS",
    });
  });

  it("are not half taken from there: what is missing is named", async () => {
    put("etcd");
    put("kube-apiserver");

    await expect(findAssets({ KUBEBUILDER_ASSETS: folder }, quiet)).rejects.toThrow(
      /no kube-controller-manager, kube-scheduler: put them there/,
    );
  });

  it("cannot be had without assets and without Go, which says how to get them", async () => {
    await expect(findAssets({ PATH: folder }, quiet)).rejects.toThrow(/KUBEBUILDER_ASSETS, or install Go/);
  });
});

describe("the module that builds them", () => {
  it("has replace lines for every staging module of Kubernetes, at the version that belongs to it", () => {
    const text = writeModule(
      "v1.40.2",
      "go 1.30.0\n\ngodebug default=go1.30\n\nrequire (\n\tgithub.com/spf13/cobra v1.1.1\n\tgo.etcd.io/etcd/server/v3 v3.9.1 // indirect\n)\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n",
    );

    expect(text).toContain("\tk8s.io/kubernetes v1.40.2\n");
    expect(text).toContain("\tgo.etcd.io/etcd/server/v3 v3.9.1\n");
    expect(text).toContain("\tk8s.io/api => k8s.io/api v0.40.2\n");
  });

  it("is the one that was written for the version in use", () => {
    const text = readFileSync(new URL("go.mod", MODULE_FOLDER), "utf8");

    expect(text).toContain(`k8s.io/kubernetes ${KUBERNETES_VERSION}\n`);
    expect(text).toContain(`k8s.io/api => k8s.io/api ${KUBERNETES_VERSION.replace("v1.", "v0.")}\n`);
  });
});
