// Edits of manifests that somebody else applies: only what must change, in the words that stand there, and a clear refusal for the rest.
import { describe, expect, it } from "vitest";
import { parseValuePath } from "../../../controller/core/manifests/index.ts";
import { UserError } from "../../../controller/errors.ts";
import { editManifests, type ManifestChange, type ManifestImage } from "../../../controller/git/manifests/index.ts";
import type { PolicyFile } from "../../../controller/git/port.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const NGINX: ManifestImage = {
  repository: "docker.io/library/nginx",
  mirrors: ["mirror.example.com/hub/nginx"],
  tag: "1.27.3",
};

function edit(files: Readonly<Record<string, string>>, change: Partial<ManifestChange> = {}) {
  const list = Object.entries(files).map(([path, text]): PolicyFile => ({ path, text, blob: path }));
  const [path = ""] = Object.keys(files);
  return editManifests(list, { kind: "PlainYaml", path, images: [NGINX], ...change });
}

function refusal(files: Readonly<Record<string, string>>, change: Partial<ManifestChange> = {}): string {
  try {
    edit(files, change);
  } catch (error) {
    if (error instanceof UserError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "nothing was refused";
}

const deployment = (image: string, name = "web"): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: shop }
spec:
  template:
    spec:
      initContainers:
        - {name: init, image: "busybox:1"}
      containers:
        - name: main
          image: ${image} # keep me
          securityContext: { runAsUser: 0o644 }
        - name: other
          image: registry.example.com/other:1
`;

describe("plain manifests", () => {
  it.each([
    ["nginx:1.27.1", NGINX, "nginx:1.27.3"],
    ["docker.io/library/nginx:1.27.1", NGINX, "docker.io/library/nginx:1.27.3"],
    ["mirror.example.com/hub/nginx:1.27.1", NGINX, "mirror.example.com/hub/nginx:1.27.3"],
    ["'nginx'", NGINX, "'nginx:1.27.3'"],
    [`nginx:1.27.1@${DIGEST}`, NGINX, "nginx:1.27.3"],
    ["nginx:1.27.1", { ...NGINX, digest: DIGEST }, `nginx:1.27.3@${DIGEST}`],
    ['"nginx:1.27.1"', { repository: NGINX.repository, digest: DIGEST }, `"nginx@${DIGEST}"`],
  ])("%s becomes the level's, in the name and quotes that stand there", (before, image, after) => {
    const { files, edits } = edit({ "web.yaml": deployment(before) }, { images: [image] });

    expect(files.get("web.yaml")).toBe(deployment(after));
    expect(edits).toMatchObject([{ file: "web.yaml", place: "Deployment shop/web, container main" }]);
  });

  it("are left as they are when they say so already", () => {
    expect(edit({ "web.yaml": deployment("nginx:1.27.3") })).toEqual({ files: new Map(), edits: [] });
  });

  it("change in every workload under the folder, and in no other folder", () => {
    const cronJob = `kind: CronJob
metadata: {name: tidy}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: nginx:1}]}}}}}
`;
    const { files } = edit(
      {
        "apps/web.yaml": `${deployment("nginx:1")}---\n${deployment("nginx:2", "api")}`,
        "apps/deep/pods.json":
          '{"kind": "List", "items": [{"kind": "Pod", "spec": {"containers": [{"image": "nginx:1"}]}}]}\n',
        "apps/cron.yaml": cronJob,
        "apps2/web.yaml": deployment("nginx:1"),
      },
      { path: "apps" },
    );

    expect(Object.fromEntries(files)).toEqual({
      "apps/web.yaml": `${deployment("nginx:1.27.3")}---\n${deployment("nginx:1.27.3", "api")}`,
      "apps/deep/pods.json":
        '{"kind": "List", "items": [{"kind": "Pod", "spec": {"containers": [{"image": "nginx:1.27.3"}]}}]}\n',
      "apps/cron.yaml": cronJob.replace("nginx:1", "nginx:1.27.3"),
    });
  });

  it("may have a directive in front, which is not about the image", () => {
    const { files } = edit({ "web.yaml": `%YAML 1.1\n---\n${deployment("nginx:1")}` });

    expect(files.get("web.yaml")).toBe(`%YAML 1.1\n---\n${deployment("nginx:1.27.3")}`);
  });

  it("may hold templates, secrets and broken documents that do not concern the image", () => {
    const other = "{{ if .x }}\nkind: {{ .kind }}\n{{ end }}\n";
    const agent = deployment("nginx:1").replace("namespace: shop", 'annotations: { t: "{{ with secret }}" }');

    const { files } = edit({ "a/web.yaml": agent, "a/other.yaml": other }, { path: "a" });

    expect([...files.keys()]).toEqual(["a/web.yaml"]);
  });

  it.each([
    ["a template", deployment("{{ .Values.image }}nginx"), /RW1121 .*template/],
    [
      "a template that is not even YAML",
      `{{- if .Values.on }}\n${deployment("nginx:1")}{{- end }}\n`,
      /RW1121 .*template/,
    ],
    ["an anchor at the image", deployment("&img nginx:1"), /RW1121 .*anchor \(&img\)/],
    ["a tag at the image", deployment("!!str nginx:1"), /RW1121 .*tag/],
    [
      "an anchor around the image",
      deployment("nginx:1").replace("- name: main", "- &main\n          name: main"),
      /anchor \(&main\)/,
    ],
    [
      "an alias in its place",
      deployment("*img").replace("metadata:", "nginx: &img nginx:1\nmetadata:"),
      /RW1121 .*alias/,
    ],
    ["containers behind an alias", "kind: Pod\nx: &c [{image: nginx:1}]\nspec: {containers: *c}\n", /RW1121 .*alias/],
    [
      "a merged container",
      "kind: Pod\nx: &c {image: nginx:1}\nspec: {containers: [{<<: *c, name: a}]}\n",
      /merged from elsewhere/,
    ],
    ["a block scalar", deployment("|-\n            nginx:1\n"), /RW1120|RW1121/],
    ["SOPS", `${deployment("nginx:1")}sops: {mac: x, version: 3.9.0}\n`, /RW1121 .*SOPS/],
    ["broken YAML", deployment("nginx:1").replace("spec:", "spec: ["), /RW1121 .*not valid YAML/],
    [
      "two documents that disagree",
      `${deployment("nginx:1")}---\n${deployment("nginx:2")}`,
      /RW1121 .*nginx:2 here and nginx:1/,
    ],
    ["no such image", deployment("httpd:2"), /RW1122/],
  ])("refuse %s", (_, text, message) => {
    expect(refusal({ "web.yaml": text })).toMatch(message);
  });

  it("refuse a file that could not be read", () => {
    const problem = { code: "FileTooLarge", message: "the file has too many bytes" };

    expect(() =>
      editManifests([{ path: "a/b.yaml", text: "", blob: "", problem }], {
        kind: "PlainYaml",
        path: "a",
        images: [NGINX],
      }),
    ).toThrow(/too many bytes/);
  });
});

describe("kustomizations", () => {
  const base = { "base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": deployment("nginx:1.27.1") };
  const overlay = (images: string) => ({ ...base, "prod/kustomization.yaml": `resources: [../base]\n${images}` });
  const run = (images: string, image: ManifestImage = NGINX) =>
    edit(overlay(images), { kind: "Kustomize", path: "prod", images: [image] }).files.get("prod/kustomization.yaml");

  it.each([
    [
      "the tag of an entry",
      "images:\n  - name: nginx\n    newTag: 1.27.1 # ring 1\n",
      "images:\n  - name: nginx\n    newTag: 1.27.3 # ring 1\n",
    ],
    [
      "a tag that YAML takes for a number",
      "images: [{name: nginx, newTag: 1.27}]\n",
      'images: [{name: nginx, newTag: "1.27.3"}]\n'.replaceAll('"', ""),
    ],
    [
      "the entry of a mirror",
      'images:\n- name: nginx\n  newName: mirror.example.com/hub/nginx\n  newTag: "1"\n',
      'images:\n- name: nginx\n  newName: mirror.example.com/hub/nginx\n  newTag: "1.27.3"\n',
    ],
    ["an entry that lacks a tag", "images:\n- name: nginx\n", "images:\n- name: nginx\n  newTag: 1.27.3\n"],
    ["no entry at all", "", "images:\n  - name: nginx\n    newTag: 1.27.3\n"],
    [
      "an entry of another image",
      'images:\n- name: redis\n  newTag: "7"\n',
      'images:\n- name: redis\n  newTag: "7"\n- name: nginx\n  newTag: 1.27.3\n',
    ],
  ])("change or get %s", (_, before, after) => {
    expect(run(before)).toBe(`resources: [../base]\n${after}`);
  });

  it("never say a tag and a digest at once", () => {
    const both = "images:\n  - name: nginx\n    newTag: 1.27.1\n    digest: sha256:old\n";

    expect(run(both)).toContain("images:\n  - name: nginx\n    newTag: 1.27.3\n");
    expect(run(both)).not.toContain("digest");
    expect(run(both, { ...NGINX, digest: DIGEST })).toBe(
      `resources: [../base]\nimages:\n  - name: nginx\n    digest: ${DIGEST}\n`,
    );
  });

  it("meet the name that their bases gave the image", () => {
    const renamed = {
      ...overlay(""),
      "base/kustomization.yaml":
        "resources: [web.yaml]\nimages: [{name: nginx, newName: mirror.example.com/hub/nginx}]\n",
    };

    expect(edit(renamed, { kind: "Kustomize", path: "prod" }).edits).toMatchObject([
      { place: "images, mirror.example.com/hub/nginx (new)", to: "1.27.3" },
    ]);
  });

  it("are refused where nothing names the image, also where only a URL might", () => {
    const remote = { "prod/kustomization.yaml": "resources: [https://example.com/base?ref=1]\n" };

    expect(refusal(remote, { kind: "Kustomize", path: "prod" })).toMatch(/RW1122/);
    expect(refusal({ "prod/x.yaml": "" }, { kind: "Kustomize", path: "prod" })).toMatch(/no kustomization.yaml/);
  });
});

describe("values of a chart", () => {
  const values = `# Values\nimage:\n  repository: nginx\n  tag: 1.27.1   # pinned\n  digest: ""\nsidecars: [{image: "nginx:1.27.1"}]\n`;
  const run = (image: ManifestImage, text = values) =>
    edit({ "values.yaml": text }, { kind: "HelmValues", images: [image] }).files.get("values.yaml");

  it("change at the paths that policy names, and nowhere else", () => {
    expect(run({ ...NGINX, valuePaths: { tag: "image.tag" } })).toBe(values.replace("1.27.1 ", "1.27.3 "));
    expect(run({ ...NGINX, valuePaths: { image: "sidecars[0].image" } })).toBe(
      values.replace('"nginx:1.27.1"', '"nginx:1.27.3"'),
    );
    expect(run({ ...NGINX, digest: DIGEST, valuePaths: { tag: "image.tag", digest: "image.digest" } })).toBe(
      values.replace("1.27.1 ", "1.27.3 ").replace('""', `"${DIGEST}"`),
    );
  });

  it("lose an old digest, which would win over the new tag", () => {
    const pinned = values.replace('""', DIGEST);

    expect(run({ ...NGINX, valuePaths: { tag: "image.tag", digest: "image.digest" } }, pinned)).toContain('digest: ""');
  });

  it.each([
    [
      "another image's repository beside the tag",
      { tag: "image.tag" },
      values.replace("repository: nginx", "repository: httpd"),
      /RW1122 .*httpd/,
    ],
    ["a value that is not there", { tag: "image.tagg" }, values, /RW1122 .*no image.tagg/],
    [
      "another image in the value",
      { image: "image.repository" },
      values.replace("repository: nginx", "repository: httpd"),
      /RW1122/,
    ],
    ["an anchor on the way", { tag: "image.tag" }, values.replace("image:", "image: &i"), /RW1121 .*anchor/],
    ["two documents", { tag: "image.tag" }, `${values}---\n${values}`, /RW1121 .*one document/],
  ])("refuse %s", (_, valuePaths, text, message) => {
    expect(refusal({ "values.yaml": text }, { kind: "HelmValues", images: [{ ...NGINX, valuePaths }] })).toMatch(
      message,
    );
  });

  it("need a path for what the level names", () => {
    const image = { ...NGINX, digest: DIGEST, valuePaths: { tag: "image.tag" } };

    expect(refusal({ "values.yaml": values }, { kind: "HelmValues", images: [image] })).toMatch(/valuePaths.digest/);
  });

  it.each([
    ["image.tag", ["image", "tag"]],
    ["a[0].b[12]", ["a", 0, "b", 12]],
    ["a\\.b.tag", ["a.b", "tag"]],
    ["", undefined],
    ["a..b", undefined],
    ["[0]", undefined],
    ["a[x]", undefined],
    ["a.", undefined],
  ])("have the path %s", (text, pointer) => {
    expect(parseValuePath(text)).toEqual(pointer);
  });
});
