// Facts about the export as text: its order, its bytes, what it is for, and that the sandbox takes it as a cluster does.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadAll } from "js-yaml";
import { command } from "../../controller/cli/install.ts";
import { command as validate } from "../../controller/cli/validate.ts";
import { isAllowedImage, readImagePrefix } from "../../controller/core/recipe-images.ts";
import { GATE_RESOURCES } from "../../controller/gates/objects.ts";
import { PERMISSIONS } from "../../controller/install/permissions.ts";
import type { Manifest } from "../../controller/install/manifest.ts";
import { type Kubectl, startKubectl } from "../sandbox/apiserver/kubectl.ts";

interface Printed {
  readonly out: string;
  readonly err: string;
}

async function install(...args: readonly string[]): Promise<Printed> {
  const printed = { out: "", err: "" };
  await command(args, {
    stdout: { write: (text) => void (printed.out += text) },
    stderr: { write: (text) => void (printed.err += text) },
  });
  return printed;
}

const ALLOW = ["--allow-recipe-image", "registry.example.com/ringward"];

describe("ringward install --export", () => {
  it("never starts a controller with --allow-insecure, and neither does anything in charts/", async () => {
    const charts = fileURLToPath(new URL("../../charts", import.meta.url));
    const files = readdirSync(charts, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const texts = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));

    for (const text of [...texts, (await install("--export", ...ALLOW)).out])
      expect(text).not.toContain("allow-insecure");
    expect(texts.length).toBeGreaterThan(0);
  });

  it("prints the same bytes for the same arguments, in whatever order prefixes are given", async () => {
    const one = await install("--export", ...ALLOW, "--allow-recipe-image", "ghcr.io/a/");
    const other = await install("--export", "--allow-recipe-image", "ghcr.io/a", ...ALLOW, ...ALLOW);

    expect(one.out).toBe(other.out);
    expect(one.err).toBe("");
  });

  it("prints definitions first, then namespaces, policies with their bindings, and roles last; the same as JSON", async () => {
    const manifests = loadAll((await install("--export", ...ALLOW)).out) as readonly Manifest[];
    const groups = [
      "CustomResourceDefinition",
      "Namespace",
      "ServiceAccount",
      "ValidatingAdmissionPolicy",
      "ClusterRole",
    ];
    const places = groups.map((wanted) => manifests.findIndex(({ kind }) => kind === wanted));
    const json = JSON.parse((await install("--export", ...ALLOW, "-o", "json")).out) as {
      readonly items: readonly Manifest[];
    };

    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBe(0);
    expect(json.items).toEqual(manifests);
    expect(manifests.filter(({ kind }) => kind.includes("Role")).map(({ kind }) => kind)).toContain(
      "ClusterRoleBinding",
    );
  });

  it("holds the controller to the namespace that is named, and nothing to the default one", async () => {
    const { out } = await install("--export", ...ALLOW, "--namespace", "patching");

    expect(out).toContain("system:serviceaccount:patching:ringward-controller");
    expect(out).not.toContain("ringward-system");
  });

  it("says so when no recipe could run", async () => {
    const { out, err } = await install("--export");

    expect(err).toMatch(/no --allow-recipe-image: the cluster will refuse every step/);
    expect(out).toContain("no recipe image is allowed on nodes");
  });

  it("lets gates read what the operator names, and nothing more", async () => {
    const roles = async (...args: readonly string[]) =>
      (
        loadAll((await install("--export", ...ALLOW, ...args)).out) as readonly (Manifest & {
          readonly rules?: unknown;
        })[]
      )
        .filter(({ metadata }) => metadata.name === "ringward-gates")
        .map(({ kind, rules }) => [kind, rules]);
    const named = ["ceph.rook.io/v1/cephclusters", "v1/pods", "v1/pods"].flatMap((kind) => ["--gate-resource", kind]);

    expect(await roles()).toEqual([]);
    expect(await roles(...named)).toEqual([
      [
        "ClusterRole",
        [
          { apiGroups: ["ceph.rook.io"], resources: ["cephclusters"], verbs: ["get", "list"] },
          { apiGroups: [""], resources: ["pods"], verbs: ["get", "list"] },
        ],
      ],
      ["ClusterRoleBinding", undefined],
    ]);
  });

  it("lets gates read, without being told, just what the account gets and lists everywhere", () => {
    const verbs = new Map<string, Set<string>>();
    for (const { resource, subresource, place, names, verbs: some } of PERMISSIONS) {
      if (place !== "Cluster" || subresource !== undefined || names !== undefined) continue;
      const kind = `${resource.group === "" ? "" : `${resource.group}/`}${resource.version}/${resource.plural}`;
      verbs.set(kind, new Set([...(verbs.get(kind) ?? []), ...some]));
    }
    const readable = [...verbs].filter(([, some]) => some.has("get") && some.has("list")).map(([kind]) => kind);

    expect(readable.filter((kind) => !kind.startsWith("ringward.dev/"))).toEqual(GATE_RESOURCES);
  });

  it("has a policy of every request that fails closed, and bindings that deny", async () => {
    const manifests = loadAll((await install("--export", ...ALLOW)).out) as readonly (Manifest & {
      readonly spec: Record<string, unknown>;
    })[];
    const policies = manifests.filter(({ kind }) => kind === "ValidatingAdmissionPolicy");
    const bindings = manifests.filter(({ kind }) => kind === "ValidatingAdmissionPolicyBinding");

    expect(policies.map(({ spec }) => spec["failurePolicy"])).toEqual(policies.map(() => "Fail"));
    expect(bindings.map(({ spec }) => [spec["policyName"], spec["validationActions"]])).toEqual(
      policies.map(({ metadata }) => [metadata.name, ["Deny"]]),
    );
  });

  it("holds jobs and pods to their shape when they are changed, too: a running container's image can be swapped", async () => {
    const manifests = loadAll((await install("--export", ...ALLOW)).out) as readonly (Manifest & {
      readonly spec: {
        readonly matchConstraints: { readonly resourceRules: readonly { readonly operations: readonly string[] }[] };
        readonly matchConditions?: readonly { readonly expression: string }[];
      };
    })[];

    for (const name of ["ringward-jobs", "ringward-job-pods"]) {
      const policy = manifests.find(
        ({ kind, metadata }) => kind === "ValidatingAdmissionPolicy" && metadata.name === name,
      );
      expect(policy?.spec.matchConstraints.resourceRules.map(({ operations }) => operations)).toEqual([
        ["CREATE", "UPDATE"],
      ]);
      expect(policy?.spec.matchConditions?.map(({ expression }) => expression)).toEqual([
        'request.operation == "CREATE" || object.spec != oldObject.spec',
      ]);
    }
  });

  it.each([
    [["--export", "--namespace", "Kube"], /not a name of a namespace/],
    [["--export", "--namespace", "kube-system"], /a namespace of its own/],
    [["--export", "--namespace", "ringward-jobs"], /a namespace of its own/],
    [["--export", "--allow-recipe-image", "ubuntu"], /write REGISTRY or REGISTRY\/PATH/],
    [["--export", "-o", "toml"], /it is yaml or json/],
    [["--export", "--gate-resource", "v1/secrets"], /would let policy read secrets/],
    [["--export", "--gate-resource", "cephclusters"], /is not APIVERSION\/RESOURCE/],
    [[], /say --export/],
  ])("refuses %j", async (args, message) => {
    await expect(install(...args)).rejects.toThrow(message);
  });
});

describe("a prefix of recipe images", () => {
  it("is a registry and whole parts of a path", () => {
    const good = [
      "registry.example.com",
      "registry.example.com/",
      "localhost:5000/a",
      "registry:5000",
      "ghcr.io/a-b/c_d",
    ];
    const bad = [
      "",
      "ubuntu",
      "ringward/apt",
      "https://ghcr.io",
      "ghcr.io//a",
      "ghcr.io/A",
      "ghcr.io/a:1",
      "ghcr.io/../a",
      '"',
      "a.b/*",
    ];

    expect(good.filter((text) => readImagePrefix(text) === undefined)).toEqual([]);
    expect(bad.filter((text) => readImagePrefix(text) !== undefined)).toEqual([]);
  });

  it("allows what is under it, and not what only begins alike", () => {
    const under = (image: string): boolean => isAllowedImage(image, ["registry.example.com/ringward", "ghcr.io"]);

    expect(
      [
        "registry.example.com/ringward/apt@sha256:0",
        "registry.example.com/ringward:1@sha256:0",
        "registry.example.com/ringward@sha256:0",
        "ghcr.io/a@sha256:0",
      ].filter((image) => !under(image)),
    ).toEqual([]);
    expect(
      [
        "registry.example.com/ringward-evil/apt",
        "registry.example.com/ringwardx",
        "registry.example.com:5000/ringward/apt",
        "ghcr.io:5000/a",
        "ghcr.io.example.com/a",
      ].filter(under),
    ).toEqual([]);
  });

  it("is held against recipes by validate, each step with its place", async () => {
    let out = "";
    const output = {
      stdout: { write: (text: string) => void (out += text) },
      stderr: { write: () => undefined },
      clock: { now: () => 0 },
    };
    const folder = mkdtempSync(join(tmpdir(), "ringward-prefix-"));
    cpSync(new URL("../../policies/recipes", import.meta.url), join(folder, "recipes"), { recursive: true });
    const fine = await validate([folder, "--allow-recipe-image", "registry.example.com"], output);
    const refused = await validate([folder, "--allow-recipe-image", "ghcr.io/others"], output);
    rmSync(folder, { recursive: true });

    expect([fine, refused]).toEqual([0, 1]);
    expect(out).toMatch(
      /apt-debian\.yaml:\d+:\d+: spec\.steps\.update\.image: .* is not under ghcr\.io\/others: the cluster would refuse the job/,
    );
  });
});

describe("the sandbox", () => {
  let kubectl: Kubectl;
  beforeAll(async () => {
    kubectl = await startKubectl();
  }, 120_000);
  afterAll(() => kubectl.close());

  it("takes the export from kubectl, and is not changed by a second apply", async () => {
    const { out } = await install("--export", ...ALLOW);
    const first = (await kubectl.pipe(out, "apply", "-f", "-")).trim().split("\n");
    const again = (await kubectl.pipe(out, "apply", "-f", "-")).trim().split("\n");

    expect(first.filter((line) => !line.endsWith(" created"))).toEqual([]);
    expect(again.filter((line) => !line.endsWith(" unchanged"))).toEqual([]);
    expect(again).toHaveLength(loadAll(out).length);
  }, 120_000);
});
