// Changed values of charts, rendered before and after by a real helm (fetched once by test/tooling/kubectl.ts, which says so where it cannot
// be had): only images may differ, nothing is fetched, and a chart that means ill reaches nothing and ends.
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ManifestPlace, Rendering } from "../../controller/core/manifests/index.ts";
import { createMemoryRemote } from "../../controller/git/memory.ts";
import { editManifests } from "../../controller/git/manifests/index.ts";
import { createRender } from "../../controller/reconcile/manifests/render.ts";
import { helmPath } from "../tooling/kubectl.ts";

let helm = "";
let directory = "";
/** Of programs that stand in for helm. */
let scripts = "";
beforeAll(async () => {
  helm = await helmPath();
  directory = await mkdtemp(join(tmpdir(), "ringward-chart-"));
  scripts = await mkdtemp(join(tmpdir(), "ringward-helm-"));
}, 300_000);
afterAll(async () => {
  for (const folder of [directory, scripts]) await rm(folder, { recursive: true, force: true });
});

const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
spec:
  template:
    spec:
      containers:
        - name: main
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        - name: side
          image: {{ include "web.side" . }}
`;
const CHART = {
  "charts/web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
  "charts/web/values.yaml": "image: { repository: nginx, tag: 1.0.0 }\nside: redis:7\n",
  "charts/web/values-edge.yaml": "image:\n  tag: 1.27.1 # bumped by hand\n",
  "charts/web/templates/_helpers.tpl": '{{- define "web.side" -}}{{ .Values.side | quote }}{{- end }}\n',
  "charts/web/templates/web.yaml": DEPLOYMENT,
};
type Files = Readonly<Record<string, string | Uint8Array>>;

/** The rendering of nginx 1.27.3 in the values of a repository that holds these files. */
async function render(files: Files = {}, rest: Partial<ManifestPlace> = {}, program = helm): Promise<Rendering> {
  const remote = createMemoryRemote();
  remote.people.commitFiles("main", { ...CHART, ...files }, { time: 0, message: "chart" });
  const git = remote.open({ branch: "main", author: { name: "Ringward", email: "r@example.test" } });
  const { head } = await git.fetch();
  const place = {
    kind: "HelmValues",
    path: "charts/web/values-edge.yaml",
    images: [{ repository: "docker.io/library/nginx", tag: "1.27.3", valuePaths: { tag: "image.tag" } }],
    chart: {},
    workloads: [{ asset: { namespace: "shop" } }],
    ...rest,
  } as unknown as ManifestPlace;
  const policy = (await git.read(head, "")).files;
  return createRender({ helm: program, directory })({
    place,
    files: policy,
    edited: editManifests(policy, place),
    readFolder: (path) => git.readFolder(head, path),
  });
}

const SHOWN = { kind: "Rendered", images: ["Deployment shop/web: nginx:1.27.1 to nginx:1.27.3"], unstable: [] };

describe("a change of a chart's values", () => {
  it("shows that only the image differs, with templates that are not YAML, and leaves nothing behind", async () => {
    expect(await render()).toEqual(SHOWN);
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    ["the chart's own values", { path: "charts/web/values.yaml" }, {}, "nginx:1.0.0 to nginx:1.27.3"],
    [
      "values elsewhere, after others",
      { path: "live/edge, eu.yaml", chart: { path: "./charts/web/", valueFiles: ["live/common.yaml"] } },
      {
        "live/edge, eu.yaml": "image: { tag: 1.27.1 }\n",
        "live/common.yaml": "image: { repository: docker.io/library/nginx, tag: 1.26.0 }\n",
      },
      "docker.io/library/nginx:1.27.1 to docker.io/library/nginx:1.27.3",
    ],
    [
      "a chart at the root",
      { path: "values.yaml" },
      {
        "Chart.yaml": CHART["charts/web/Chart.yaml"],
        "values.yaml": "image: { repository: nginx, tag: 1.27.1 }\nside: redis:7\n",
        "templates/web.yaml": DEPLOYMENT.replace('{{ include "web.side" . }}', '"redis:7"'),
      },
      "nginx:1.27.1 to nginx:1.27.3",
    ],
  ])("may be made in %s", async (_, place, files, line) => {
    expect(await render(files, place as Partial<ManifestPlace>)).toEqual({
      ...SHOWN,
      images: [expect.stringMatching(new RegExp(`^Deployment shop/(web|release): ${line}$`))],
    });
  });

  it("may be one of a chart that it depends on, where that lies in charts/", async () => {
    const values = "dep: { image: { tag: 1.27.1 } }\n";
    const files = {
      "apps/Chart.yaml":
        "apiVersion: v2\nname: apps\nversion: 1.0.0\ndependencies: [{ name: dep, version: 1.0.0, repository: 'https://charts.invalid' }]\n",
      "apps/values.yaml": values,
      "apps/charts/dep/Chart.yaml": "apiVersion: v2\nname: dep\nversion: 1.0.0\n",
      "apps/charts/dep/templates/web.yaml": DEPLOYMENT.replace("{{ .Values.image.repository }}", "nginx").replace(
        '{{ include "web.side" . }}',
        '"redis:7"',
      ),
    };
    const place = {
      path: "apps/values.yaml",
      images: [{ repository: "docker.io/library/nginx", tag: "1.27.3", valuePaths: { tag: "dep.image.tag" } }],
    } as unknown as Partial<ManifestPlace>;

    expect(await render(files, place)).toEqual({
      ...SHOWN,
      images: ["Deployment shop/apps: nginx:1.27.1 to nginx:1.27.3"],
    });
    const { "apps/charts/dep/Chart.yaml": _, "apps/charts/dep/templates/web.yaml": __, ...unvendored } = files;
    expect(await render(unvendored, place)).toEqual({
      kind: "NotRendered",
      why: expect.stringMatching(/missing in charts\/ directory: dep/),
    });
  });

  it.each([
    [
      "a label, too",
      {
        "charts/web/templates/web.yaml": DEPLOYMENT.replace(
          "spec:",
          "  labels: { v: '{{ .Values.image.tag }}' }\nspec:",
        ),
      },
      /metadata\.labels\.v of Deployment shop\/web would change from 1\.27\.1 to 1\.27\.3/,
    ],
    [
      "whether an object is there",
      {
        "charts/web/templates/more.yaml":
          '{{ if eq .Values.image.tag "1.27.3" }}\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: more }\n{{ end }}\n',
      },
      /other objects would come out/,
    ],
    [
      "nothing",
      { "charts/web/templates/web.yaml": DEPLOYMENT.replace("{{ .Values.image.tag }}", "1.27.1") },
      /nothing would change: no workload takes the image from there/,
    ],
    [
      "that it renders at all",
      { "charts/web/templates/more.yaml": '{{ if eq .Values.image.tag "1.27.3" }}{{ fail "not this one" }}{{ end }}' },
      /helm template fails after the change: .*not this one/,
    ],
  ])("is refused where it changes %s", async (_, files, why) => {
    await expect(render(files)).rejects.toThrow(why);
  });

  it("tells apart what a template makes up each time, and what only seems so", async () => {
    const secret = (value: string): Files => ({
      "charts/web/templates/secret.yaml": `apiVersion: v1\nkind: Secret\nmetadata: { name: made }\ndata: { password: ${value} }\n`,
    });

    expect(await render(secret("{{ randAlphaNum 12 | quote }}"))).toEqual({
      ...SHOWN,
      unstable: ["Secret made: data.password"],
    });
    await expect(render(secret("{{ .Values.image.tag | b64enc }}"))).rejects.toThrow(/data\.password of Secret made/);
  });

  it.each([
    ["another one's chart", { path: "live/edge.yaml" }, /no Chart\.yaml in live, and charts are never fetched/],
    ["no folder", { chart: { path: "charts/none" } }, /there is no charts\/none/],
    ["no file of values", { chart: { valueFiles: ["live/none.yaml"] } }, /there is no live\/none\.yaml/],
    ["a folder of values", { chart: { valueFiles: ["live"] } }, /live is not read/],
  ])("is not rendered where there is %s", async (_, place, why) => {
    const files = { "live/edge.yaml": "image: { tag: 1.27.1 }\n" };
    expect(await render(files, place as Partial<ManifestPlace>)).toEqual({
      kind: "NotRendered",
      why: expect.stringMatching(why),
    });
  });

  it("is not rendered without a helm, or by one that is not there", async () => {
    expect(await render({}, {}, "/nowhere/helm")).toEqual({
      kind: "NotRendered",
      why: expect.stringMatching(/helm template fails before the change, too: .*not found/),
    });
    expect(await render({ "charts/web/templates/bad.yaml": "{{ nothing }}" })).toEqual({
      kind: "NotRendered",
      why: expect.stringMatching(/fails before the change, too: .*function "nothing" not defined/),
    });
  });
});

describe("a chart that means ill", () => {
  const reveals = (expression: string): Files => ({
    "charts/web/templates/more.yaml": `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: more }\ndata: { x: ${expression} }\n`,
  });

  it("asks no server, neither by a schema of values nor for a name", async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.end("{}");
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const schema = `{"$schema":"http://json-schema.org/draft-07/schema#","$ref":"http://127.0.0.1:${port}/x"}`;

      expect(await render({ "charts/web/values.schema.json": schema })).toEqual(SHOWN);
      expect(await render(reveals(`"{{ getHostByName "localhost" }}"`))).toEqual(SHOWN);
      await expect(
        render(reveals(`{{ if eq .Values.image.tag "1.27.3" }}"{{ getHostByName "localhost" }}!"{{ end }}`)),
      ).rejects.toThrow(/data\.x of ConfigMap more would change from .* to !/);
      expect(asked).toBe(0);
    } finally {
      await new Promise((resolve) => void server.close(resolve));
    }
  });

  it("sees no file and no variable of ours, and no cluster", async () => {
    const secret = join(directory, "secret.txt");
    await writeFile(secret, "canary");
    const shown = async (expression: string): Promise<string> => {
      try {
        await render(reveals(`{{ if eq .Values.image.tag "1.27.3" }}{{ ${expression} | toJson | quote }}{{ end }}`));
        return "";
      } catch (error) {
        return String(error);
      }
    };

    for (const path of [secret, "../secret.txt", "../../secret.txt", "../values-0.yaml"])
      expect(await shown(`.Files.Get ${JSON.stringify(path)}`)).toMatch(/from  to ""/);
    expect(await shown(`lookup "v1" "Node" "" ""`)).toMatch(/from  to \{\}/);
    expect(await render(reveals(`{{ env "HOME" }}`))).toMatchObject({
      why: expect.stringMatching(/function "env" not defined/),
    });
    await rm(secret);
  });

  it("runs no plugin", async () => {
    const mark = join(directory, "ran");
    const files = {
      "charts/web/plugins/p/plugin.yaml": `name: p\nversion: 1.0.0\nusage: p\ndescription: p\ncommand: "/usr/bin/touch ${mark}"\n`,
    };

    expect(await render(files)).toEqual(SHOWN);
    await expect(readFile(mark)).rejects.toThrow(/ENOENT/);
  });

  it("is ended when it takes too much memory", async () => {
    expect(await render(reveals(`{{ repeat 2000000000 "a" | len }}`))).toEqual({
      kind: "NotRendered",
      why: expect.stringMatching(/more memory than a rendering gets/),
    });
    expect(await readdir(directory)).toEqual([]);
  });

  // Not by a chart: helm itself may come to the end of its memory before it has printed so much.
  it("is ended when what renders it never stops printing", async () => {
    const endless = join(scripts, "endless");
    await writeFile(endless, `#!/bin/sh\nwhile :; do echo "${"a".repeat(4_096)}"; done\n`, { mode: 0o755 });

    expect(await render({}, {}, endless)).toEqual({
      kind: "NotRendered",
      why: expect.stringMatching(/it prints more than 16777216 bytes/),
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it("is not even read where it holds a link", async () => {
    const remote = createMemoryRemote();
    remote.people.commitFiles("main", CHART, { time: 0, message: "chart" });
    remote.people.commitSymlink("main", "charts/web/templates/secret.yaml", "/etc/passwd", {
      time: 1,
      message: "link",
    });
    const git = remote.open({ branch: "main", author: { name: "Ringward", email: "r@example.test" } });
    const { head } = await git.fetch();

    expect(await git.readFolder(head, "charts/web")).toEqual({
      kind: "Refused",
      why: expect.stringMatching(/symbolic link/),
    });
  });
});
