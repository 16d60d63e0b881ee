// The real kubectl works against the sandbox: the commands that people use on nodes, pods, workloads and our kinds.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { removeTerminatingPods, startKubectl } from "./kubectl.ts";
import type { Kubectl } from "./kubectl.ts";

const CRD = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rings.rec.example.com}
spec:
  group: rec.example.com
  scope: Cluster
  names: {plural: rings, singular: ring, kind: Ring, listKind: RingList, shortNames: [rg], categories: [rec]}
  versions:
    - name: v1alpha1
      served: true
      storage: true
      subresources: {status: {}}
      additionalPrinterColumns:
        - {name: Mode, type: string, jsonPath: .spec.mode}
        - {name: Ready, type: string, jsonPath: ".status.conditions[?(@.type=='Ready')].status"}
        - {name: Limit, type: integer, jsonPath: .spec.limit, priority: 1}
        - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
      schema:
        openAPIV3Schema:
          type: object
          description: A ring of nodes.
          required: [spec]
          properties:
            spec:
              type: object
              description: What the ring should be.
              required: [size]
              x-kubernetes-validations:
                - {rule: "self.size <= self.limit", messageExpression: "'size ' + string(self.size) + ' is over ' + string(self.limit)"}
              properties:
                size: {type: integer, description: How many nodes., minimum: 0}
                limit: {type: integer, default: 10}
                mode: {type: string, enum: [Auto, Manual], default: Auto}
            status:
              type: object
              properties:
                conditions:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [type]
                  items: {type: object, required: [type, status], properties: {type: {type: string}, status: {type: string}}}
`;
const RING = `{apiVersion: rec.example.com/v1alpha1, kind: Ring, metadata: {name: canary}, spec: {size: 3}}`;

function deployment(image: string, variable: string): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "${image}", env: [{name: ${variable}, value: "1"}]}]}
`;
}

function pod(name: string, node: string, label = "web"): string {
  return `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: {app: ${label}}}, spec: {nodeName: ${node}, containers: [{name: c, image: "a:1"}]}}`;
}

const node = (name: string): string =>
  `{apiVersion: v1, kind: Node, metadata: {name: ${name}, labels: {node-role.kubernetes.io/worker: ""}}}`;

describe("kubectl", { timeout: 60_000 }, () => {
  let kubectl: Kubectl;
  beforeAll(async () => {
    kubectl = await startKubectl();
    await kubectl.pipe(CRD, "apply", "-f", "-");
    await kubectl.pipe(node("n1"), "create", "-f", "-");
    await kubectl.pipe(node("n2"), "create", "-f", "-");
  }, 120_000);
  afterAll(() => kubectl.close());

  it("lists what the server serves, our kinds with short names too", async () => {
    const resources = await kubectl.run("api-resources");
    const versions = await kubectl.run("api-versions");

    expect(resources).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/mu);
    expect(resources).toMatch(/^rings +rg +rec\.example\.com\/v1alpha1 +false +Ring$/mu);
    expect(versions).toContain("policy/v1");
    expect(await kubectl.run("version")).toContain("Server Version: v1.36.2");
  });

  it("prints our kinds by their printer columns, by short name and by category", async () => {
    await kubectl.pipe(RING, "apply", "-f", "-");
    const table = await kubectl.run("get", "rg");
    const wide = await kubectl.run("get", "rec", "-o", "wide");
    const json = JSON.parse(await kubectl.run("get", "ring", "canary", "-o", "json")) as { spec: unknown };

    expect(table).toMatch(/^NAME +MODE +READY +AGE\ncanary +Auto +\d+s$/mu);
    expect(wide).toMatch(/^NAME +MODE +READY +LIMIT +AGE\ncanary +Auto +10 +\d+s$/mu);
    expect(json.spec).toEqual({ size: 3, limit: 10, mode: "Auto" });
    expect(await kubectl.run("get", "ring", "canary", "-o", "yaml")).toContain("kind: Ring");
    expect(await kubectl.run("get", "rings", "-o", "jsonpath={.items[*].metadata.name}")).toBe("canary");
  });

  it("explains our kinds with their descriptions, and built-in kinds by their fields", async () => {
    const spec = await kubectl.run("explain", "ring.spec");

    expect(spec).toContain("What the ring should be.");
    expect(spec).toMatch(/size\t<integer> -required-\n +How many nodes\./u);
    expect(spec).toMatch(/mode\t<string>\n +enum: Auto, Manual/u);
    expect(await kubectl.run("explain", "ring", "--recursive")).toMatch(/conditions\t<\[\]Object>/u);
    expect(await kubectl.run("explain", "pod.spec.containers.env")).toMatch(/valueFrom\t<EnvVarSource>/u);
  });

  it("describes nodes, pods and our kinds, with their events", async () => {
    await kubectl.pipe(RING, "apply", "-f", "-");
    await kubectl.pipe(pod("described", "n2"), "create", "-f", "-");
    const uid = await kubectl.run("get", "ring", "canary", "-o", "jsonpath={.metadata.uid}");
    const about = (kind: string, name: string, id: string): string =>
      `{apiVersion: v1, kind: Event, metadata: {generateName: e-, namespace: default}, involvedObject: {kind: ${kind}, name: ${name}, uid: ${id}}, reason: Noticed, message: something about ${name}, type: Normal, count: 1, firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:00:00Z", source: {component: test}}`;
    await kubectl.pipe(about("Node", "n2", "n2"), "create", "-f", "-");
    await kubectl.pipe(about("Ring", "canary", uid), "create", "-f", "-");

    const described = await kubectl.run("describe", "node", "n2");
    expect(described).toMatch(/^Roles: +worker$/mu);
    expect(described).toMatch(/default +described /u);
    expect(described).toMatch(/Noticed.*something about n2/u);
    expect(await kubectl.run("describe", "pod", "described")).toMatch(/^QoS Class: +BestEffort$/mu);
    expect(await kubectl.run("describe", "ring", "canary")).toMatch(/Limit: +10[^]*Noticed.*something about canary/u);
    expect(await kubectl.run("get", "events")).toMatch(
      /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n.*Normal +Noticed +(node\/n2|ring\/canary) +something about/u,
    );
    await kubectl.run("delete", "pod", "described", "--grace-period=0", "--force");
  });

  it("applies by three-way merge: list items meet by key, what left the file leaves the object", async () => {
    expect(await kubectl.pipe(deployment("web:1", "A"), "apply", "-f", "-")).toContain("deployment.apps/web created");
    expect(await kubectl.pipe(deployment("web:1", "A"), "apply", "-f", "-")).toContain("deployment.apps/web unchanged");
    expect(await kubectl.pipe(deployment("web:2", "B"), "apply", "-f", "-")).toContain(
      "deployment.apps/web configured",
    );

    const containers = JSON.parse(
      await kubectl.run("get", "deploy", "web", "-o", "jsonpath={.spec.template.spec.containers}"),
    ) as { image: string; env: unknown }[];
    expect(containers).toHaveLength(1);
    expect(containers[0]).toMatchObject({ image: "web:2", env: [{ name: "B", value: "1" }] });
    expect(await kubectl.run("get", "deploy", "-o", "wide")).toMatch(/^web +0\/2 +0 +0 +\d+s +c +web:2 +app=web$/mu);
    await kubectl.run("delete", "deploy", "web");
  });

  it("applies on the server: another manager's field is a conflict until forced", async () => {
    const text = deployment("web:1", "A");
    expect(await kubectl.pipe(text, "apply", "--server-side", "--field-manager=git", "-f", "-")).toContain(
      "serverside-applied",
    );
    await kubectl.run("scale", "deploy", "web", "--replicas=5");

    await expect(kubectl.pipe(text, "apply", "--server-side", "--field-manager=git", "-f", "-")).rejects.toThrow(
      /conflict with "kubectl" with subresource "scale"[^]*\.spec\.replicas/u,
    );
    await kubectl.pipe(text, "apply", "--server-side", "--field-manager=git", "--force-conflicts", "-f", "-");
    expect(await kubectl.run("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}")).toBe("2");
    await kubectl.run("delete", "deploy", "web");
  });

  it("patches in all three ways, and says what is wrong with a bad patch", async () => {
    await kubectl.pipe(RING, "apply", "-f", "-");
    await kubectl.run("patch", "node", "n1", "-p", '{"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}}');
    await kubectl.run("patch", "node", "n1", "--type=merge", "-p", '{"metadata":{"labels":{"m":"1"}}}');
    await kubectl.run(
      "patch",
      "node",
      "n1",
      "--type=json",
      "-p",
      '[{"op":"add","path":"/metadata/labels/j","value":"2"}]',
    );

    expect(
      await kubectl.run(
        "get",
        "node",
        "n1",
        "-o",
        "jsonpath={.spec.taints[*].key}/{.metadata.labels.m}/{.metadata.labels.j}",
      ),
    ).toBe("k/1/2");
    expect(await kubectl.fail("patch", "ring", "canary", "--type=merge", "-p", '{"spec":{"size":99}}')).toContain(
      "size 99 is over 10",
    );
    expect(await kubectl.fail("patch", "ring", "canary", "--type=merge", "-p", '{"spec":{"mode":"Odd"}}')).toContain(
      'Unsupported value: "Odd": supported values: "Auto", "Manual"',
    );
    expect(await kubectl.run("patch", "ring", "canary", "--type=merge", "-p", '{"spec":{"nope":1}}')).toContain(
      'Warning: unknown field "spec.nope"',
    );
    await expect(
      kubectl.pipe(
        `{apiVersion: rec.example.com/v1alpha1, kind: Ring, metadata: {name: x}, spec: {size: 1, nope: 1}}`,
        "create",
        "-f",
        "-",
      ),
    ).rejects.toThrow(/unknown field "spec\.nope"/u);
  });

  it("waits for a condition of our kinds and for a deletion", async () => {
    await kubectl.pipe(RING, "apply", "-f", "-");
    const waiting = kubectl.run("wait", "ring/canary", "--for=condition=Ready", "--timeout=20s");
    await kubectl.run(
      "patch",
      "ring",
      "canary",
      "--subresource=status",
      "--type=merge",
      "-p",
      '{"status":{"conditions":[{"type":"Ready","status":"True"}]}}',
    );
    expect(await waiting).toContain("ring.rec.example.com/canary condition met");
    expect(await kubectl.run("get", "rg")).toMatch(/canary +Auto +True/u);

    expect(await kubectl.run("delete", "ring", "canary")).toContain('ring.rec.example.com "canary" deleted');
    expect(await kubectl.run("wait", "ring/canary", "--for=delete", "--timeout=5s")).toBe("");
    expect(
      await kubectl.run("wait", "crd/rings.rec.example.com", "--for=condition=Established", "--timeout=5s"),
    ).toContain("condition met");
  });

  it("labels and annotates", async () => {
    await kubectl.run("label", "node", "n1", "tier=gold");
    await kubectl.run("annotate", "node", "n1", "note=hello");
    expect(await kubectl.run("get", "nodes", "-l", "tier in (gold,silver),!missing", "-o", "name")).toBe("node/n1\n");
    await kubectl.run("label", "node", "n1", "tier-");
    expect(await kubectl.run("get", "nodes", "-l", "tier=gold")).toContain("No resources found");
  });

  it("follows changes with get -w", async () => {
    const following = kubectl.follow("get", "node", "n1", "-w");
    const seen: string[] = [];
    for await (const line of following.lines) {
      seen.push(line);
      if (seen.length === 2) await kubectl.run("cordon", "n1");
      if (line.includes("SchedulingDisabled")) break;
    }
    following.stop();

    expect(seen[0]).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION/u);
    expect(seen.at(-1)).toMatch(/^n1 +Unknown,SchedulingDisabled +worker/u);
    await kubectl.run("uncordon", "n1");
  });

  it("drains a node through evictions, and is held up by a budget", async () => {
    await kubectl.pipe(pod("guarded", "n1", "guarded"), "create", "-f", "-");
    await kubectl.run(
      "patch",
      "pod",
      "guarded",
      "--subresource=status",
      "--type=merge",
      "-p",
      '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}',
    );
    await kubectl.run("create", "pdb", "guard", "--selector=app=guarded", "--min-available=1");
    const status = (allowed: number): string =>
      JSON.stringify({
        status: {
          disruptionsAllowed: allowed,
          currentHealthy: 1,
          desiredHealthy: 1 - allowed,
          expectedPods: 1,
          observedGeneration: 1,
        },
      });
    await kubectl.run("patch", "pdb", "guard", "--subresource=status", "--type=merge", "-p", status(0));
    const stop = new AbortController();
    const kubelet = removeTerminatingPods(kubectl.server, stop.signal);

    expect(await kubectl.fail("drain", "n1", "--force", "--timeout=2s")).toMatch(
      /Cannot evict pod as it would violate the pod's disruption budget/u,
    );
    await kubectl.run("patch", "pdb", "guard", "--subresource=status", "--type=merge", "-p", status(1));
    expect(await kubectl.run("drain", "n1", "--force", "--timeout=20s")).toContain("node/n1 drained");
    expect(await kubectl.run("get", "nodes", "n1")).toContain("SchedulingDisabled");
    expect(await kubectl.run("get", "pods")).toContain("No resources found");
    stop.abort();
    await kubelet;
  });

  it("asks what it may do, creates by command and reads logs", async () => {
    expect(await kubectl.run("auth", "can-i", "delete", "pods")).toBe("yes\n");
    expect(await kubectl.run("auth", "whoami")).toMatch(/^Username +sandbox-admin$/mu);
    await kubectl.run("create", "namespace", "team");
    await kubectl.run("create", "configmap", "settings", "-n", "team", "--from-literal=a=b");
    await kubectl.pipe(pod("talking", "n2"), "create", "-n", "team", "-f", "-");
    kubectl.server.setPodLog("team", "talking", "one\ntwo\n");

    expect(await kubectl.run("logs", "talking", "-n", "team")).toBe("one\ntwo\n");
    expect(await kubectl.run("logs", "talking", "-n", "team", "--tail=1")).toBe("two\n");
    expect(await kubectl.run("delete", "namespace", "team")).toContain('namespace "team" deleted');
    expect(await kubectl.fail("get", "configmap", "settings", "-n", "team")).toContain("NotFound");
  });

  it("is written down as the user it speaks for", () => {
    const version = kubectl.server.store.history().find((entry) => entry.key === "nodes/n1");

    expect(version?.user).toBe("sandbox-admin");
    expect(version?.object.metadata.managedFields?.[0]?.manager).toBe("kubectl-create");
    expect(
      kubectl.requests.some(
        (request) => request.method === "POST" && request.path.endsWith("/eviction") && request.status === 429,
      ),
    ).toBe(true);
  });
});
