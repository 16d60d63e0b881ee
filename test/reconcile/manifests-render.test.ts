// Changed kustomizations, rendered before and after by a real kubectl (fetched once by test/tooling/kubectl.ts, which says so where it
// cannot be had): only images may differ, and what lies elsewhere is never fetched.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ManifestPlace } from "../../controller/core/manifests/index.ts";
import { editManifests } from "../../controller/git/manifests/index.ts";
import { createRender } from "../../controller/reconcile/manifests/render.ts";
import { kubectlPath } from "../tooling/kubectl.ts";

let kubectl = "";
let directory = "";
beforeAll(async () => {
  kubectl = await kubectlPath();
  directory = await mkdtemp(join(tmpdir(), "ringward-render-"));
}, 300_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

const WEB = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  template:
    spec:
      containers:
        - { name: main, image: "nginx:1.27.1" }
        - { name: side, image: "redis:7" }
`;
const BASE = { "base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": WEB };

async function render(
  files: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>> = {},
  tag = "1.27.3",
) {
  const place = {
    kind: "Kustomize",
    path: "prod",
    images: [{ repository: "docker.io/library/nginx", tag }],
    chart: {},
    workloads: [],
  } as unknown as ManifestPlace;
  const list = Object.entries({ ...BASE, ...files }).map(([path, text]) => ({ path, text, blob: path }));
  const edited = editManifests(list, place);
  return createRender({ kubectl, directory })({
    place,
    files: list,
    edited: { ...edited, files: new Map([...edited.files, ...Object.entries(after)]) },
    readFolder: () => Promise.reject(new Error("a kustomization is read before")),
  });
}

describe("a changed kustomization", () => {
  it.each([
    ["an entry", "resources: [../base]\nimages: [{name: nginx, newTag: 1.27.2}]\n", "nginx:1.27.2 to nginx:1.27.3"],
    ["an entry that was added", "resources: [../base]\n", "nginx:1.27.1 to nginx:1.27.3"],
    [
      "a digest that had to go",
      `resources: [../base]\nimages: [{name: nginx, newTag: a, digest: sha256:${"0".repeat(64)}}]\n`,
      "to nginx:1.27.3",
    ],
  ])("shows that only the image differs: %s", async (_, text, line) => {
    expect(await render({ "prod/kustomization.yaml": text })).toEqual({
      kind: "Rendered",
      images: [expect.stringMatching(new RegExp(`^Deployment shop/web: .*${line}$`))],
      unstable: [],
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it("is refused when more than the image would change, or nothing", async () => {
    const files = { "prod/kustomization.yaml": "resources: [../base]\n" };

    await expect(render(files, { "base/web.yaml": WEB.replace("redis:7", "redis:8") })).rejects.toThrow(
      /RW1123|containers.1.image of Deployment shop\/web would change from redis:7 to redis:8/,
    );
    await expect(render(files, { "base/web.yaml": `${WEB}---\n${WEB.replace("web", "two")}` })).rejects.toThrow(
      /other objects/,
    );
    await expect(render(files, { "prod/kustomization.yaml": "resources: [../base] # same\n" })).rejects.toThrow(
      /nothing would change/,
    );
    await expect(render(files, { "prod/kustomization.yaml": "resources: [../base\n" })).rejects.toThrow(
      /fails after the change/,
    );
  });

  it.each([
    [
      "resources: [../base, 'https://example.com/more.yaml']\n",
      /https:\/\/example\.com\/more\.yaml, which is never fetched/,
    ],
    ["resources: [../base, 'github.com/acme/base?ref=main']\n", /github\.com/],
    ["resources: [../base, ../../outside]\n", /outside/],
    ["resources: [../base]\npatches: [{path: 'https://example.com/p.yaml'}]\n", /never fetched/],
    ["resources: [../base]\nhelmCharts: [{name: a, repo: 'oci://x'}]\n", /helmCharts/],
    ["resources: [../base]\nconfigMapGenerator: [{name: a, files: [missing.txt]}]\n", /fails before the change, too/],
  ])("is not rendered, and says why: %s", async (text, why) => {
    expect(await render({ "prod/kustomization.yaml": text })).toEqual({
      kind: "NotRendered",
      why: expect.stringMatching(why),
    });
  });
});
