// `ringward migrate`: from real manifests to policy that validate takes, with a word about every setting; from files and from a cluster.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load, loadAll } from "js-yaml";
import { describe, expect, it } from "vitest";
import { command as migrate } from "../../controller/cli/migrate.ts";
import { command as validate } from "../../controller/cli/validate.ts";
import { seededRandom, systemClock } from "../../controller/clock.ts";
import { UserError } from "../../controller/errors.ts";
import { createClient } from "../../controller/kube/client.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { DAEMON_SETS, NODES } from "../../controller/kube/resources.ts";
import { createApiServer } from "../../controller/sandbox/apiserver/index.ts";
import { makeFolder, ROOT, run } from "./plan-support.ts";

const KURED = join(ROOT, "test/core/migrate/manifests/kured.yaml");
const PLANS = join(ROOT, "test/core/migrate/manifests/plans.yaml");

interface Report {
  readonly policy: readonly {
    readonly kind: string;
    readonly metadata: { readonly name: string };
    readonly spec: Record<string, never>;
  }[];
  readonly rulings: readonly {
    readonly setting: string;
    readonly value: string;
    readonly fate: string;
    readonly text: string;
  }[];
  readonly before: readonly string[];
  readonly next: readonly string[];
  readonly warnings: readonly string[];
}

async function reportOf(args: readonly string[]): Promise<Report> {
  const { out } = await run(migrate, [...args, "-o", "json"]);
  return JSON.parse(out) as Report;
}

function fates({ rulings }: Report): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    [...Map.groupBy(rulings, ({ fate }) => fate)].map(([fate, list]) => [fate, list.map(({ setting }) => setting)]),
  );
}

const specOf = (report: Report, kind: string, name: string): Record<string, never> =>
  report.policy.find((one) => one.kind === kind && one.metadata.name === name)?.spec ?? {};

interface KuredSet {
  readonly spec: { readonly template: { readonly spec: { readonly containers: [{ envFrom?: readonly object[] }] } } };
}

/** The manifest with other flags. */
function kuredWith(args: readonly string[], env: readonly object[] = []): string {
  const [daemonSet, ...others] = loadAll(readFileSync(KURED, "utf8")) as unknown as readonly [
    { spec: { template: { spec: { containers: [{ args: readonly string[]; env: readonly object[] }] } } } },
    ...object[],
  ];
  const [container] = daemonSet.spec.template.spec.containers;
  container.args = args;
  container.env = env;
  const file = join(makeFolder(), "kured.json");
  writeFileSync(
    file,
    JSON.stringify({
      kind: "List",
      items: [daemonSet, ...others.flatMap((one) => (one as { items: object[] }).items)],
    }),
  );
  return file;
}

/** The flags that kured lists in its help, of v1.23 and of versions before. */
const ALL_FLAGS = readFileSync(join(ROOT, "test/core/migrate/manifests/kured-flags.txt"), "utf8").trim().split("\n");

describe("migrate kured", () => {
  it("says every setting in policy, or what becomes of it", async () => {
    const report = await reportOf(["kured", "--from", KURED]);

    expect(fates(report)).toEqual({
      Unknown: ["--turbo", "--notify-url"],
      Lost: ["--force-reboot", "--lock-release-delay", "--pre-reboot-node-labels"],
      Changed: ["--slack-hook-url"],
      NotNeeded: expect.arrayContaining(["--period", "--annotate-nodes", "--node-id", "KURED_CONCURRENCY"]),
      Mapped: expect.arrayContaining(["--reboot-days", "--concurrency", "--time-zone", "--blocking-pod-selector"]),
    } as never);
    expect(specOf(report, "MaintenanceCalendar", "kured")).toEqual({
      timeZone: "Europe/Berlin",
      windows: [
        { name: "morning", schedule: "0 0 * * 1,2,3", duration: "150m" },
        { name: "evening", schedule: "0 22 * * 1,2,3", duration: "2h" },
      ],
    });
    expect(specOf(report, "RolloutRing", "workers")).toMatchObject({
      budget: { nodes: 2, maxFailures: 0 },
      drain: {
        barePods: "Evict",
        emptyDir: "Evict",
        timeout: "90m",
        onTimeout: "BackOut",
        pods: [
          { selector: { matchExpressions: [{ key: "tier", operator: "In", values: ["batch"] }] }, behavior: "Leave" },
        ],
      },
      gates: [
        { type: "BlockingPods", pods: { selector: { matchLabels: { runtime: "long", cost: "expensive" } } } },
        {
          type: "BlockingPods",
          pods: { selector: { matchExpressions: [{ key: "app", operator: "In", values: ["ledger", "broker"] }] } },
        },
        {
          type: "PromQL",
          promQL: {
            query: 'count(ALERTS{alertstate="firing",alertname!~".*(?:^(Watchdog|RebootRequired)$).*"}) or vector(0)',
            operator: "AtMost",
            threshold: 0,
          },
        },
      ],
    });
    expect(report.policy.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      "MaintenanceCalendar kured",
      "PatchBaseline reboot-debian",
      "UpdateRecipe reboot-debian",
      "PatchBaseline reboot-ubuntu",
      "UpdateRecipe reboot-ubuntu",
      "RolloutRing workers",
      "RolloutRing control-plane",
    ]);
    expect(report.before).toEqual([
      "node node-b holds kured's lock: let kured finish it",
      "node node-a is marked as being rebooted by kured: let kured finish it",
    ]);
    expect(report.warnings).toEqual([]);
  });

  it("writes what validate has nothing to say of, and tells no address of a chat", async () => {
    const folder = join(makeFolder(), "policy");

    const { code, out, err } = await run(migrate, ["kured", "--from", KURED, "--out", folder]);
    let found = "";
    await validate([folder, "--strict"], {
      stdout: { write: (text) => (found += text) },
      stderr: { write: () => undefined },
      clock: { now: () => Date.parse("2027-03-01T00:00:00Z") },
    });

    expect(code).toBe(1);
    expect(found).toBe("");
    expect(readdirSync(folder).sort()).toEqual(["baselines", "calendars", "recipes", "rings"]);
    expect(out.trimEnd().split("\n")).toHaveLength(7);
    expect(err).toMatch(/^Unknown +--turbo +9 /m);
    expect(`${out}${err}`).not.toContain("hooks.example.com");
  });

  it("prints the same as documents where no folder is given", async () => {
    const { out } = await run(migrate, ["kured", "--from", KURED]);
    const report = await reportOf(["kured", "--from", KURED]);

    expect(loadAll(out)).toEqual(report.policy);
  });

  it.each(ALL_FLAGS)("knows the flag --%s", async (flag) => {
    const report = await reportOf(["kured", "--from", kuredWith([`--${flag}=1`])]);

    const [ruling] = report.rulings.filter(({ setting }) => setting === `--${flag}`);
    expect(ruling?.fate).toMatch(/^(Mapped|Changed|NotNeeded|Lost)$/);
    expect(ruling?.text.length).toBeGreaterThan(5);
  });

  it("takes defaults for what is not set, and is fine with them", async () => {
    const { code } = await run(migrate, ["kured", "--from", kuredWith([])]);
    const report = await reportOf(["kured", "--from", kuredWith([])]);

    expect(code).toBe(0);
    expect(report.policy.some(({ kind }) => kind === "MaintenanceCalendar")).toBe(false);
    expect(specOf(report, "RolloutRing", "workers")).toMatchObject({
      budget: { nodes: 1 },
      drain: { onTimeout: "Hold" },
    });
  });

  it("says of values that it cannot read that they are lost, and of positional words that they are unknown", async () => {
    const file = kuredWith([
      "--start-time=late",
      "--drain-timeout=soon",
      "--concurrency=many",
      "extra",
      "--drain-pod-selector=a=b,c=d",
    ]);

    const report = await reportOf(["kured", "--from", file]);

    const of = (setting: string) =>
      report.rulings.filter((one) => one.setting === setting).map(({ fate, text }) => `${fate}: ${text}`);
    expect(of("window")[0]).toMatch(/^Lost: "late" is no time of day/);
    expect(of("--drain-timeout")[0]).toMatch(/^Lost: not a duration/);
    expect(of("--concurrency")[0]).toMatch(/^Lost: not a number of nodes/);
    expect(of("extra")).toEqual(["Unknown: not a flag"]);
    expect(of("--drain-pod-selector")[0]).toMatch(/^Lost: only a selector of one term/);
  });

  it("says that settings out of a ConfigMap were not read, and where notifications are listed, without their address", async () => {
    const file = kuredWith(["--notify-url=slack://secret-token@chat"]);
    const [daemonSet, ...others] = (JSON.parse(readFileSync(file, "utf8")) as { items: [KuredSet, ...object[]] }).items;
    daemonSet.spec.template.spec.containers[0].envFrom = [{ configMapRef: { name: "kured-env" } }];
    writeFileSync(file, JSON.stringify({ kind: "List", items: [daemonSet, ...others] }));

    const report = await reportOf(["kured", "--from", file]);

    expect(report.rulings).toContainEqual({
      setting: "envFrom configMapRef kured-env",
      value: "",
      fate: "Unknown",
      text: "its values stand elsewhere and were not read",
    });
    expect(report.rulings.find(({ setting }) => setting === "--notify-url")).toMatchObject({ fate: "Changed" });
    expect(report.next.filter((one) => one.includes("docs/notifications.md"))).toHaveLength(1);
    expect(JSON.stringify(report)).not.toContain("secret-token");
  });

  it("reads the cluster: the DaemonSet, its lock, and what the nodes run", async () => {
    const api = createApiServer({ clock: systemClock, random: seededRandom(1) });
    const listening = await api.listen({ host: "127.0.0.1" });
    const kubeconfig = join(makeFolder(), "kubeconfig");
    writeFileSync(kubeconfig, api.kubeconfig(listening.url));
    const client = createClient(api, { fieldManager: "test", clock: systemClock });
    const [daemonSet, { items: nodes }] = loadAll(readFileSync(KURED, "utf8")) as [KubeObject, { items: KubeObject[] }];
    await client.create(DAEMON_SETS, daemonSet);
    for (const node of nodes) {
      await client.create(NODES, node);
      await client.patch(NODES, { name: node.metadata.name }, { type: "merge", body: { status: node.status } }, {
        subresource: "status",
      } as never);
    }

    const report = await reportOf(["kured", "--kubeconfig", kubeconfig]);
    const fromFile = await reportOf(["kured", "--from", KURED]);
    await listening.close();

    expect(report).toEqual(fromFile);
  });
});

describe("migrate system-upgrade-controller", () => {
  it("makes recipe, baseline, calendar and ring of each Plan, and rules over every field", async () => {
    const report = await reportOf(["system-upgrade-controller", "--from", PLANS, "--product", "ubuntu=22.04"]);

    const { Unknown, Lost, Changed } = fates(report);
    expect(Unknown).toEqual([
      "server-plan: label plan.upgrade.cattle.io/server-plan",
      "agent-plan: label plan.upgrade.cattle.io/agent-plan",
      "focal-packages: spec.surprise",
      "focal-packages: label plan.upgrade.cattle.io/Focal.Packages",
    ]);
    expect(Lost).toEqual([
      "server-plan: spec.upgrade.command",
      "agent-plan: spec.drain.disableEviction",
      "agent-plan: spec.drain.skipWaitForDeleteTimeout",
      "agent-plan: spec.upgrade.command",
      ...["channel", "secrets", "imagePullSecrets", "postCompleteDelay", "priorityClassName", "customNodeLabels"].map(
        (field) => `focal-packages: spec.${field}`,
      ),
      ...["envs", "envFrom", "volumes"].map((field) => `focal-packages: spec.upgrade.${field}`),
      "focal-packages: spec.upgrade",
    ]);
    expect(Changed).toEqual(["server-plan: spec.cordon", "focal-packages: spec.upgrade.securityContext"]);
    expect(specOf(report, "PatchBaseline", "agent-plan-ubuntu-2204")).toMatchObject({
      node: { minimum: { kubelet: "1.31.4+k3s1" }, drain: "Always", rebootPolicy: "Never" },
    });
    expect(specOf(report, "UpdateRecipe", "agent-plan-ubuntu-2204")).toEqual({
      match: { product: { id: "ubuntu" } },
      strategy: "InPlace",
      steps: {
        update: {
          command: ["/entrypoint-of-the-image"],
          env: [{ name: "SYSTEM_UPGRADE_PLAN_LATEST_VERSION", value: "v1.31.4+k3s1" }],
          host: "ReadWrite",
          image:
            "rancher/k3s-upgrade:v1.31.4-k3s1@sha256:5009a047a11fbd680bb40d2f23cd3fcd626ac2d672c38e16f53bd622c3961534",
          timeout: "15m",
        },
      },
    });
    expect(specOf(report, "MaintenanceCalendar", "agent-plan")).toMatchObject({
      timeZone: "Europe/Berlin",
      windows: [
        { schedule: "0 0 * * 0,6", duration: "3h" },
        { schedule: "0 21 * * 0,6", duration: "3h" },
      ],
    });
    expect(specOf(report, "RolloutRing", "agent-plan")).toMatchObject({
      drain: { timeout: "20m", barePods: "Evict" },
      // What `prepare server-plan` waited for, with a token.
      gates: [
        {
          name: "prepared",
          type: "CEL",
          cel: {
            apiVersion: "v1",
            resource: "nodes",
            selector: {
              matchExpressions: [{ key: "node-role.kubernetes.io/control-plane", operator: "In", values: ["true"] }],
            },
            expression: 'objects.all(n, n.status.nodeInfo.kubeletVersion == "v1.31.4+k3s1")',
          },
        },
      ],
    });
    expect(specOf(report, "UpdateRecipe", "focal-packages-ubuntu-2204")).toMatchObject({
      steps: {
        update: {
          command: ["chroot", "/host", "sh", "/run/system-upgrade/secrets/focal/upgrade.sh"],
          env: [{ name: "MODE", value: "security" }],
          host: "ReadWrite",
        },
      },
    });
    expect(report.before).toEqual(["plan server-plan is being applied to node node-a: let it finish"]);
  });

  it("says what it cannot wait for: another Plan that was not read, or that names no version", async () => {
    const [server = "", agent = ""] = readFileSync(PLANS, "utf8").split("---\n");
    const rulingOf = async (text: string): Promise<unknown> => {
      const file = join(makeFolder(), "plans.yaml");
      writeFileSync(file, text);
      const report = await reportOf(["system-upgrade-controller", "--from", file, "--product", "ubuntu"]);
      expect(JSON.stringify(report.policy)).not.toContain('"gates"');
      expect(JSON.stringify(report.policy)).not.toContain('"prepare"');
      return report.rulings.find(({ setting }) => setting === "agent-plan: spec.prepare");
    };

    expect(await rulingOf(agent)).toMatchObject({ fate: "Lost", text: expect.stringContaining("which was not read") });
    expect(
      await rulingOf(`${server.replace(/^ {2}version: .*$/m, "  channel: https://a.example.com")}---\n${agent}`),
    ).toMatchObject({
      fate: "Lost",
      text: expect.stringContaining("names no version"),
    });
  });

  it("leaves out the nodes that a label takes out of the Plan, and rules over its annotations", async () => {
    const file = join(makeFolder(), "plans.yaml");
    const node = (name: string, labels: object): object => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels },
    });
    const plan = {
      apiVersion: "upgrade.cattle.io/v1",
      kind: "Plan",
      metadata: {
        name: "server.plan",
        annotations: { "upgrade.cattle.io/digest": "spec.upgrade", "upgrade.cattle.io/else": "1", other: "2" },
      },
      spec: {
        version: "v1.31.4+k3s1",
        nodeSelector: { matchLabels: { pool: "a" } },
        upgrade: { image: "rancher/k3s-upgrade", command: ["/a"] },
      },
    };
    const items = [
      plan,
      node("a", { "plan.upgrade.cattle.io/server.plan": "disabled" }),
      node("b", { "plan.upgrade.cattle.io/server.plan": "4f1c" }),
      node("c", { "plan.upgrade.cattle.io/another": "disabled" }),
    ];
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));

    const report = await reportOf(["system-upgrade-controller", "--from", file, "--product", "ubuntu"]);

    const selector = {
      matchLabels: { pool: "a" },
      matchExpressions: [{ key: "plan.upgrade.cattle.io/server.plan", operator: "NotIn", values: ["disabled"] }],
    };
    expect(specOf(report, "RolloutRing", "server-plan")).toMatchObject({ members: { nodes: { selector } } });
    expect(specOf(report, "PatchBaseline", "server-plan-ubuntu")).toMatchObject({ node: { nodeSelector: selector } });
    expect(report.rulings.filter(({ setting }) => /label|annotations/.test(setting))).toMatchObject([
      { setting: "server-plan: metadata.annotations upgrade.cattle.io/digest", fate: "NotNeeded" },
      { setting: "server-plan: metadata.annotations upgrade.cattle.io/else", fate: "Unknown" },
      { setting: "server-plan: label plan.upgrade.cattle.io/server.plan", value: "disabled on a", fate: "Mapped" },
    ]);
  });

  it("writes what has no error, and the two of k3s without a warning", async () => {
    const folder = join(makeFolder(), "policy");
    const two = join(makeFolder(), "two.yaml");
    writeFileSync(two, readFileSync(PLANS, "utf8").split("---\n").slice(0, 2).join("---\n"));

    await run(migrate, [
      "system-upgrade-controller",
      "--from",
      two,
      "--product",
      "ubuntu",
      "--product",
      "sles=15",
      "--out",
      folder,
    ]);
    const report = await reportOf(["system-upgrade-controller", "--from", PLANS, "--product", "ubuntu"]);

    expect(report.warnings.every((line) => line.includes(": warning: "))).toBe(true);
    let found = "";
    await validate([folder, "--strict"], {
      stdout: { write: (text) => (found += text) },
      stderr: { write: () => undefined },
      clock: { now: () => 0 },
    });
    expect(found).toBe("");
  });

  it("knows every field that the kind has", async () => {
    const fields = load(readFileSync(join(ROOT, "test/core/migrate/manifests/plan-fields.yaml"), "utf8")) as object;
    const file = join(makeFolder(), "plan.json");
    writeFileSync(
      file,
      JSON.stringify({ apiVersion: "upgrade.cattle.io/v1", kind: "Plan", metadata: { name: "all" }, spec: fields }),
    );

    const report = await reportOf(["system-upgrade-controller", "--from", file, "--product", "ubuntu"]);

    // No field: there are no nodes in what was read.
    expect(fates(report)["Unknown"]).toEqual(["all: label plan.upgrade.cattle.io/all"]);
    expect(report.rulings.length).toBeGreaterThan(35);
  });
});

describe("what cannot be migrated", () => {
  it.each([
    [[], /from what\? one of kured, system-upgrade-controller/],
    [["suc"], /from what/],
    [["kured", "--from", "/nowhere.yaml"], /nowhere\.yaml.*give what kubectl get -o yaml prints/],
    [["kured", "--from", PLANS, "--product", "ubuntu"], /no DaemonSet that runs kured/],
    [["system-upgrade-controller", "--from", KURED], /no Plan of upgrade\.cattle\.io/],
    [["system-upgrade-controller", "--from", PLANS], /which operating systems do the nodes run/],
    [["kured", "--from", KURED, "--product", "Ubuntu 22"], /an ID of os-release/],
    [["kured", "--from", KURED, "-o", "yaml"], /no such format/],
  ])("is told: %j", async (args, message) => {
    const failed = run(migrate, args);

    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toBeInstanceOf(UserError);
  });

  it.each([
    ["kind: Plan\nkind: Plan\n", /plans\.yaml:2:1: duplicated mapping key \(give what kubectl get -o yaml prints\)$/],
    ["a: [\n", /plans\.yaml:2:1: [^|\n]+$/],
    ["[".repeat(100_000), /plans\.yaml:1:\d+: nesting exceeded [^[]+$/],
  ])("says in one line, with the place, why it cannot read %j", async (text, message) => {
    const file = join(makeFolder(), "plans.yaml");
    writeFileSync(file, text);

    const failed = run(migrate, ["system-upgrade-controller", "--from", file, "--product", "ubuntu"]);

    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toBeInstanceOf(UserError);
  });
});
