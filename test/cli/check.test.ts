// `ringward check --pre` over HTTP: against the sandbox's API server, against one that refuses or says nothing, and against a real git and forge.
// What it says of a real control plane stands in test/e2e/install.test.ts.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../controller/cli/check.ts";
import { checkRepository } from "../../controller/cli/check-repository.ts";
import { systemClock } from "../../controller/clock.ts";
import { installManifests, renderManifests } from "../../controller/install/export.ts";
import { type Line, preflight } from "../../controller/install/preflight/index.ts";
import { type Answer, holds } from "../../controller/install/preflight/line.ts";
import { judgePermissions } from "../../controller/install/preflight/permissions.ts";
import { judgeApis, judgeVersion, NEEDED_APIS } from "../../controller/install/preflight/cluster.ts";
import { KINDS } from "../../controller/api/kinds.ts";
import { PERMISSIONS } from "../../controller/install/permissions.ts";
import { resourceName } from "../../controller/install/rbac.ts";
import type { ApiRequest, ApiResponse } from "../../controller/kube/port.ts";
import { type SandboxForge, startForge } from "../../controller/sandbox/forge/index.ts";
import { type Kubectl, startKubectl } from "../sandbox/apiserver/kubectl.ts";
import { makeFolder, type Ran, run } from "./plan-support.ts";

const SETTINGS = { namespace: "ringward-system", recipeImages: ["registry.example.com/ringward"] };

interface Told {
  readonly ok: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly checks: readonly Line[];
}

/** `fail permissions`, each once. */
function verdictsOf(lines: readonly Line[]): readonly string[] {
  return [...new Set(lines.map(({ name, verdict }) => `${verdict} ${name}`))];
}

describe("ringward check --pre on the sandbox", () => {
  let kubectl: Kubectl;
  let kubeconfig: string;
  beforeAll(async () => {
    kubectl = await startKubectl();
    kubeconfig = join(makeFolder(), "kubeconfig");
    writeFileSync(kubeconfig, await kubectl.run("config", "view", "--raw", "--output", "json"));
  }, 120_000);
  afterAll(() => kubectl.close());

  const check = (...args: readonly string[]): Promise<Ran> =>
    run(command, ["--pre", "--kubeconfig", kubeconfig, ...args], { clock: systemClock });
  const told = async (): Promise<Told> => JSON.parse((await check("-o", "json")).out) as Told;

  it("says before the installation what is not there yet, and that it may be installed", async () => {
    const { code, out } = await check();

    expect(code).toBe(0);
    expect(out).toMatch(/^ok +version +Kubernetes v1\.\d+\.\d+/m);
    expect(out).toMatch(/^ok +rights +\S+ may install Ringward$/m);
    expect(out).toMatch(/^warn +definitions +no kind of Ringward's is there yet\n +-> install Ringward/m);
    expect(out).toMatch(/^\d+ ok, 4 warn, 0 fail, 0 unknown$/m);
  });

  it("takes what the export made for this version's own, and finds that the sandbox runs no admission policy", async () => {
    await kubectl.pipe(renderManifests(installManifests(SETTINGS), "yaml"), "apply", "-f", "-");
    const { ok, counts, checks } = await told();

    expect(verdictsOf(checks)).toEqual([
      "ok version",
      "ok apis",
      "ok definitions",
      // Whoever asks the sandbox may do everything.
      "warn permissions",
      "ok namespace",
      "ok job namespace",
      "ok admission policies",
      "fail admission in force",
      "ok recipe images",
      "warn policy repository",
    ]);
    expect(ok).toBe(false);
    expect(counts).toEqual({ ok: 7, warn: 4, fail: 1, unknown: 0, skip: 0 });
  }, 60_000);

  it("finds what somebody took away or changed, names it and says what to do", async () => {
    await kubectl.run("delete", "validatingadmissionpolicybinding", "ringward-nodes");
    const policy = { spec: { failurePolicy: "Ignore" } };
    await kubectl.run(
      "patch",
      "validatingadmissionpolicy",
      "ringward-jobs",
      "--type",
      "merge",
      "-p",
      JSON.stringify(policy),
    );
    const labels = { metadata: { labels: { "pod-security.kubernetes.io/enforce": "baseline" } } };
    await kubectl.run("patch", "namespace", "ringward-jobs", "--type", "merge", "-p", JSON.stringify(labels));
    await kubectl.run("delete", "crd", "patchexceptions.ringward.dev");
    const recipe = {
      apiVersion: "ringward.dev/v1alpha1",
      kind: "UpdateRecipe",
      metadata: { name: "apt" },
      spec: {
        match: { product: { id: "ubuntu" } },
        strategy: "InPlace",
        steps: {
          update: {
            image: `evil.example.com/apt@sha256:${"6".repeat(64)}`,
            command: ["/apt"],
            host: "ReadWrite",
            timeout: "5m",
          },
        },
      },
    };
    await kubectl.pipe(JSON.stringify(recipe), "apply", "-f", "-");
    const { out, code } = await check();

    expect(code).toBe(1);
    expect(out).toMatch(/^fail +definitions +not served: PatchException$/m);
    expect(out).toMatch(/^fail +admission policies +ValidatingAdmissionPolicyBinding ringward-nodes is not there$/m);
    expect(out).toMatch(/^fail +admission policies +ValidatingAdmissionPolicy ringward-jobs is not what this version/m);
    expect(out).toMatch(/^fail +job namespace +the Pod Security level baseline of ringward-jobs refuses every step/m);
    expect(out).toMatch(
      /^fail +recipe images +UpdateRecipe apt, step update: evil\.example\.com.* is not under registry/m,
    );
  }, 60_000);

  it("is told how it is used", async () => {
    await expect(run(command, [])).rejects.toThrow(/say --pre/);
    await expect(run(command, ["--pre", "-o", "wide"])).rejects.toThrow(/it is text, json or yaml/);
    expect((await run(command, ["--help"])).out).toContain("It changes nothing");
  });
});

describe("an API server that does not tell", () => {
  const answering = (status: number) => ({
    request: (): Promise<ApiResponse> => Promise.resolve({ status, headers: {}, body: { message: "not for you" } }),
  });

  it.each([
    ["refuses everything", answering(403)],
    ["fails", answering(500)],
    ["cannot be reached", { request: () => Promise.reject(new Error("connection refused")) }],
  ])("and %s leaves everything unknown, and nothing ok", async (_, port) => {
    const { lines, repository } = await preflight(port, { namespace: "ringward-system" });
    const all = [
      ...lines,
      ...(await checkRepository(repository, {
        namespace: "a",
        allowInsecure: false,
        inPod: false,
        clock: systemClock,
      })),
    ];

    expect(all.length).toBeGreaterThan(10);
    expect([...new Set(all.map(({ verdict }) => verdict))]).toEqual(["unknown"]);
  });
});

describe("the controller's own account", () => {
  /** An API server with all of Ringward that tells this account what its role lets it see; `more` answers before it. */
  const asAccount = (more: (path: string) => ApiResponse | undefined = () => undefined) => ({
    request: ({ path, method, body }: ApiRequest): Promise<ApiResponse> => {
      const answer = (status: number, said: unknown): ApiResponse => ({ status, headers: {}, body: said });
      const early = more(path);
      if (early !== undefined) return Promise.resolve(early);
      const forbidden = { message: "forbidden" };
      if (path === "/version") return Promise.resolve(answer(200, { gitVersion: "v1.36.0" }));
      if (path.endsWith("/selfsubjectreviews"))
        return Promise.resolve(
          answer(201, {
            status: { userInfo: { username: "system:serviceaccount:ringward-system:ringward-controller" } },
          }),
        );
      if (path.includes("subjectaccessreviews")) {
        const { verb, group, resource, subresource } = (
          body as { readonly spec: { readonly resourceAttributes: Readonly<Record<string, string>> } }
        ).spec.resourceAttributes;
        const needed = PERMISSIONS.some(
          (one) =>
            one.resource.group === group &&
            resourceName(one) === (subresource === undefined ? resource : `${resource}/${subresource}`) &&
            one.verbs.some((known) => known === verb),
        );
        return Promise.resolve(answer(201, { status: { allowed: needed } }));
      }
      if (method === "POST")
        return Promise.resolve(answer(403, { message: "ValidatingAdmissionPolicy 'ringward-jobs'" }));
      if (/^\/apis?\/[^/]+(\/v1|\/v1alpha1)?$/.test(path))
        return Promise.resolve(answer(200, { resources: RESOURCES }));
      if (/ringward\.dev\/v1alpha1\/[a-z]+$/.test(path)) return Promise.resolve(answer(200, { items: [] }));
      return Promise.resolve(answer(403, forbidden));
    },
  });
  const RESOURCES = [
    ...[...NEEDED_APIS.values()].flatMap((names) => [...names]),
    ...KINDS.flatMap(({ plural }) => [plural, `${plural}/status`]),
  ].map((name) => ({ name }));

  it("skips what it is not meant to see, fails for nothing and leaves nothing unknown", async () => {
    const { lines, ourselves } = await preflight(asAccount(), { namespace: "ringward-system" });

    expect(ourselves).toBe(true);
    expect(verdictsOf(lines)).toEqual([
      "ok version",
      "ok apis",
      "skip definitions",
      "ok permissions",
      "skip namespace",
      "skip job namespace",
      "skip admission policies",
      "ok admission in force",
      "skip recipe images",
    ]);
  });

  it("leaves unknown what does not answer, and what it should see and may not", async () => {
    const broken = asAccount((path) => {
      if (path.endsWith("/namespaces/ringward-jobs")) return { status: 500, headers: {}, body: {} };
      return path.endsWith("/patchlevels") ? { status: 403, headers: {}, body: {} } : undefined;
    });
    const { lines } = await preflight(broken, { namespace: "ringward-system" });

    expect(lines.filter(({ verdict }) => verdict === "unknown").map(({ name }) => name)).toEqual([
      "job namespace",
      "recipe images",
    ]);
  });
});

describe("judges", () => {
  it.each([
    ["v1.30.0", "ok"],
    ["v1.36.3-gke.1", "ok"],
    ["v2.0.0", "ok"],
    ["v1.29.14", "fail"],
    ["one", "unknown"],
  ])("of a server's version: %s is %s", (gitVersion, verdict) => {
    expect(judgeVersion({ kind: "There", body: { gitVersion } }).verdict).toBe(verdict);
  });

  it("of APIs miss a subresource and a group", () => {
    const resources = ["nodes", "pods", "pods/log"].map((name) => ({ name }));
    const lines = judgeApis(
      new Map([
        ["v1", { kind: "There", body: { resources } }],
        ["apps/v1", { kind: "Absent" }],
      ]),
    ).map(({ verdict, says }) => `${verdict} ${says}`);

    expect(lines).toContain("fail v1 does not serve pods/eviction, persistentvolumes");
    expect(lines).toContain("fail apps/v1 is not served");
    expect(lines.filter((line) => line.startsWith("unknown batch/v1"))).toHaveLength(1);
  });

  it("of permissions take a review that says nothing, or is refused, for unknown, and never for allowed", () => {
    const access = { verb: "get", group: "", resource: "nodes", why: "To see them." };
    const allowed = (is: unknown) => ({ kind: "There" as const, body: { status: { allowed: is } } });
    const verdicts = (...answers: readonly Answer[]) =>
      judgePermissions([[access, allowed(true)], ...answers.map((answer) => [access, answer] as const)], []).map(
        ({ verdict }) => verdict,
      );

    expect(verdicts(allowed(true))).toEqual(["ok"]);
    expect(verdicts(allowed(false))).toEqual(["fail"]);
    expect(verdicts({ kind: "There", body: {} })).toEqual(["unknown"]);
    expect(verdicts(allowed("true"))).toEqual(["unknown"]);
    expect(verdicts({ kind: "Refused", says: "no" })).toEqual(["unknown"]);
    expect(verdicts({ kind: "Silent", says: "" }, allowed(false))).toEqual(["fail", "unknown"]);
  });

  it("of what is wanted let a server fill in fields, and nothing else", () => {
    expect(holds({ a: [{ b: 1, more: 2 }], c: 3 }, { a: [{ b: 1 }] })).toBe(true);
    expect(holds({ a: [{ b: 1 }, { b: 2 }] }, { a: [{ b: 1 }] })).toBe(false);
    expect(holds({ a: [{ b: 2 }] }, { a: [{ b: 1 }] })).toBe(false);
    expect(holds(undefined, { a: 1 })).toBe(false);
  });
});

describe("the policy repository and its forge", () => {
  const TOKEN = "check-forge-token";
  let forge: SandboxForge;
  let folder: string;
  beforeAll(async () => {
    folder = makeFolder();
    mkdirSync(join(folder, "forge"));
    const [owner, repository] = ["example", "patch-policy"];
    forge = await startForge({
      directory: join(folder, "forge"),
      clock: systemClock,
      owner,
      repository,
      tokens: { [TOKEN]: "bot" },
    });
    await forge.seed(new Map([["rings/a.yaml", "a: 1\n"]]), "policy", "bot");
    writeFileSync(join(folder, "token"), `${TOKEN}\n`);
    writeFileSync(join(folder, "wrong"), "another\n");
  });
  afterAll(() => forge.close());

  const look = async (spec: object, allowInsecure = true, inPod = false): Promise<readonly string[]> => {
    const tokenFile = join(folder, "token");
    const whole = {
      url: forge.gitUrl,
      clusterName: "check",
      auth: { tokenFile },
      forge: { kind: "GitHub", apiUrl: forge.apiUrl, owner: "example", repository: "patch-policy", tokenFile },
      ...spec,
    };
    const body = { items: [{ metadata: { name: "policy" }, spec: whole }] };
    const options = { namespace: "ringward-system", allowInsecure, inPod, clock: systemClock };
    return (await checkRepository({ kind: "There", body }, options)).map(
      ({ verdict, name, says, todo }) => `${verdict} ${name}: ${says}${todo === undefined ? "" : ` -> ${todo}`}`,
    );
  };

  it("are ok where both answer: the branch's head, its policy files, the forge's pull requests", async () => {
    const [git, asked] = await look({});

    expect(git).toMatch(/^ok git: branch main is at [0-9a-f]{12}, with 1 policy files$/);
    expect(asked).toBe("ok forge: GitHub answers for example/patch-policy: 0 open pull requests into main");
  });

  it("fail where a person has to mend something", async () => {
    expect((await look({ branch: "nobody" }))[0]).toMatch(/^fail git: .*nobody/);
    expect((await look({ path: "rings/b" }))[0]).toMatch(
      /^fail git: .*rings\/b is no folder there -> correct spec\.path/,
    );
    expect((await look({ auth: { tokenFile: join(folder, "wrong") } }))[0]).toMatch(/^fail git: /);
    expect((await look({}, false)).map((line) => line.split(":")[0])).toEqual(["fail git", "fail forge"]);
  });

  it("are skipped where the files are in the pod alone, with the way to ask there, fail in the pod, and are unknown where nobody answers", async () => {
    const missing = join(folder, "none");
    const lines = await look({ auth: { tokenFile: missing } });
    const gone = await look({ url: "http://127.0.0.1:9/none.git" });

    expect(lines[0]).toMatch(
      /^skip git: .*cannot be read.* -> .*kubectl --namespace ringward-system exec deployment\/ringward-controller -- ringward check --pre$/,
    );
    expect((await look({ auth: { tokenFile: missing } }, true, true))[0]).toMatch(
      /^fail git: .*cannot be read.* -> mount its Secret: secretMounts of the chart$/,
    );
    expect(gone[0]).toMatch(/^unknown git: /);
  });

  it("are a warning where there is none, and a failure where there are two", async () => {
    const options = { namespace: "a", allowInsecure: true, inPod: false, clock: systemClock };
    const one = { metadata: { name: "policy" }, spec: { url: forge.gitUrl, clusterName: "a" } };
    const none = await checkRepository({ kind: "There", body: { items: [] } }, options);
    const two = await checkRepository(
      { kind: "There", body: { items: [one, { ...one, metadata: { name: "b" } }] } },
      options,
    );

    expect(verdictsOf(none)).toEqual(["warn policy repository"]);
    expect(two[0]).toMatchObject({ verdict: "fail", says: "b is a second one, beside policy: one cluster has one" });
  });
});
