// Workloads that somebody else applies: an approved image level becomes a pull request where their manifests stand, and nothing else.
import { describe, expect, it } from "vitest";
import type { Forge } from "../../controller/forge/port.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import { DEPLOYMENTS } from "../../controller/kube/resources.ts";
import {
  type Born,
  createRig,
  machine,
  NEW_IMAGE,
  OLD_IMAGE,
  reasonsOf,
  type Rig,
  type RigOptions,
  ringFile,
  WEB,
} from "./rig.ts";
import { helmPath, kubectlPath } from "../tooling/kubectl.ts";

const FILE = "shop/web.yaml";
const manifest = (image: string): string => `# Owned by the shop team
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop }
spec:
  template:
    spec:
      containers:
        - name: main
          image: ${image}   # bumped by hand
`;

const baseline = (at: string, tag = "1.27.3"): string => `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: shared-images }
spec:
  target: Image
  image:
    images:
      - repository: registry.example.com/shop/nginx
        tag: ${tag}
        manifests: [${at}]
`;
const APPS = "{ ring: canary, repository: apps, path: shop, kind: PlainYaml }";
const REPOSITORY = {
  manifestRepositories: [
    {
      name: "apps",
      url: "https://git.invalid/apps.git",
      forge: { kind: "GitHub", owner: "acme", repository: "apps", tokenFile: "/run/apps/token" },
    },
  ],
};

function manage(options: RigOptions = {}): Promise<Rig> {
  return createRig({
    machines: [machine("n1")],
    workloads: [{ ...WEB, annotations: { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" } }],
    manifests: { [FILE]: manifest(OLD_IMAGE), "other/web.yaml": manifest(OLD_IMAGE) },
    repository: REPOSITORY,
    ...options,
    files: {
      "baselines/shared-images.yaml": baseline(APPS),
      "baselines/ubuntu-2204.yaml": null,
      "recipes/apt.yaml": null,
      "rings/canary.yaml": ringFile("canary").replace("    - baseline: ubuntu-2204\n", ""),
      ...options.files,
    },
  });
}

function textOf({ people }: Rig["remote"], branch: string, path = FILE): string | undefined {
  return people.text(branch, path);
}

const pulls = (rig: Rig) => rig.apps.forge.people.pulls();
const stated = (rig: Rig): readonly string[] => pulls(rig).map(({ number, state }) => `#${number} ${state}`);

async function proposed(options: RigOptions = {}): Promise<Rig> {
  const rig = await manage(options);
  await rig.until("a pull request asks for the change", () => pulls(rig).length > 0);
  return rig;
}

/** What Argo CD does: what main says is in the cluster. */
async function argo(rig: Rig, other?: string): Promise<void> {
  const image = other ?? /image: (\S+)/.exec(textOf(rig.apps.remote, "main") ?? "")?.[1];
  const body = { spec: { template: { spec: { containers: [{ name: "main", image }] } } } };
  await rig.admin.patch(DEPLOYMENTS, { namespace: "shop", name: "web" }, { type: "strategic", body });
}

describe("a workload of Argo CD in a ring that is approved for its image", () => {
  it("gets its change as a pull request, and is compliant once that is merged and applied", async () => {
    const rig = await proposed();

    const [pull] = pulls(rig);
    expect(pull).toMatchObject({ state: "open", base: "main", title: "Ring canary: nginx 1.27.3 in shop" });
    expect(pull?.head).toMatch(/^ringward\/manifests\/canary\/shared-images\/[0-9a-f]{12}-[0-9a-f]{8}$/);
    expect(textOf(rig.apps.remote, pull!.head)).toBe(manifest(NEW_IMAGE));
    expect(textOf(rig.apps.remote, pull!.head, "other/web.yaml")).toBe(manifest(OLD_IMAGE));
    expect(pull?.body).toContain("Argo CD application");
    expect(pull?.body).toContain("Deployment shop/web, container main");
    await rig.run(5);
    expect(await rig.image("web")).toBe(OLD_IMAGE);
    expect(reasonsOf(await rig.workloadState("web"))).toContain("ManagedElsewhere");

    rig.apps.forge.people.merge(pull!.number, "alice");
    await argo(rig);
    await rig.until("the ring is done", async () => (await rig.ring())["phase"] === "Done");
    expect(await rig.image("web")).toBe(NEW_IMAGE);
    await rig.run(15);
    expect([...rig.apps.remote.people.branches().keys()]).toEqual(["main"]);
    expect(stated(rig)).toEqual(["#1 merged"]);
    expect(rig.errors).toEqual([]);
    expect(await rig.violations()).toEqual([]);
  });

  it("is asked for once, and then nothing is written until something changes", async () => {
    const rig = await proposed();
    await rig.run(10);
    const operations: string[] = [];
    rig.apps.forge.onOperation(({ name, write }) => write && operations.push(name));
    rig.apps.remote.onOperation(({ name, write }) => write && operations.push(name));
    const events = rig.events.length;

    await rig.run(20);

    expect(operations).toEqual([]);
    expect(rig.events.slice(events)).toEqual([]);
  });

  it("is not asked for while the ring is not approved", async () => {
    const rig = await manage({
      files: {
        "rings/canary.yaml": ringFile("canary")
          .replace("    - baseline: ubuntu-2204\n", "")
          .replace("Automatic", "PullRequest"),
      },
    });
    await rig.until("the approval is asked for", () => rig.forge.people.pulls().length > 0);
    await rig.run(5);
    expect(pulls(rig)).toEqual([]);

    rig.forge.people.merge(1, "alice");
    await rig.until("the change is asked for", () => pulls(rig).length > 0);

    // Who merged the approval is known a little later than that it is one.
    await rig.until("it says who approved", () => pulls(rig)[0]?.body.includes("merged by alice") === true);
    expect(stated(rig)).toEqual(["#1 open"]);
  });

  it("is not asked for again where its owner said no, until somebody asks", async () => {
    const rig = await proposed();
    rig.apps.forge.people.comment(1, "bob", "not this week");
    rig.apps.forge.people.close(1, "bob");
    await rig.run(15);
    expect(stated(rig)).toEqual(["#1 closed"]);
    expect(rig.events.map(({ reason, note }) => `${reason} ${note}`)).toContainEqual(
      expect.stringMatching(/^ProposalRejected .*closed without merging by bob \(not this week\)/),
    );
    expect((await rig.ring())["manifestRejections"]).toMatchObject([
      { baseline: "shared-images", repository: "apps", path: "shop", pullRequest: 1, by: "bob", why: "not this week" },
    ]);
    const next = rig.born("ringward");
    for (let round = 0; round < 4; round += 1) {
      await next.pass();
      await rig.turn();
    }
    expect(stated(rig)).toEqual(["#1 closed"]);
    expect((await rig.ring())["manifestRejections"]).toHaveLength(1);

    rig.apps.forge.people.comment(1, "bob", "/ringward propose");
    rig.clock.advance(120_000);
    await rig.until("it is asked for again", () => pulls(rig).length === 2);
    await rig.until("it is forgotten", async () => (await rig.ring())["manifestRejections"] === undefined);
  });

  it("is withdrawn when another level takes its place, or the approval goes", async () => {
    const ring = ringFile("canary", "onSupersede: Restart").replace("    - baseline: ubuntu-2204\n", "");
    const rig = await proposed({ files: { "rings/canary.yaml": ring } });

    rig.commit({ "baselines/shared-images.yaml": baseline(APPS, "1.27.2") });
    await rig.until("the newer one is asked for", () => pulls(rig).length === 2);
    await rig.run(5);
    expect(stated(rig)).toEqual(["#1 closed", "#2 open"]);
    expect(textOf(rig.apps.remote, pulls(rig)[1]!.head)).toContain("1.27.2");

    await argo(rig);
    await rig.admin.patch(
      DEPLOYMENTS,
      { namespace: "shop", name: "web" },
      {
        type: "strategic",
        body: {
          spec: {
            template: { spec: { containers: [{ name: "main", image: NEW_IMAGE.replace("1.27.3", "1.27.2") }] } },
          },
        },
      },
    );
    await rig.until("it is no longer needed", () => stated(rig).includes("#2 closed"));
    expect(rig.events.map(({ note }) => note).join("\n")).toMatch(/no workload of ring canary/);
    expect([...rig.apps.remote.people.branches().keys()]).toEqual(["main"]);
  });

  it("is not withdrawn on the word of policy that another leader has moved on from", async () => {
    const ring = ringFile("canary", "onSupersede: Restart").replace("    - baseline: ubuntu-2204\n", "");
    const rig = await proposed({ files: { "rings/canary.yaml": ring } });
    const stop = rig.apps.forge.onOperation(({ name }) => {
      if (name === "list") rig.commit({ "notes.md": String(rig.clock.now()) });
    });
    rig.commit({ "baselines/shared-images.yaml": baseline(APPS, "1.27.2") });
    for (let round = 0; round < 12; round += 1) {
      await rig.first.pass();
      // So long that each pass asks for a list of its own.
      await rig.turn(11_000);
    }
    expect(rig.forge.people.pulls()).toEqual([]);
    expect(textOf(rig.remote, "main", "rings/canary.yaml")).toMatch(/level: shared-images-20241216/);
    expect(stated(rig)).toEqual(["#1 open"]);

    stop();
    await rig.until("the newer one is asked for", () => stated(rig).includes("#2 open"));
    expect(stated(rig)).toEqual(["#1 closed", "#2 open"]);
  });

  it("is left as it ended when it was merged and only the list is old", async () => {
    const rig = await proposed();
    const one = rig.born("ringward", {
      forge: (forge) => ({
        ...forge,
        list: async (prefix) => (await forge.list(prefix)).map((pull) => ({ ...pull, state: "open" })),
      }),
    });
    rig.apps.forge.people.merge(1, "alice");
    await argo(rig);
    for (let round = 0; round < 8; round += 1) {
      await one.pass();
      await rig.turn();
    }

    expect(pulls(rig)[0]).toMatchObject({
      state: "merged",
      comments: [],
      body: expect.not.stringContaining('"closed":'),
    });
    expect(rig.events.filter(({ reason }) => reason === "ProposalClosed")).toEqual([]);
  });

  it("keeps a person's commits on the branch", async () => {
    const rig = await proposed();
    const { head } = pulls(rig)[0]!;
    const theirs = rig.apps.remote.people.commitFiles(
      head,
      { [FILE]: `${manifest(NEW_IMAGE)}# mine\n` },
      { message: "mine", time: rig.clock.now() },
    );

    rig.apps.remote.people.commitFiles(
      "main",
      { "other/new.yaml": "a: 1\n" },
      { message: "moved", time: rig.clock.now() },
    );
    await rig.run(20);

    expect(rig.apps.remote.people.head(head)).toBe(theirs);
    expect(rig.events.map(({ note }) => note).join("\n")).toMatch(/commits that are not Ringward's/);
  });

  it("is recomputed when the base changes the same file", async () => {
    const rig = await proposed();
    const { head } = pulls(rig)[0]!;

    rig.apps.remote.people.commitFiles(
      "main",
      { [FILE]: `${manifest(OLD_IMAGE)}# more\n` },
      { message: "moved", time: rig.clock.now() },
    );
    await rig.until(
      "the branch stands on it",
      () => textOf(rig.apps.remote, head) === `${manifest(NEW_IMAGE)}# more\n`,
    );

    expect(stated(rig)).toEqual(["#1 open"]);
  });

  it("shows what a real kubectl renders of a kustomization, before and after", async () => {
    const rig = await proposed({
      kubectl: await kubectlPath(),
      manifests: { "shop/kustomization.yaml": "resources: [web.yaml]\n", [FILE]: manifest(OLD_IMAGE) },
      files: { "baselines/shared-images.yaml": baseline(APPS.replace("PlainYaml", "Kustomize")) },
    });

    const [pull] = pulls(rig);
    expect(textOf(rig.apps.remote, pull!.head, "shop/kustomization.yaml")).toBe(
      `resources: [web.yaml]\nimages:\n  - name: ${NEW_IMAGE.split(":")[0]}\n    newTag: 1.27.3\n`,
    );
    expect(pull?.body).toContain(
      `Rendered before and after, only images differ:\n\n- \`Deployment shop/web: ${OLD_IMAGE} to ${NEW_IMAGE}\``,
    );
  }, 300_000);

  it("shows what a real helm renders of a chart, before and after", async () => {
    const [name = ""] = NEW_IMAGE.split(":");
    const values = (tag: string): string => `image: { repository: ${name}, tag: ${tag} }\n`;
    const rig = await proposed({
      helm: await helmPath(),
      manifests: {
        "shop/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        "shop/values.yaml": values("1.27.1"),
        "shop/templates/web.yaml": manifest('"{{ .Values.image.repository }}:{{ .Values.image.tag }}"'),
      },
      files: {
        "baselines/shared-images.yaml": baseline(
          "{ ring: canary, repository: apps, path: shop/values.yaml, kind: HelmValues, valuePaths: { tag: image.tag } }",
        ),
      },
    });

    const [pull] = pulls(rig);
    expect(textOf(rig.apps.remote, pull!.head, "shop/values.yaml")).toBe(values("1.27.3"));
    expect(pull?.body).toContain(
      `Rendered before and after, only images differ:\n\n- \`Deployment shop/web: ${name}:1.27.1 to ${NEW_IMAGE}\``,
    );
  }, 300_000);

  it("can have its manifests in the policy repository", async () => {
    const rig = await manage({
      repository: {},
      files: {
        "baselines/shared-images.yaml": baseline("{ ring: canary, path: apps/web.yaml, kind: PlainYaml }"),
        "apps/web.yaml": manifest(OLD_IMAGE),
      },
    });

    await rig.until("a pull request asks for it", () => rig.forge.people.pulls().length > 0);

    const [pull] = rig.forge.people.pulls();
    expect(textOf(rig.remote, pull!.head, "apps/web.yaml")).toBe(manifest(NEW_IMAGE));
  });

  it.each([
    ["an unknown repository", baseline(APPS.replace("apps", "elsewhere")), /ReferenceMissing .*has no "elsewhere"/],
    [
      "manifests that cannot be edited",
      baseline(APPS.replace("shop", "none")),
      /PolicyInvalid .*RW1122|PolicyInvalid .*no manifest under/,
    ],
  ])("says once why it is not asked for: %s", async (_, text, message) => {
    const rig = await manage({ files: { "baselines/shared-images.yaml": text } });
    await rig.run(15);

    const told = rig.events.map(({ reason, note }) => `${reason} ${note}`).filter((one) => message.test(one));
    expect(told).toHaveLength(1);
    expect(pulls(rig)).toEqual([]);
  });

  it.each(["failBefore", "loseReply"] as const)(
    "ends the same whichever write fails (%s), and never twice",
    async (fault) => {
      for (let nth = 1; nth <= 3; nth += 1) {
        const rig = await manage();
        let writes = 0;
        rig.apps.remote.setFault(({ write }) => (write && ++writes === nth ? fault : "none"));
        rig.apps.forge.setFault(({ write }) => (write && ++writes === nth ? fault : "none"));

        await rig.until("a pull request asks for it", () => pulls(rig).length > 0 && writes >= nth);
        await rig.run(10);

        expect(stated(rig)).toEqual(["#1 open"]);
        expect(textOf(rig.apps.remote, pulls(rig)[0]!.head)).toBe(manifest(NEW_IMAGE));
      }
    },
  );
});

async function rounds(rig: Rig, one: Born, count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    await one.pass();
    await rig.turn();
  }
}

describe("a forge that commits in our account's name", () => {
  it("is asked to change manifests, too, and git is not", async () => {
    const rig = await manage();
    const author = { name: "App", email: "app@rig.invalid" };
    const [policy, apps] = [rig.remote, rig.apps.remote].map((remote) =>
      remote.open({ branch: "main", author, name: "app" }),
    );
    const pushed: string[] = [];
    const forge = (inner: Forge): Forge => ({
      ...inner,
      push: async (commit) => {
        const repository = commit.branch.startsWith("ringward/manifests/") ? apps! : policy!;
        await repository.fetch();
        pushed.push(commit.branch);
        return repository.push(commit);
      },
    });
    const git = (inner: PolicyGit): PolicyGit => ({ ...inner, push: () => Promise.reject(new Error("git was asked")) });
    const one = rig.born("ringward", { forge, git });
    await rounds(rig, one, 12);

    const [pull] = pulls(rig);
    expect(stated(rig)).toEqual(["#1 open"]);
    expect(pushed).toEqual(["main", pull!.head]);
    expect(textOf(rig.apps.remote, pull!.head)).toBe(manifest(NEW_IMAGE));
    const [entry] = await apps!.log(undefined, rig.apps.remote.people.head(pull!.head)!, 1);
    expect(entry?.author).toBe("App <app@rig.invalid>");

    // Known as ours, it is made anew on a base that moved.
    rig.apps.remote.people.commitFiles(
      "main",
      { [FILE]: `${manifest(OLD_IMAGE)}# more\n` },
      { message: "moved", time: rig.clock.now() },
    );
    await rounds(rig, one, 12);
    expect(textOf(rig.apps.remote, pull!.head)).toBe(`${manifest(NEW_IMAGE)}# more\n`);
    expect(pushed).toEqual(["main", pull!.head, pull!.head]);
    expect(rig.errors).toEqual([]);
  });
});

describe("manifests in a repository without a forge", () => {
  const branchesOf = (rig: Rig): readonly string[] =>
    [...rig.apps.remote.people.branches().keys()].filter((name) => name !== "main");
  const bare = async (options: RigOptions = {}): Promise<{ readonly rig: Rig; readonly one: Born }> => {
    const rig = await manage(options);
    const one = rig.born("ringward", { forge: () => undefined });
    await rounds(rig, one, 12);
    return { rig, one };
  };

  it("get a branch with the change and a page, once, and it goes when it is merged", async () => {
    const { rig, one } = await bare();
    const [branch = "", ...others] = branchesOf(rig);
    const page = `evidence/canary/shared-images-manifests-${branch.slice(-8)}.md`;

    expect(others).toEqual([]);
    expect(textOf(rig.apps.remote, branch)).toBe(manifest(NEW_IMAGE));
    expect(textOf(rig.apps.remote, branch, page)).toContain("Deployment shop/web, container main");
    expect(textOf(rig.apps.remote, "main", page)).toBeUndefined();
    expect(rig.events.filter(({ note }) => note.includes("merge it with git"))).toHaveLength(1);
    const tip = rig.apps.remote.people.head(branch);
    await rounds(rig, one, 5);
    await rounds(rig, rig.born("ringward", { forge: () => undefined }), 5);
    expect(rig.apps.remote.people.head(branch)).toBe(tip);

    rig.apps.remote.people.merge(branch, "main", { mode: "mergeCommit", time: rig.clock.now(), message: "yes" });
    await argo(rig);
    await rounds(rig, one, 20);

    expect(await rig.image("web")).toBe(NEW_IMAGE);
    expect(branchesOf(rig)).toEqual([]);
    expect(rig.errors).toEqual([]);
  });

  it("keep a person's commits, and have a deleted branch made anew", async () => {
    const { rig, one } = await bare();
    const [branch = ""] = branchesOf(rig);
    rig.apps.remote.people.deleteBranch(branch);
    await rounds(rig, one, 12);
    expect(branchesOf(rig)).toEqual([branch]);

    const mine = rig.apps.remote.people.commitFiles(
      branch,
      { [FILE]: manifest("mine:1") },
      { message: "mine", time: rig.clock.now() },
    );
    await rounds(rig, one, 12);
    expect(rig.apps.remote.people.head(branch)).toBe(mine);
    expect(rig.events.map(({ note }) => note).join("\n")).toMatch(/commits that are not Ringward's/);
  });

  it("have it withdrawn when nothing lacks it any more, and stand in the policy repository as well", async () => {
    const { rig, one } = await bare({
      repository: {},
      files: {
        "baselines/shared-images.yaml": baseline("{ ring: canary, path: apps/web.yaml, kind: PlainYaml }"),
        "apps/web.yaml": manifest(OLD_IMAGE),
      },
    });
    const mine = (): readonly string[] =>
      [...rig.remote.people.branches().keys()].filter((name) => name.startsWith("ringward/manifests/"));
    const [branch = ""] = mine();
    expect(textOf(rig.remote, branch, "apps/web.yaml")).toBe(manifest(NEW_IMAGE));
    expect(rig.remote.people.text(branch, `evidence/canary/shared-images-manifests-${branch.slice(-8)}.md`)).toContain(
      "What changes",
    );

    await argo(rig, NEW_IMAGE);
    await rounds(rig, one, 12);
    expect(mine()).toEqual([]);
    expect(rig.events.map(({ note }) => note).join("\n")).toMatch(/no workload of ring canary/);
  });
});
