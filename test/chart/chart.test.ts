// The chart by the real helm: it passes lint, renders what people have read (golden files), refuses mistyped values, and holds exactly the
// definitions, roles and admission policies that `ringward install --export` prints.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { USAGE } from "../../controller/cli/controller.ts";
import { policyRepository } from "../../controller/api/policy-repository.ts";
import { createValidators } from "../../controller/api/validator.ts";
import type { InstallSettings } from "../../controller/install/manifest.ts";
import { expectGolden } from "../support/golden.ts";
import { CHART, type Helm, openHelm } from "./support/helm.ts";
import { byName, exported, KINDS_THERE, nameOf, NAMESPACE, only, podOf, read, render } from "./support/objects.ts";

const CASES = readdirSync(join(CHART, "ci")).map((name) => name.replace("-values.yaml", ""));
const valuesOf = (name: string): string => join(CHART, "ci", `${name}-values.yaml`);
/** The templates that people write; the others are compared with the export. */
const WRITTEN = readdirSync(join(CHART, "templates")).filter(
  (name) => name.endsWith(".yaml") && !["rbac.yaml", "namespaces.yaml"].includes(name),
);

let helm: Helm;
beforeAll(async () => {
  helm = await openHelm();
}, 120_000);
afterAll(() => helm.close());

describe("the chart", () => {
  it.each(CASES)("passes lint --strict and renders as the golden file says with ci/%s-values.yaml", async (name) => {
    await helm.run(["lint", "--strict", CHART, "--namespace", NAMESPACE, "--values", valuesOf(name)]);
    const out = await helm.run([
      "template",
      "ringward",
      CHART,
      ...["--namespace", NAMESPACE, "--values", valuesOf(name), ...KINDS_THERE],
    ]);
    const documents = out
      .split(/^---\n/m)
      .filter((one) => WRITTEN.some((file) => one.includes(`/templates/${file}\n`)));

    expect(documents.length).toBeGreaterThan(0);
    expectGolden(new URL(`golden/${name}.yaml`, import.meta.url), documents.join("---\n"));
  });

  it("has all that can be switched on in one of these files, so that no template goes unseen", () => {
    const golden = CASES.map((name) => readFileSync(new URL(`golden/${name}.yaml`, import.meta.url), "utf8")).join("");
    const shown = WRITTEN.filter((file) => golden.includes(`/templates/${file}\n`));

    expect(CASES.length).toBeGreaterThan(2);
    expect(WRITTEN.filter((file) => !shown.includes(file))).toEqual(["dashboards.yaml", "prometheusrule.yaml"]);
  });
});

describe("what the chart installs", () => {
  const EXAMPLE = ["registry.example.com/ringward"];
  it.each<[string, readonly string[], InstallSettings]>([
    ["no images", [], { namespace: NAMESPACE, recipeImages: [] }],
    [
      "one prefix of images",
      ["recipeImages={registry.example.com/ringward/}"],
      { namespace: NAMESPACE, recipeImages: EXAMPLE },
    ],
    [
      "several prefixes, one twice, in another order, with a registry and a port",
      ["recipeImages={registry.example.com/ringward,localhost:5000,ghcr.io/a-b,registry.example.com/ringward/}"],
      { namespace: NAMESPACE, recipeImages: ["ghcr.io/a-b", "localhost:5000", "registry.example.com/ringward"] },
    ],
    [
      "kinds for gates, and another namespace",
      ["gateResources={v1/pods,ceph.rook.io/v1/cephclusters}", "recipeImages={registry.example.com/ringward}"],
      { namespace: "patching", recipeImages: EXAMPLE, gateResources: ["v1/pods", "ceph.rook.io/v1/cephclusters"] },
    ],
  ])(
    "is what `install --export` prints, object by object and in both directions, with %s",
    async (_, sets, settings) => {
      const chart = byName(await render(helm, ["namespace.create=true", ...sets], [], settings.namespace));
      const wanted = exported(settings);
      const own = [...chart.keys()].filter((name) => !wanted.has(name));

      expect(Object.fromEntries([...chart].filter(([name]) => wanted.has(name)))).toEqual(Object.fromEntries(wanted));
      // And nothing else but what runs the controller.
      expect(own.toSorted()).toEqual([
        `Deployment ${settings.namespace}/ringward-controller`,
        `NetworkPolicy ${settings.namespace}/ringward-controller`,
        `PodDisruptionBudget ${settings.namespace}/ringward-controller`,
        "PriorityClass ringward-controller",
        `Service ${settings.namespace}/ringward-controller`,
      ]);
    },
  );

  it("keeps definitions when the release goes, unless it is told not to; leaves them and namespaces out where it is told", async () => {
    const kept = async (...sets: readonly string[]): Promise<readonly unknown[]> =>
      (await render(helm, sets))
        .filter(({ kind }) => kind === "CustomResourceDefinition")
        .map(({ metadata }) => (metadata as { readonly annotations?: object }).annotations);
    const names = (await render(helm, ["crds.install=false", "jobNamespace.create=false"])).map(nameOf);

    expect(await kept()).toEqual(Array.from({ length: 10 }, () => ({ "helm.sh/resource-policy": "keep" })));
    expect(await kept("crds.keep=false")).toEqual(Array.from({ length: 10 }, () => undefined));
    expect(names.filter((name) => /^(CustomResourceDefinition|Namespace) /.test(name))).toEqual([]);
    expect(names).toContain(`Role ringward-jobs/ringward-controller`);
  });

  it("never sets a mode: no ledger is rendered, whatever the values", async () => {
    for (const name of CASES) {
      const text = await helm.run([
        "template",
        "ringward",
        CHART,
        "--namespace",
        NAMESPACE,
        "--values",
        valuesOf(name),
      ]);

      expect(read(text).filter(({ kind }) => kind === "DisruptionLedger")).toEqual([]);
    }
  });
});

describe("the controller's pod", () => {
  it("fits the Pod Security level restricted, writes to two emptyDirs alone, and has limits (27)", async () => {
    const pod = podOf(await render(helm, []));
    const [container] = pod.containers;

    expect(pod.containers).toHaveLength(1);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(pod["volumes"]).toEqual([
      { name: "data", emptyDir: { sizeLimit: "4Gi" } },
      { name: "temporary", emptyDir: { sizeLimit: "128Mi" } },
    ]);
    expect(Object.keys(pod).filter((field) => field.startsWith("host"))).toEqual([]);
    expect(container).toMatchObject({ resources: { limits: { memory: "1Gi" }, requests: { cpu: "100m" } } });
  });

  /** Flags of the controller that the chart does not give, and why. */
  const LEFT_OUT: Readonly<Record<string, string>> = {
    "--kubeconfig": "the pod's service account",
    "--identity": "the pod's name and process id, which are unique",
    "--policy-clock": "a sandbox's",
    "--pace": "for benchmarks",
    [["--allow", "insecure"].join("-")]: "for trials on one machine, never here",
  };

  it("has a value for each flag of the controller, or a reason why not, and gives no flag that there is not", async () => {
    const flags = new Set([...USAGE.matchAll(/--[a-z][a-z-]+/g)].map(([flag]) => flag));
    const rendered = await helm.run([
      "template",
      "ringward",
      CHART,
      "--namespace",
      NAMESPACE,
      "--values",
      valuesOf("full"),
    ]);
    const sample = await render(helm, [
      "prometheus.url=https://a.example.com",
      "prometheus.tokenSecret.name=t",
      "prometheus.caSecret.name=c",
    ]);
    const given = new Set(
      [...podOf(read(rendered)).containers[0].args, ...podOf(sample).containers[0].args]
        .filter((word) => word.startsWith("--"))
        .map((word) => word.split("=")[0] ?? ""),
    );

    expect(flags.size).toBeGreaterThan(20);
    expect([...flags].filter((flag) => !given.has(flag) && LEFT_OUT[flag] === undefined)).toEqual([]);
    expect([...given].filter((flag) => !flags.has(flag) || LEFT_OUT[flag] !== undefined)).toEqual([]);
  });

  it("finds each file that its flags and the policy repository name under a mounted Secret", async () => {
    const text = await helm.run([
      "template",
      "ringward",
      CHART,
      ...["--namespace", NAMESPACE, "--values", valuesOf("full"), ...KINDS_THERE],
    ]);
    const manifests = read(text);
    const mounts = podOf(manifests).containers[0].volumeMounts.map(({ mountPath }) => mountPath);
    const spoken = JSON.stringify([podOf(manifests).containers[0].args, only(manifests, "PolicyRepository")]);
    const files = [...spoken.matchAll(/\/run\/secrets\/[^"]+/g)].map(([file]) => file);

    expect(files.length).toBeGreaterThan(4);
    expect(files.filter((file) => !mounts.includes(file.slice(0, file.lastIndexOf("/"))))).toEqual([]);
  });
});

describe("the policy repository", () => {
  const SPEC = [
    "policyRepository.spec.url=https://git.example.com/a.git",
    "policyRepository.spec.clusterName=east",
    "policyRepository.spec.path=clusters/east",
  ];

  it("is rendered where its kind is in the cluster, is one that the kind takes, and is never deleted by Helm", async () => {
    const made = only(await render(helm, SPEC, KINDS_THERE), "PolicyRepository");

    expect(createValidators().closed(policyRepository, made).problems).toEqual([]);
    expect(made).toMatchObject({
      metadata: { name: "policy", annotations: { "helm.sh/resource-policy": "keep" } },
      spec: { url: "https://git.example.com/a.git", clusterName: "east", path: "clusters/east" },
    });
  });

  it("is left out where its kind is not there yet, and the notes say so and what to do", async () => {
    const set = [`image.repository=a/b`, ...SPEC].flatMap((word) => ["--set", word]);
    const notes = await helm.run(["install", "east", CHART, "--namespace", NAMESPACE, "--dry-run=client", ...set]);

    expect((await render(helm, SPEC)).filter(({ kind }) => kind === "PolicyRepository")).toEqual([]);
    expect(notes).toContain("The PolicyRepository policy is NOT made yet");
    expect(notes).toContain(`helm upgrade east CHART --namespace ${NAMESPACE} --reuse-values`);
  });
});

describe("the notes", () => {
  const notes = async (...sets: readonly string[]): Promise<string> => {
    const words = ["image.repository=a/b", ...sets].flatMap((word) => ["--set", word]);
    const printed = await helm.run(["install", "r", CHART, "--namespace", NAMESPACE, "--dry-run=client", ...words]);
    return printed.slice(printed.indexOf("\nNOTES:"));
  };

  it("say the mode and what is missing, and nothing of what is not", async () => {
    const missing = await notes();
    const fine = await notes("recipeImages={ghcr.io}", "namespace.create=true");

    for (const text of [missing, fine]) expect(text).toContain("starts in mode Observe");
    for (const said of ["No image is allowed", "pod-security.kubernetes.io/enforce"]) {
      expect(missing).toContain(said);
      expect(fine).not.toContain(said);
    }
  });
});

describe("values", () => {
  it.each<[string, RegExp]>([
    ["image.repositry=a", /'\/image': additional properties 'repositry' not allowed/],
    ["replica=2", /additional properties 'replica' not allowed/],
    ["mode=Enforce", /additional properties 'mode' not allowed/],
    ["replicas=0", /'\/replicas': minimum/],
    ["image.digest=sha256:12", /'\/image\/digest': '.*' does not match pattern/],
    ["image.pullPolicy=Sometimes", /'\/image\/pullPolicy': value must be one of/],
    ["recipeImages={ubuntu}", /'\/recipeImages\/0': 'ubuntu' does not match pattern/],
    ["recipeImages={https://ghcr.io}", /'\/recipeImages\/0'/],
    ["gateResources={v1/secrets}", /'\/gateResources\/0': 'not' failed/],
    ["gateResources={cephclusters}", /'\/gateResources\/0': 'cephclusters' does not match pattern/],
    ["policyRepository.spec.url=https://a.example.com/b.git", /missing property 'clusterName'/],
    ["policyRepository.spec.urll=https://a.example.com/b.git", /additional properties 'urll' not allowed/],
    ["policyRepository.spec.auth.tokenfile=/a", /'\/policyRepository\/spec\/auth': additional properties 'tokenfile'/],
    ["secretMounts[0].name=a", /'\/secretMounts\/0': missing property 'secret'/],
    ["webhook.port=80", /'\/webhook\/port': minimum/],
    ["prometheus.url=https://u:p@a.example.com", /'\/prometheus\/url'/],
    ["podDisruptionBudget.maxUnavailable=0", /'\/podDisruptionBudget\/maxUnavailable': minimum/],
    ["crds.keep=null", /'\/crds': missing property 'keep'/],
    ["image.repository=registry.example.com/ringward:1.2.3", /'\/image\/repository': .* does not match pattern/],
    ["image.repository=registry.example.com/Ringward", /'\/image\/repository'/],
    ["prometheus.url=http://a:b", /'\/prometheus\/url'/],
    ["podLabels.app\\.kubernetes\\.io/name=x", /'\/podLabels\/app\.kubernetes\.io~1name'/],
    ["podLabels.team=two words", /'\/podLabels\/team'/],
    ["podAnnotations.kubectl\\.kubernetes\\.io/default-container=x", /'\/podAnnotations\/kubectl/],
    ["metrics.dashboards.labels.a b=c", /'\/metrics\/dashboards\/labels'/],
    [
      "secretMounts[0].name=a,secretMounts[0].secret=b,secretMounts[1].name=a,secretMounts[1].secret=c",
      /secretMounts: two have the same name/,
    ],
    ["priorityClass.name=system-cluster-critical", /set priorityClass\.create=false/],
    ["networkPolicy.dnsPorts=null", /'\/networkPolicy': missing property 'dnsPorts'/],
    ["resources=big", /'\/resources': got string, want object/],
    ["prometheus.tokenSecret.name=a", /prometheus\.tokenSecret and prometheus\.caSecret need prometheus\.url/],
    ["metrics.port=8081", /metrics\.port, probes\.port and webhook\.port have to differ/],
    ["metrics.enabled=false,metrics.serviceMonitor.enabled=true", /serviceMonitor\.enabled needs metrics\.enabled/],
    ["image.repository=", /image\.repository: there is no published image yet/],
  ])("that are wrong are refused, with the place: %s", async (set, message) => {
    const words = ["--set", "image.repository=a/b", "--set", set];
    const { code, err } = await helm.try(["template", "ringward", CHART, "--namespace", NAMESPACE, ...words]);

    expect(code).not.toBe(0);
    expect(err).toMatch(message);
  });

  it.each(["default", "kube-system", "ringward-jobs"])("are refused in namespace %s", async (namespace) => {
    const words = ["--set", "image.repository=a/b", "--namespace", namespace];
    const { code, err } = await helm.try(["template", "ringward", CHART, ...words]);

    expect(code).not.toBe(0);
    expect(err).toContain(`namespace ${namespace}: give the controller a namespace of its own`);
  });
});

describe("dashboards and alerts", () => {
  const ALL = ["metrics.dashboards.enabled=true", "metrics.prometheusRule.enabled=true"];

  it("are the files of the chart, byte for byte, once they are asked for", async () => {
    const folder = join(CHART, "files/dashboards");
    const names = readdirSync(folder);
    const made = await render(helm, ALL);
    const boards = made.filter(({ kind }) => kind === "ConfigMap");
    const data = Object.assign({}, ...boards.map((one) => one["data"] as object)) as Record<string, string>;
    const alerts = load(readFileSync(join(CHART, "files/alerts.yaml"), "utf8"));

    expect(names.length).toBeGreaterThan(2);
    expect(Object.keys(data).toSorted()).toEqual(names.toSorted());
    for (const name of names) expect(data[name]).toBe(readFileSync(join(folder, name), "utf8"));
    expect(only(made, "PrometheusRule")["spec"]).toEqual(alerts);
    expect(
      (await render(helm, [])).filter(({ kind }) => /^(ConfigMap|PrometheusRule|ServiceMonitor)$/.test(kind)),
    ).toEqual([]);
  });

  it("lead to runbooks at an address, where one is given", async () => {
    const words = [...ALL, "metrics.prometheusRule.docsUrl=https://docs.example.com/ringward/"];
    const rules = only(await render(helm, words), "PrometheusRule")["spec"];
    const alerts = readFileSync(join(CHART, "files/alerts.yaml"), "utf8");

    expect(rules).toEqual(
      load(alerts.replaceAll("runbook_url: docs/", "runbook_url: https://docs.example.com/ringward/")),
    );
    expect(JSON.stringify(rules)).toContain("https://docs.example.com/ringward/runbooks/RingwardRingStalled.md");
  });

  it("are in the package, which renders as the folder does", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ringward-package-"));
    const words = ["--namespace", NAMESPACE, "--set", "image.repository=a/b", ...ALL.flatMap((one) => ["--set", one])];
    try {
      await helm.run(["package", CHART, "--destination", folder]);
      const [file = ""] = readdirSync(folder);

      expect(file).toMatch(/^ringward-\d+\.\d+\.\d+\.tgz$/);
      expect(await helm.run(["template", "r", join(folder, file), ...words])).toBe(
        await helm.run(["template", "r", CHART, ...words]),
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
