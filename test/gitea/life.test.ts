// The whole life of promotions on a real Gitea: the real controller proposes, people answer by Gitea's API or by git, and the sandbox's cluster
// follows. One story in order: each test begins where the one before ended.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RolloutRingStatus } from "../../controller/api/rollout-ring.ts";
import { POLICY_REPOSITORIES, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import { type ApiPull, BOT, type Stage, startStage } from "./support/stage.ts";

const BASELINE = "baselines/nginx.yaml";

const baseline = (tag: string): string => `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata:
  name: nginx
spec:
  target: Image
  image:
    images:
      - { repository: registry.example.com/shop/nginx, tag: ${tag} }
`;

const ring = (name: string, lines: readonly string[]): string => `# Ring ${name}.
apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata:
  name: ${name}
spec:
${lines.map((line) => `  ${line}\n`).join("")}  members:
    workloads:
      selector: { matchLabels: { life.example/ring: ${name} } }
      mode: Patch
  budget: { workloads: 8, maxFailures: 0 }
  soak: 1m
  # What this ring is approved to run. A promotion changes only these lines.
  levels:
    - baseline: nginx # the shop's
`;

const POLICY = {
  "README.md": "# Patch policy\n",
  [BASELINE]: baseline("1.27.2"),
  "rings/canary.yaml": ring("canary", ["promotion: Automatic", "onSupersede: Restart"]),
  "rings/early.yaml": ring("early", ["after: [canary]"]),
  "rings/broad.yaml": ring("broad", ["after: [early]"]),
};

describe("the life of promotions on Gitea", () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage(POLICY);
  });
  afterAll(() => stage?.stop());

  /** The open proposal for a ring, once there is one about that tag. */
  const proposal = (name: string, tag: string): Promise<ApiPull> =>
    stage.until(`a proposal of ${tag} for ${name}`, async () =>
      (await stage.pulls()).find(
        (pull) => pull.state === "open" && pull.head.label.startsWith(`ringward/${name}/`) && pull.body.includes(tag),
      ),
    );
  const pull = async (number: number): Promise<ApiPull> =>
    (await stage.call("alice", "GET", `/pulls/${number}`)) as ApiPull;
  const runs = (name: string, tag: string): Promise<true> =>
    stage.until(`${name} runs ${tag}`, async () => {
      const found = await stage.images(name);
      return found.size === 1 && found.has(tag) ? true : undefined;
    });
  const demand = (tag: string): Promise<void> => stage.edit(BASELINE, () => baseline(tag), `nginx ${tag}`);
  /** A person approves, and merges as soon as Gitea has checked it. */
  async function merge(number: number, method: "merge" | "squash" | "rebase"): Promise<void> {
    await stage.call("bob", "POST", `/pulls/${number}/reviews`, { event: "APPROVED", body: "Fine." });
    await stage.until(`#${number} is merged`, async () => {
      const taken = await stage.call("alice", "POST", `/pulls/${number}/merge`, { Do: method }).then(
        () => true,
        (error: unknown) => {
          if (!/try again/.test(String(error))) throw error;
          return undefined;
        },
      );
      return taken;
    });
    await stage.poke();
  }
  const statusOf = async (name: string): Promise<RolloutRingStatus> =>
    ((await stage.client.get(ROLLOUT_RINGS, { name }))?.status ?? {}) as RolloutRingStatus;
  const comments = async (number: number): Promise<readonly string[]> =>
    ((await stage.call("alice", "GET", `/issues/${number}/comments`)) as readonly { readonly body: string }[]).map(
      ({ body }) => body,
    );
  /** Entry of nginx in a ring's file. */
  const entryOf = async (name: string): Promise<string> =>
    /- baseline: nginx[^]*$/.exec(await stage.tracked(`rings/${name}.yaml`))?.[0] ?? "";

  it("starts in the first ring by a commit of its own, and opens a pull request for the second", async () => {
    await runs("canary", "1.27.2");

    const opened = await proposal("early", "1.27.2");

    expect(opened).toMatchObject({ state: "open", user: { login: BOT }, base: { ref: "main" }, merged: false });
    await stage.until("its label", async () =>
      (await pull(opened.number)).labels.some(({ name }) => name === "ringward") ? true : undefined,
    );
    expect(await entryOf("canary")).toMatch(/level: nginx-\d{8}-[0-9a-f]{12}/);
    expect(await entryOf("early")).toBe("- baseline: nginx # the shop's\n");
    expect(await stage.images("early")).toEqual(new Set(["1.27.1"]));
    const verdict = await stage.until("the verdict on its commit", async () =>
      (
        (await stage.call("alice", "GET", `/commits/${opened.head.sha}/statuses`)) as readonly {
          readonly context: string;
          readonly status: string;
        }[]
      ).find(({ context }) => context === "ringward/plan"),
    );
    expect(verdict.status).toBe("success");
  });

  it("rewrites the same pull request when its evidence changes", async () => {
    const before = await proposal("early", "1.27.2");
    await stage.edit("rings/early.yaml", (text) => text.replace("soak: 1m", "soak: 2m"), "Soak longer");
    await stage.edit("rings/early.yaml", (text) => text.replace("workloads: 8", "workloads: 6"), "Fewer at once");

    const after = await stage.until("another body", async () => {
      const now = await pull(before.number);
      return now.body === before.body ? undefined : now;
    });

    expect(after).toMatchObject({ number: before.number, state: "open" });
    expect((await stage.pulls()).filter(({ state }) => state === "open")).toHaveLength(1);
  });

  it("supersedes it when a newer level has soaked in the ring before", async () => {
    const old = await proposal("early", "1.27.2");

    await demand("1.27.3");

    const next = await proposal("early", "1.27.3");
    expect(next.number).toBeGreaterThan(old.number);
    const closed = await stage.until("the old one is closed", async () => {
      const now = await pull(old.number);
      return now.state === "closed" ? now : undefined;
    });
    expect(closed.merged).toBe(false);
    expect((await comments(old.number)).join("\n")).toMatch(/Ringward closes this/);
    expect((await stage.pulls()).filter(({ state }) => state === "open")).toHaveLength(1);
  });

  it("takes a closing by a person for a refusal, with who and why, and does not ask again", async () => {
    const { number } = await proposal("early", "1.27.3");
    await stage.call("bob", "POST", `/issues/${number}/comments`, { body: "Not before the sale." });
    await stage.call("bob", "PATCH", `/pulls/${number}`, { state: "closed" });
    await stage.poke();

    const rejection = await stage.until("the refusal in the ring's status", async () =>
      (await statusOf("early")).rejections?.find((one) => one.pullRequest === number),
    );

    expect(rejection).toMatchObject({ baseline: "nginx", by: "bob", why: expect.stringContaining("sale") as string });
    // Long enough for many passes.
    const from = stage.sandbox.clock.now();
    await stage.until("ten minutes of policy time", async () =>
      stage.sandbox.clock.now() - from > 10 * 60_000 ? true : undefined,
    );
    expect((await stage.pulls()).filter(({ state }) => state === "open")).toEqual([]);
    expect(await stage.images("early")).toEqual(new Set(["1.27.1"]));
  });

  it("takes a squashed merge for the approval, rolls out, and proposes for the last ring", async () => {
    await demand("1.27.4");
    const { number } = await proposal("early", "1.27.4");

    await merge(number, "squash");

    await runs("early", "1.27.4");
    expect(await entryOf("early")).toMatch(/level: nginx-\d{8}-[0-9a-f]{12}/);
    await proposal("broad", "1.27.4");
  });

  it("takes a rebased merge for the approval, too", async () => {
    const { number } = await proposal("broad", "1.27.4");

    await merge(number, "rebase");

    expect(await runs("broad", "1.27.4")).toBe(true);
  });

  it("takes a merge commit for the approval, too, and tells on the pull request how it went and who said so", async () => {
    await demand("1.27.5");
    const { number } = await proposal("early", "1.27.5");

    await merge(number, "merge");

    await runs("early", "1.27.5");
    const told = await stage.until("what became of it", async () =>
      (await comments(number)).find((body) => body.includes("✅ Done")),
    );
    expect(told).toMatch(/^<!-- ringward-progress nginx -->\n### ✅ Done: (\d+) of \1 targets of ring `early`/);
    const { levels = [] } = await statusOf("early");
    expect(levels.find(({ approval }) => approval?.pullRequest === number)?.approval).toMatchObject({
      mergedBy: "alice",
      approvedBy: ["bob"],
    });
    await proposal("broad", "1.27.5");
  });

  it("goes back when the approval is reverted, closes what rested on it, and does not propose it again", async () => {
    const { number } = await proposal("broad", "1.27.5");
    await stage.checkout.fetch();
    const before = await stage.checkout.git([
      "log",
      "--format=%H",
      "-2",
      "refs/remotes/origin/main",
      "--",
      "rings/early.yaml",
    ]);
    const [, earlier = ""] = before.trim().split("\n");
    const text = await stage.checkout.git(["show", `${earlier}:rings/early.yaml`]);

    await stage.edit("rings/early.yaml", () => text, "Revert: promote early");

    await runs("early", "1.27.4");
    await stage.until("the next ring's proposal is closed", async () =>
      (await pull(number)).state === "closed" ? true : undefined,
    );
    expect((await pull(number)).merged).toBe(false);
    const from = stage.sandbox.clock.now();
    await stage.until("ten minutes of policy time", async () =>
      stage.sandbox.clock.now() - from > 10 * 60_000 ? true : undefined,
    );
    expect((await stage.pulls()).filter(({ state }) => state === "open")).toEqual([]);
  });

  it("lets an expedited entry overtake the soak of the ring before", async () => {
    await stage.edit("rings/canary.yaml", (text) => text.replace("soak: 1m", "soak: 7d"), "Soak for a week");
    await demand("1.27.6");
    await runs("canary", "1.27.6");
    const level = /level: (\S+)/.exec(await entryOf("canary"))?.[1] ?? "";
    const until = new Date(stage.sandbox.clock.now() + 7 * 24 * 3_600_000).toISOString();
    const expedite = `expedite: { reason: "CVE-2026-0001", until: "${until}", skip: [Soak] }`;

    await stage.edit(
      "rings/early.yaml",
      (text) => text.replace(/level: \S+/, `level: ${level}\n      ${expedite}`),
      "Emergency: nginx 1.27.6 in early",
    );

    await runs("early", "1.27.6");
    expect(
      (await stage.pulls()).some(({ state, head }) => state === "open" && head.label.startsWith("ringward/early/")),
    ).toBe(false);
  });

  it("stops at a rewritten history, and goes on when a person accepts the new head", async () => {
    await stage.checkout.fetch();
    const [tree = "", parent = ""] = (
      await stage.checkout.git(["rev-parse", "refs/remotes/origin/main^{tree}", "refs/remotes/origin/main^1"])
    ).split("\n");
    const head = (await stage.checkout.git(["commit-tree", tree, "-p", parent, "-m", "The same, but rebased"])).trim();
    await stage.checkout.push(head, "main", "force");
    await stage.poke();
    const condition = async (type: string) => {
      const { conditions = [] } = ((await stage.client.get(POLICY_REPOSITORIES, { name: "policy" }))?.status ?? {}) as {
        readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
      };
      return conditions.find((one) => one.type === type);
    };
    await stage.until("HistoryRewritten", async () =>
      (await condition("Ready"))?.reason === "HistoryRewritten" ? true : undefined,
    );
    await stage.edit(BASELINE, () => baseline("1.27.7"), "nginx 1.27.7");
    expect(await stage.images("canary")).toEqual(new Set(["1.27.6"]));
    await stage.checkout.fetch();
    const accepted = (await stage.checkout.git(["rev-parse", "refs/remotes/origin/main"])).trim();

    await stage.client.patch(
      POLICY_REPOSITORIES,
      { name: "policy" },
      { type: "merge", body: { spec: { acknowledgedCommit: accepted } } },
    );

    await stage.until("Ready again", async () => ((await condition("Ready"))?.status === "True" ? true : undefined));
    await runs("canary", "1.27.7");
  });
});
