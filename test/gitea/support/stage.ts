// The sandbox's cluster with the real controller in front of it, and a real Gitea as git server and forge. People work through Gitea's own API
// and through git; what is judged is Gitea's answers and the cluster's objects.
import { seededRandom, systemClock } from "../../../controller/clock.ts";
import { type Client, createClient } from "../../../controller/kube/client.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import {
  DEPLOYMENTS,
  POLICY_REPOSITORIES,
  ROLLOUT_RINGS,
  WORKLOAD_PATCH_STATES,
} from "../../../controller/kube/resources.ts";
import { REQUESTED_AT } from "../../../controller/api/policy-repository.ts";
import { installRingward, PERSON_USER, type Sandbox, startSandbox } from "../../../controller/sandbox/start.ts";
import { waitFor } from "../../e2e/support/waiting.ts";
import { startController } from "../../support/controller-process.ts";
import { type Checkout, openCheckout } from "./checkout.ts";
import { ADMIN, type GiteaServer, startGitea } from "./server.ts";

const OWNER = "acme";
const NAME = "patch-policy";
export const BOT = "ringward";
const RATE = 60;
const WITHIN_MS = 240_000;
/** Who is in which ring: a few of the sandbox's workloads, so that a rollout takes seconds. */
export const RING_LABEL = "life.example/ring";
const MEMBERS = {
  canary: ["shop/images"],
  early: ["shop/web", "shop/reviews"],
  broad: ["shop/cart", "media/thumbs"],
};

/** A pull request in Gitea's own words. */
export interface ApiPull {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly state: string;
  readonly merged: boolean;
  readonly merge_commit_sha: string | null;
  readonly user: { readonly login: string };
  readonly labels: readonly { readonly name: string }[];
  readonly head: { readonly label: string; readonly sha: string };
  readonly base: { readonly ref: string };
}

export interface Stage {
  readonly gitea: GiteaServer;
  readonly sandbox: Sandbox;
  readonly client: Client;
  readonly checkout: Checkout;
  /** Gitea's API below our repository. */
  call(as: string, method: string, path: string, body?: object): Promise<unknown>;
  /** Newest last. */
  pulls(): Promise<readonly ApiPull[]>;
  /** A file of the tracked branch. */
  tracked(path: string): Promise<string>;
  /** alice changes a file of the tracked branch, by a push. */
  edit(path: string, change: (text: string) => string, message: string): Promise<void>;
  /** The controller need not wait for its interval. */
  poke(): Promise<void>;
  /** Images that the workloads of a ring ask for, without their repository. */
  images(ring: string): Promise<ReadonlySet<string>>;
  /** Until `look` answers something; while waiting the controller is poked. */
  until<T>(what: string, look: () => Promise<T | undefined>): Promise<T>;
  stop(): Promise<void>;
}

export async function startStage(policy: Readonly<Record<string, string>>): Promise<Stage> {
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    return await assemble(policy, closers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(
  policy: Readonly<Record<string, string>>,
  closers: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<Stage> {
  const gitea = await startGitea();
  closers.push(() => gitea.stop());
  const sandbox = await startSandbox({
    transport: systemClock,
    random: seededRandom(1),
    rate: RATE,
    // Policy time never passes this machine's: it has a month to run fast in. A level is as old as the commit that asks for it, so people's
    // commits bear policy time.
    start: systemClock.now() - 30 * 24 * 3_600_000,
    onError: () => undefined,
  });
  closers.push(() => sandbox.stop());
  const checkout = await makeRepository(gitea, policy, () => sandbox.clock.now());
  closers.push(() => checkout.remove());
  const client = createClient(sandbox.cluster.server.as(PERSON_USER), { fieldManager: "kubectl", clock: systemClock });
  await installRingward(sandbox, {
    mode: "Enforce",
    limits: { nodes: 4, workloads: 12, nodesPerZone: 4 },
    clock: systemClock,
  });
  const tokenFile = sandbox.workspace.write("gitea-token", `${await gitea.token(BOT)}\n`);
  await client.create(POLICY_REPOSITORIES, {
    metadata: { name: "policy" },
    spec: {
      url: `${gitea.url}/${OWNER}/${NAME}.git`,
      branch: "main",
      interval: "5m",
      clusterName: "gitea",
      auth: { tokenFile, username: BOT },
      forge: { kind: "Gitea", apiUrl: `${gitea.url}/api/v1`, owner: OWNER, repository: NAME, tokenFile },
    },
  } as KubeObject);
  for (const [ring, names] of Object.entries(MEMBERS))
    for (const member of names) {
      const [namespace = "", name = ""] = member.split("/");
      await client.patch(
        DEPLOYMENTS,
        { namespace, name },
        { type: "merge", body: { metadata: { labels: { [RING_LABEL]: ring } } } },
      );
    }
  const controller = startController(sandbox, { identity: "ringward-gitea", data: sandbox.workspace.directory });
  closers.push(() => controller.stop());

  const call = (as: string, method: string, path: string, body?: object): Promise<unknown> =>
    gitea.call(as, method, `/repos/${OWNER}/${NAME}${path}`, body);
  const pulls = async (): Promise<readonly ApiPull[]> =>
    ((await call(ADMIN, "GET", "/pulls?state=all&limit=50")) as readonly ApiPull[]).toSorted(
      (one, other) => one.number - other.number,
    );
  const poke = async (): Promise<void> => {
    const body = { metadata: { annotations: { [REQUESTED_AT]: new Date(sandbox.clock.now()).toISOString() } } };
    await client.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body });
  };
  const tracked = async (path: string): Promise<string> => {
    await checkout.fetch();
    return await checkout.git(["show", `refs/remotes/origin/main:${path}`]);
  };
  return {
    gitea,
    sandbox,
    client,
    checkout,
    call,
    pulls,
    tracked,
    poke,
    async edit(path, change, message) {
      for (let count = 0; ; count++) {
        const text = change(await tracked(path));
        const commit = await checkout.commit("refs/remotes/origin/main", { [path]: text }, message);
        try {
          await checkout.push(commit, "main", "forward");
          break;
        } catch (error) {
          // Ringward was faster.
          if (count > 5) throw error;
        }
      }
      await poke();
    },
    async images(ring) {
      const { items } = await client.list(DEPLOYMENTS);
      return new Set(
        items
          .filter(({ metadata }) => metadata.labels?.[RING_LABEL] === ring)
          .flatMap(({ spec }) => {
            const { template } = spec as {
              readonly template: { readonly spec: { readonly containers: readonly { readonly image: string }[] } };
            };
            return template.spec.containers.map(({ image }) => image);
          })
          .filter((image) => image.includes("/nginx"))
          .map((image) => image.replace(/^.*\/nginx[:@]/, "")),
      );
    },
    until: (what, look) =>
      waitFor(
        what,
        async () => {
          if (controller.died() !== undefined) throw new Error(controller.died());
          const found = await look();
          if (found === undefined) await poke();
          return found;
        },
        { withinMs: WITHIN_MS, everyMs: 1000 },
        async () => {
          const open = (await pulls()).map(({ number, state, title }) => `#${number} ${state}: ${title}`);
          const { items } = await client.list(WORKLOAD_PATCH_STATES);
          const states = items.map(
            ({ metadata, status }) => `${metadata.name}: ${JSON.stringify(status).slice(0, 400)}`,
          );
          const rings = (await client.list(ROLLOUT_RINGS)).items.map(
            ({ metadata, status }) => `${metadata.name}: ${JSON.stringify(status)}`,
          );
          const repositories = (await client.list(POLICY_REPOSITORIES)).items.map(({ status }) =>
            JSON.stringify(status),
          );
          return [...open, ...rings, ...repositories, ...states, controller.said().slice(-3000)].join("\n");
        },
      ),
    stop,
  };
}

/** The policy as a first commit, and who may do what: Ringward and two people may write, nobody but an administrator may more. */
async function makeRepository(
  gitea: GiteaServer,
  policy: Readonly<Record<string, string>>,
  now: () => number,
): Promise<Checkout> {
  await gitea.call(ADMIN, "POST", "/orgs", { username: OWNER });
  await gitea.call(ADMIN, "POST", `/orgs/${OWNER}/repos`, { name: NAME, default_branch: "main", private: true });
  for (const login of [BOT, "alice", "bob"]) {
    await gitea.token(login);
    await gitea.call(ADMIN, "PUT", `/repos/${OWNER}/${NAME}/collaborators/${login}`, { permission: "write" });
  }
  const remote = new URL(`${gitea.url}/${OWNER}/${NAME}.git`);
  remote.username = "alice";
  remote.password = await gitea.token("alice");
  const checkout = await openCheckout(remote.href, "alice", now);
  await checkout.push(await checkout.commit(undefined, policy, "Patch policy"), "main");
  return checkout;
}
