// What the chart makes of odd values by the real helm: text stays text whatever it looks like, and the network policy lets out the ports that
// the values speak of.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHART, type Helm, openHelm } from "./support/helm.ts";
import { KINDS_THERE, only, podOf, read, render } from "./support/objects.ts";

let helm: Helm;
beforeAll(async () => {
  helm = await openHelm();
}, 120_000);
afterAll(() => helm.close());

describe("names that YAML takes for something else", () => {
  const ODD = "123";
  const TEXTS: Readonly<Record<string, unknown>> = {
    image: { repository: "a/b", pullSecrets: [{ name: ODD }] },
    priorityClass: { name: ODD },
    secretMounts: [{ name: ODD, secret: ODD }],
    webhook: { secret: { name: ODD, key: ODD } },
    notifications: { secret: { name: ODD, key: ODD } },
    prometheus: {
      url: "http://a.example.com",
      tokenSecret: { name: ODD, key: ODD },
      caSecret: { name: ODD, key: ODD },
    },
    policyRepository: { name: ODD, spec: { url: "git@git.example.com:a.git", clusterName: ODD } },
    metrics: {
      serviceMonitor: { enabled: true, labels: { release: ODD } },
      prometheusRule: { enabled: true, labels: { release: "true" } },
      dashboards: {
        enabled: true,
        labels: { folder: "1e3" },
        annotations: { note: 'a: "b"\n- {{ c }} #\u00e9\u{1f510}' },
      },
    },
    storage: { data: "4", temporary: "1" },
    nodeSelector: { pool: "0x10" },
    podLabels: { team: "null" },
    podAnnotations: { "example.com/note": "yes: {{ .Values }}\n---\nkind: Secret" },
    gateResources: ["v1/pods"],
    namespace: { create: true },
  };

  it("stay text everywhere: a release, a namespace and Secrets of digits, and values with YAML and templates in them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ringward-odd-"));
    const file = join(folder, "values.yaml");
    writeFileSync(file, JSON.stringify(TEXTS));
    try {
      const words = ["--namespace", "456", "--values", file, ...KINDS_THERE];
      const manifests = read(await helm.run(["template", ODD, CHART, ...words]));
      const wrong = manifests.flatMap((one) => wrongTexts(one, `${one.kind} ${one.metadata.name}`));
      const [container] = podOf(manifests).containers;

      expect(manifests.length).toBeGreaterThan(50);
      expect(wrong).toEqual([]);
      expect(manifests.filter(({ kind }) => kind === "Secret")).toEqual([]);
      expect(container.args).toContain("--namespace=456");
      const { template } = only(manifests, "Deployment")["spec"] as {
        readonly template: { readonly metadata: object };
      };
      expect(template.metadata).toMatchObject({
        labels: { team: "null", "app.kubernetes.io/instance": ODD },
        annotations: TEXTS["podAnnotations"],
      });
      expect(only(manifests, "ConfigMap", "ringward-dashboard-fleet").metadata).toMatchObject({
        annotations: { note: 'a: "b"\n- {{ c }} #\u00e9\u{1f510}' },
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Places of one object where Kubernetes wants a text and something else stands. */
function wrongTexts(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one, at) => wrongTexts(one, `${path}[${at}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    const here = `${path}.${name}`;
    const isText =
      /^(name|namespace|secretName|priorityClassName|sizeLimit|clusterName|key)$/.test(name) ||
      /\.(labels|annotations|matchLabels|nodeSelector)$/.test(path);
    // A schema's properties are called so, too.
    if (isText && !/\.properties\b/.test(path)) return typeof one === "string" ? [] : [here];
    return wrongTexts(one, here);
  });
}

describe("the network policy", () => {
  interface Port {
    readonly port: number | string;
    readonly protocol: string;
  }
  const egressOf = async (...sets: readonly string[]): Promise<readonly string[]> => {
    const spec = only(await render(helm, sets), "NetworkPolicy")["spec"] as {
      readonly egress: readonly { readonly ports: readonly Port[]; readonly to?: unknown }[];
    };
    expect(spec.egress.filter((rule) => (rule.ports ?? []).length === 0)).toEqual([]);
    return spec.egress.flatMap(({ ports }) => ports.map(({ port, protocol }) => `${protocol} ${port}`)).toSorted();
  };
  const DNS = ["TCP 53", "TCP 5353", "UDP 53", "UDP 5353"];

  it("lets out DNS, API servers, git and forges, and no other port", async () => {
    expect(await egressOf()).toEqual([...DNS, "TCP 22", "TCP 443", "TCP 6443"].toSorted());
  });

  it.each([
    ["git@git.example.com:ops/a.git", "TCP 22"],
    ["ssh://git@git.example.com:2222/ops/a.git", "TCP 2222"],
    ["ssh://git@git.example.com/ops/a.git", "TCP 22"],
    ["https://[2001:db8::1]:8443/a.git", "TCP 8443"],
    ["https://[2001:db8::1]/a.git", "TCP 443"],
    ["https://git.example.com/a:1/b.git", "TCP 443"],
  ])("lets out the port of the repository %s by itself", async (url, port) => {
    const sets = [`policyRepository.spec.url=${url}`, "policyRepository.spec.clusterName=east"];

    expect(await egressOf("networkPolicy.egressPorts={6443}", ...sets)).toEqual([...DNS, "TCP 6443", port].toSorted());
  });

  it("lets out the ports of gates, a proxy, a forge and repositories of manifests by themselves", async () => {
    const of = "policyRepository.spec";
    const sets = [
      "networkPolicy.egressPorts={6443}",
      "prometheus.url=http://prometheus.monitoring:9090/base",
      "alertmanager.url=http://alertmanager.monitoring",
      ...[`${of}.url=https://git.example.com/a.git`, `${of}.clusterName=east`],
      `${of}.proxy.url=http://proxy.example.com:3128`,
    ];

    expect(await egressOf(...sets)).toEqual(
      [...DNS, "TCP 6443", "TCP 443", "TCP 9090", "TCP 80", "TCP 3128"].toSorted(),
    );
  });
});

describe("namespaces that the chart makes", () => {
  it("are never deleted by Helm, for people's Secrets are in the one and running steps in the other", async () => {
    const made = (await render(helm, ["namespace.create=true"])).filter(({ kind }) => kind === "Namespace");

    expect(made.map(({ metadata }) => metadata.name).toSorted()).toEqual(["ringward-jobs", "ringward-system"]);
    for (const { metadata } of made)
      expect(metadata).toMatchObject({ annotations: { "helm.sh/resource-policy": "keep" } });
  });
});
