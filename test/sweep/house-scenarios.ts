// Rollouts whose matter is the repository and its forge: small fleets, and every write that the product can make to Git or a forge in at
// least one of them. What people do is scripted by what they see, so that it is the same whenever a controller gets there.
import type { Plan } from "../../controller/core/rollout/plan.ts";
import { CALENDAR, fleetOf, type RingRow } from "./scenario.ts";
import { START } from "./pace.ts";
import { DEPLOYMENTS } from "../../controller/kube/resources.ts";
import type { Deed, House, Scenario, Stage } from "./stage.ts";
import { QUICKSTART_IMAGES, WORKLOAD_RING_LABEL } from "../../controller/sandbox/fleet/quickstart.ts";

const { nginx, redis } = QUICKSTART_IMAGES;
const OLD_NGINX = `${nginx.repository}:${nginx.old}`;
const LATER = 20_000;

type Pull = ReturnType<House["forge"]["people"]["pulls"]>[number];

/** The policy repository of a stage in memory. */
function houseOf({ house }: Stage): House {
  if (house === undefined) throw new Error("this scenario needs a stage in memory");
  return house;
}

function appsOf({ apps }: Stage): House {
  if (apps === undefined) throw new Error("this scenario needs a stage in memory");
  return apps;
}

function baseline(tag: string, manifests = ""): string {
  return `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: images }
spec:
  target: Image
  image:
    images:
      - repository: ${nginx.repository}
        tag: ${tag}
${manifests === "" ? "" : `        manifests: [${manifests}]\n`}`;
}

function ring(name: string, lines = "", promotion = "PullRequest"): string {
  return `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata: { name: ${name} }
spec:
${lines}  members:
    workloads:
      selector: { matchLabels: { ${WORKLOAD_RING_LABEL}: ${name} } }
      mode: Patch
  budget: { workloads: 1 }
  completion: { onEmpty: Pass }
  soak: 10s
  promotion: ${promotion}
  levels:
    - baseline: images
`;
}

const workload = (name: string, of: RingRow["ring"], annotations?: Readonly<Record<string, string>>): RingRow => ({
  kind: "Deployment",
  namespace: "shop",
  name,
  replicas: 1,
  image: `${nginx.repository}:${nginx.old}`,
  ring: of,
  ...(annotations === undefined ? {} : { annotations }),
});

const pullsOf = (stage: Stage): readonly Pull[] => houseOf(stage).forge.people.pulls();
const isOurs = ({ head }: Pull): boolean => head.startsWith("ringward/");

const isPlace = ({ head }: Pull): boolean => head.startsWith(MANIFESTS_PREFIX);

/** Merges what was asked for a while ago, and is green where it has a check. */
async function mergeOld(stage: Stage, house = houseOf(stage), which = isOurs): Promise<void> {
  const { people } = house.forge;
  for (const pull of people.pulls())
    if (which(pull) && isOld(stage, pull) && (isPlace(pull) || isGreen(stage, pull))) people.merge(pull.number, "ana");
}

/** Its check says that the plan still is what it shows. */
function isGreen(stage: Stage, { headSha }: Pull): boolean {
  return houseOf(stage).forge.people.statuses(headSha).at(-1)?.state === "success";
}

function areDone({ rings }: Plan): boolean {
  return rings.every(({ phase }) => phase === "Done");
}

/** A person's pull request, from a repository of their own. */
function offer(stage: Stage, head: string, files: Readonly<Record<string, string>>): void {
  const { remote, forge } = houseOf(stage);
  const headSha = remote.people.commitFiles(head, files, { message: "mine", time: START, from: "main" });
  remote.people.deleteBranch(head);
  forge.people.openFromFork({ fork: "ana/policy", head, headSha, base: "main", title: "Mine", by: "ana" });
}

const hasComment = (pull: Pull, text: string): boolean => pull.comments.some(({ body }) => body.includes(text));

const TALK_DEEDS: readonly Deed[] = [
  {
    name: "the ring that is asked for gets office hours",
    isDue: (stage) => pullsOf(stage).some((pull) => pull.state === "open" && isOurs(pull)),
    act: (stage) =>
      commit(stage, {
        "calendars/weekdays.yaml": CALENDAR,
        "rings/early.yaml": ring("early", "  after: [canary]\n  calendarRefs: [{ name: weekdays }]\n"),
      }),
  },
  {
    name: "another process of ours said the progress at the same time",
    isDue: (stage) => pullsOf(stage).some((pull) => hasComment(pull, "<!-- ringward-progress")),
    act(stage) {
      const pull = pullsOf(stage).find((one) => hasComment(one, "<!-- ringward-progress"));
      const marker = /<!-- ringward-progress \S+ -->/.exec(JSON.stringify(pull?.comments))?.[0];
      if (pull !== undefined && marker !== undefined)
        houseOf(stage).forge.people.comment(pull.number, "ringward", `${marker}\nat the same time`);
    },
  },
  {
    name: "another process of ours opened the tracking issue at the same time",
    isDue: (stage) => houseOf(stage).forge.people.issues().length > 0,
    act(stage) {
      const [issue] = houseOf(stage).forge.people.issues();
      if (issue !== undefined) houseOf(stage).forge.people.openIssue("ringward", issue.title, issue.body);
    },
  },
];

/** Everything that is said: proposals with their checks and progress, the tracking issue, and a person's own pull request. */
export const TALK: Scenario = {
  fleet: () =>
    fleetOf([["ubuntu-1", "ubuntu", "canary", "zone-a"]], [workload("docs", "canary"), workload("web", "early")]),
  policy: () =>
    Promise.resolve({
      "baselines/images.yaml": baseline(nginx.current),
      "rings/canary.yaml": ring("canary", "", "Automatic"),
      "rings/early.yaml": ring("early", "  after: [canary]\n"),
    }),
  limits: { nodes: 1, workloads: 2, nodesPerZone: 1 },
  repository: { proposals: { trackingIssue: true } },
  prepare(stage) {
    offer(stage, "topic", { "rings/early.yaml": ring("early", "  after: [canary]\n  deferral: 1h\n") });
    // On the line at which the ring's entry will be written.
    const text = ring("early", "  after: [canary]\n");
    offer(stage, "clash", { "rings/early.yaml": `${text}      enforce: Exact\n` });
    return Promise.resolve();
  },
  answer: (stage) => mergeOld(stage),
  deeds: TALK_DEEDS,
  last: { ring: "early", levels: 1 },
  house: {},
  quietPasses: 5,
  isDone: (stage, plan) => areDone(plan) && pullsOf(stage).every((pull) => pull.state !== "open" || !isOurs(pull)),
};

/** How old a pull request or branch is, told by when it was first seen open. */
function isOld(stage: Stage, pull: Pull | undefined): boolean {
  return pull?.state === "open" && stage.clock.now() - Date.parse(pull.createdTime) >= LATER;
}

function commit(stage: Stage, files: Readonly<Record<string, string>>, house = houseOf(stage)): void {
  const time = stage.clock.now();
  house.remote.people.commitFiles("main", files, { message: "a person's change", time });
}

/** Of a ring's proposals the one whose number in the order of opening is given, from 0. */
function proposalOf(stage: Stage, prefix: string, place: number, house = houseOf(stage)): Pull | undefined {
  return house.forge.people.pulls().filter(({ head }) => head.startsWith(prefix))[place];
}

function statusOf(stage: Stage, name: string): Readonly<Record<string, unknown>> {
  const ring = stage.cluster.server.store.snapshot().tables.get("rolloutrings.ringward.dev")?.objects.get(name);
  return (ring?.status ?? {}) as Readonly<Record<string, unknown>>;
}

const isRefused = (stage: Stage, name: string): boolean =>
  ((statusOf(stage, name)["rejections"] ?? []) as readonly unknown[]).length > 0;

const EARLY = "ringward/early/images/";
const LATE_JOINERS = ["one", "two", "three", "four"];

async function join(stage: Stage, names: readonly string[], of: string): Promise<void> {
  for (const name of names)
    await stage.admin.patch(
      DEPLOYMENTS,
      { namespace: "shop", name },
      { type: "merge", body: { metadata: { labels: { [WORKLOAD_RING_LABEL]: of } } } },
    );
}

/** What people answer: no, ask again, something newer, and more targets than were approved. Commits are made by the forge. */
export const ANSWERS: Scenario = {
  fleet: () =>
    fleetOf(
      [["ubuntu-1", "ubuntu", "canary", "zone-a"]],
      [workload("docs", "canary"), workload("web", "early"), ...LATE_JOINERS.map((name) => workload(name, "broad"))],
    ),
  policy: () =>
    Promise.resolve({
      "baselines/images.yaml": baseline(nginx.current),
      "rings/canary.yaml": ring("canary", "  onSupersede: Restart\n", "Automatic"),
      "rings/early.yaml": ring("early", "  after: [canary]\n"),
    }),
  limits: { nodes: 1, workloads: 2, nodesPerZone: 1 },
  prepare: () => Promise.resolve(),
  async answer(stage) {
    // The first is refused and the second is overtaken by something newer.
    const [, second] = [0, 1].map((place) => proposalOf(stage, EARLY, place));
    if (second !== undefined && second.state !== "open") await mergeOld(stage);
  },
  deeds: [
    {
      name: "ana refuses the first",
      isDue: (stage) => isOld(stage, proposalOf(stage, EARLY, 0)),
      act(stage) {
        const { people } = houseOf(stage).forge;
        const number = proposalOf(stage, EARLY, 0)?.number ?? 0;
        people.comment(number, "ana", "not this week");
        people.close(number, "ana");
      },
    },
    {
      name: "ana wants to be asked again",
      isDue: (stage) => isRefused(stage, "early"),
      act: (stage) =>
        houseOf(stage).forge.people.comment(proposalOf(stage, EARLY, 0)?.number ?? 0, "ana", "/ringward propose"),
    },
    {
      name: "the baseline wants something newer",
      isDue: (stage) => isOld(stage, proposalOf(stage, EARLY, 1)),
      act: (stage) => commit(stage, { "baselines/images.yaml": baseline("1.27.2") }),
    },
    {
      name: "more workloads join than were approved",
      isDue: (stage) => proposalOf(stage, EARLY, 2)?.state === "merged" && statusOf(stage, "early")["phase"] === "Done",
      act: (stage) => join(stage, LATE_JOINERS, "early"),
    },
  ],
  last: { ring: "early", levels: 1 },
  house: { commits: true },
  quietPasses: 5,
  isDone: (stage, plan) => areDone(plan) && pullsOf(stage).every(({ state }) => state !== "open"),
};

/** A pull request whose page is of the level that holds a tag, as its branch does. */
function asksFor(stage: Stage, pull: Pull | undefined, tag: string): boolean {
  if (pull === undefined) return false;
  const { tree } = houseOf(stage).remote.people.commit(pull.headSha);
  return [...tree].some(
    ([path, file]) =>
      path.startsWith("levels/") &&
      file.bytes.toString("utf8").includes(`tag: ${tag}`) &&
      pull.title.includes(path.slice("levels/".length, -".yaml".length)),
  );
}

const OWN = "ringward/_automatic/canary";

/** The tracked branch takes no push: Automatic rings go through pull requests of our own, which people may hold up and take away. */
export const PROTECTED: Scenario = {
  fleet: () => fleetOf([["ubuntu-1", "ubuntu", "canary", "zone-a"]], [workload("docs", "canary")]),
  policy: () =>
    Promise.resolve({
      "baselines/images.yaml": baseline(nginx.current),
      "rings/canary.yaml": ring("canary", "", "Automatic"),
    }),
  limits: { nodes: 1, workloads: 2, nodesPerZone: 1 },
  prepare(stage) {
    houseOf(stage).forge.people.setRules({ protection: "1 approving review is required" });
    return Promise.resolve();
  },
  async answer(stage) {
    await mergeOld(stage, houseOf(stage), (pull) => isOurs(pull) && pull.head !== OWN);
  },
  deeds: [
    {
      name: "the first is approved",
      isDue: (stage) => isOld(stage, proposalOf(stage, OWN, 0)),
      act: (stage) => houseOf(stage).forge.people.setRules({ protection: undefined }),
    },
    {
      name: "the baseline wants something newer, which nobody approves",
      isDue: (stage) => proposalOf(stage, OWN, 0)?.state === "merged" && statusOf(stage, "canary")["phase"] === "Done",
      act(stage) {
        houseOf(stage).forge.people.setRules({ protection: "1 approving review is required" });
        commit(stage, { "baselines/images.yaml": baseline("1.27.2") });
      },
    },
    {
      name: "and something newer still",
      isDue: (stage) => isOld(stage, proposalOf(stage, OWN, 1)),
      act: (stage) =>
        commit(stage, { "baselines/images.yaml": baseline(nginx.current, "").replace("1.27.3", "1.27.4") }),
    },
    {
      name: "the ring is not automatic any more",
      isDue: (stage) => asksFor(stage, proposalOf(stage, OWN, 1), "1.27.4"),
      act(stage) {
        const text = houseOf(stage).remote.people.text("main", "rings/canary.yaml") ?? "";
        commit(stage, { "rings/canary.yaml": text.replace("Automatic", "PullRequest") });
      },
    },
  ],
  last: { ring: "canary", levels: 1 },
  house: { isProtected: true },
  quietPasses: 5,
  isDone: (stage, plan) => areDone(plan) && pullsOf(stage).every(({ state }) => state !== "open"),
};

function branchesOf(stage: Stage): readonly string[] {
  const { people } = houseOf(stage).remote;
  return [...people.branches().keys()].filter((name) => name.startsWith("ringward/")).sort();
}

/** When a branch's tip was made. */
function ageOf(stage: Stage, branch: string): number {
  const { people } = houseOf(stage).remote;
  const head = people.head(branch);
  return head === undefined ? 0 : stage.clock.now() - people.commit(head).time;
}

/** No forge: branches with a page of evidence, merged by hand. */
export const PLAIN: Scenario = {
  fleet: () => fleetOf([["ubuntu-1", "ubuntu", "canary", "zone-a"]], [workload("docs", "canary")]),
  policy: () =>
    Promise.resolve({
      "baselines/images.yaml": baseline(nginx.current),
      "rings/canary.yaml": ring("canary"),
    }),
  limits: { nodes: 1, workloads: 2, nodesPerZone: 1 },
  prepare: () => Promise.resolve(),
  async answer(stage) {
    if (!(houseOf(stage).remote.people.text("main", "baselines/images.yaml") ?? "").includes("1.27.2")) return;
    for (const branch of branchesOf(stage)) {
      if (ageOf(stage, branch) < LATER) continue;
      houseOf(stage).remote.people.merge(branch, "main", {
        mode: "mergeCommit",
        time: stage.clock.now(),
        message: `approved ${branch}`,
        author: { name: "Ana", email: "ana@example.com" },
      });
    }
  },
  deeds: [
    {
      name: "the baseline wants something newer",
      isDue: (stage) => branchesOf(stage).some((branch) => ageOf(stage, branch) >= LATER),
      act: (stage) => commit(stage, { "baselines/images.yaml": baseline("1.27.2") }),
    },
  ],
  last: { ring: "canary", levels: 1 },
  house: { forge: "None" },
  quietPasses: 5,
  isDone: (stage, plan) => areDone(plan) && branchesOf(stage).length === 0,
};

const MANIFEST = "shop/web.yaml";
const MANIFESTS_PREFIX = "ringward/manifests/";

function manifest(name: string, image: string, more = ""): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: shop }
spec:
  template:
    spec:
      containers:
        - { name: main, image: "${image}" }
${more}`;
}

/** Two images, whose manifests stand beside policy and in it. */
function managed(tags: { readonly nginx: string; readonly redis: string }): string {
  return `${baseline(tags.nginx, "{ ring: canary, repository: apps, path: shop, kind: PlainYaml }")}      - repository: ${redis.repository}
        tag: ${tags.redis}
        manifests: [{ ring: canary, path: ours/docs.yaml, kind: PlainYaml }]
`;
}

/** What Argo CD does: what the manifests say is in the cluster. */
async function argo(stage: Stage, name: string, text: string | undefined): Promise<void> {
  const image = /image: "([^"]+)"/.exec(text ?? "")?.[1];
  const body = { spec: { template: { spec: { containers: [{ name: "main", image }] } } } };
  await stage.admin.patch(DEPLOYMENTS, { namespace: "shop", name }, { type: "strategic", body });
}

const ARGO = { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" };
const manifestPull = (stage: Stage, house: House, place: number): Pull | undefined =>
  proposalOf(stage, MANIFESTS_PREFIX, place, house);

/** Workloads that somebody else applies: their images are asked for where their manifests stand, in the policy repository and beside it. */
export const MANIFESTS: Scenario = {
  fleet: () =>
    fleetOf(
      [["ubuntu-1", "ubuntu", "canary", "zone-a"]],
      [
        { ...workload("docs", "canary", ARGO), image: `${redis.repository}:${redis.old}` },
        workload("web", "canary", ARGO),
      ],
    ),
  policy: () =>
    Promise.resolve({
      "baselines/images.yaml": managed({ nginx: nginx.current, redis: redis.current }),
      "rings/canary.yaml": ring("canary", "  onSupersede: Restart\n"),
      "ours/docs.yaml": manifest("docs", `${redis.repository}:${redis.old}`),
    }),
  limits: { nodes: 1, workloads: 2, nodesPerZone: 1 },
  repository: {
    path: "",
    manifestRepositories: [
      {
        name: "apps",
        url: "https://git.invalid/apps.git",
        forge: { kind: "GitHub", owner: "acme", repository: "apps", tokenFile: "/run/apps/token" },
      },
    ],
  },
  prepare: () => Promise.resolve(),
  async answer(stage) {
    await mergeOld(stage, houseOf(stage), (pull) => isOurs(pull) && !isPlace(pull));
    // The first of each place is overtaken by something newer.
    for (const house of [houseOf(stage), appsOf(stage)])
      if ((manifestPull(stage, house, 0)?.state ?? "open") !== "open") await mergeOld(stage, house, isPlace);
  },
  deeds: [
    {
      name: "the manifests move on under the first",
      isDue: (stage) => isOld(stage, manifestPull(stage, appsOf(stage), 0)),
      act: (stage) => commit(stage, { [MANIFEST]: manifest("web", OLD_NGINX, "# more\n") }, appsOf(stage)),
    },
    {
      name: "the baseline wants something newer",
      isDue: (stage) => {
        const head = manifestPull(stage, appsOf(stage), 0)?.head ?? "";
        return appsOf(stage).remote.people.text(head, MANIFEST)?.includes("# more") === true;
      },
      act: (stage) => commit(stage, { "baselines/images.yaml": managed({ nginx: "1.27.2", redis: redis.current }) }),
    },
    {
      name: "Argo CD applies what was merged",
      isDue: (stage) =>
        [houseOf(stage), appsOf(stage)].every((house) => manifestPull(stage, house, 1)?.state === "merged"),
      async act(stage) {
        await argo(stage, "web", appsOf(stage).remote.people.text("main", MANIFEST));
        await argo(stage, "docs", houseOf(stage).remote.people.text("main", "ours/docs.yaml"));
      },
    },
  ],
  last: { ring: "canary", levels: 1 },
  house: { apps: { [MANIFEST]: manifest("web", OLD_NGINX) } },
  quietPasses: 5,
  isDone: (stage, plan) =>
    areDone(plan) &&
    [houseOf(stage), appsOf(stage)].every(({ forge }) => forge.people.pulls().every(({ state }) => state !== "open")),
};
