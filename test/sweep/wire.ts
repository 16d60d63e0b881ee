// The same runs over the wire: the API server over HTTP through the real transport, real git against the sandbox's forge, pull requests
// through octokit. A small rollout, because every pass makes dozens of real requests.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../controller/clock.ts";
import { createForge } from "../../controller/forge/index.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import type { ApiPort } from "../../controller/kube/port.ts";
import { createTransport, type Transport } from "../../controller/kube/transport.ts";
import { listing } from "../../controller/reconcile/cluster.ts";
import { startForge } from "../../controller/sandbox/forge/index.ts";
import {
  checkHistory,
  readGitHistory,
  recordRequests,
  type Verdict,
} from "../../controller/sandbox/invariants/index.ts";
import { compareEndStates, type EndState, readEndState } from "./end-state.ts";
import { forgeHost } from "./host.ts";
import { beBorn, createFate, type Fate, type Life, type Mode } from "./life.ts";
import { distantForge } from "./mortal.ts";
import { CONTROLLER_USERS, isIdle, isOver } from "./run.ts";
import { fleetOf, policyOf, ringFile, WEB } from "./scenario.ts";
import { START } from "./pace.ts";
import type { Scenario } from "./stage.ts";
import { CONTROLLER_EMAIL, createStageClock, createStageOver, type Ports, type Stage } from "./stage.ts";

const TOKEN = "sandbox-forge-token";
const MOST_PASSES = 150;
/** Lives that a run may need. */
const LIVES = 6;

/** Two rings, a node in each and a workload in the second: everything that is written is written here too. */
export const SMALL: Scenario = {
  fleet: () =>
    fleetOf(
      [
        ["rocky-1", "rocky", "canary", "zone-a"],
        ["flatcar-1", "flatcar", "early", "zone-b"],
        ["flatcar-2", "flatcar", "early", "zone-a"],
      ],
      [WEB],
    ),
  policy: () =>
    policyOf({
      "rings/canary.yaml": ringFile("canary", { budget: "{ nodes: 1, workloads: 1 }", promotion: "Automatic" }),
      "rings/early.yaml": ringFile("early", { after: "canary", budget: "{ nodes: 1, workloads: 1 }" }),
    }),
  limits: { nodes: 1, workloads: 1, nodesPerZone: 1 },
  prepare: () => Promise.resolve(),
  deeds: [],
  last: { ring: "early", levels: 3 },
};

export interface WireRun {
  readonly writes: readonly string[];
  readonly end: EndState;
  readonly verdict: Verdict;
  readonly over: boolean;
  readonly errors: readonly unknown[];
}

/** One run from start to end, with a crash at a write or without one. */
export async function runOverWire(at?: number, mode?: Mode): Promise<WireRun> {
  const folder = await mkdtemp(join(tmpdir(), "ringward-sweep-"));
  const clock = createStageClock(START);
  await mkdir(join(folder, "forge"));
  const forge = await startForge({
    directory: join(folder, "forge"),
    clock,
    owner: "acme",
    repository: "policy",
    tokens: { [TOKEN]: "ringward" },
  });
  const users = Array.from({ length: LIVES }, (_, index) => `ringward/${index}`);
  const tokens = Object.fromEntries(users.map((user) => [`${user.replace("/", "-")}-token`, user]));
  const forgeSpec = { kind: "GitHub", apiUrl: forge.apiUrl, owner: "acme", repository: "policy", tokenFile: "/unused" };
  await forge.seed(new Map(Object.entries(await SMALL.policy())), "policy", "ana");
  const stage = await createStageOver(
    { seed: 1, scenario: SMALL, clock, tokens, url: forge.gitUrl, forgeSpec },
    forgeHost(forge),
  );
  const { cluster } = stage;
  const listening = await cluster.server.listen({ host: "127.0.0.1" });
  const transports: Transport[] = [];
  const ports = (user: string): Ports => {
    const api = createTransport({
      kubeconfig: cluster.server.kubeconfig(listening.url, user),
      clock: systemClock,
      userAgent: user,
    });
    transports.push(api);
    return wirePorts(api, user, { folder, gitUrl: forge.gitUrl, apiUrl: forge.apiUrl });
  };
  const log = recordRequests(cluster.server, clock, new Set(users));
  try {
    const fate = createFate(0, at, mode);
    const played = await play(stage, fate, ports);
    const git = await openPolicyGit({
      url: forge.gitUrl,
      branch: "main",
      directory: join(folder, "judge"),
      author: { name: "Judge", email: "judge@sweep.invalid" },
      clock: systemClock,
      allowInsecure: true,
    });
    const history = cluster.server.store.history();
    const verdict = checkHistory({
      history,
      controllerUsers: CONTROLLER_USERS,
      requests: log.requests,
      git: await readGitHistory(git, { isController: (author) => author.includes(CONTROLLER_EMAIL), history }),
      pulls: await stage.host.pulls(),
    });
    return { writes: fate.names, end: await readEndState(stage), verdict, ...played };
  } finally {
    log.stop();
    for (const transport of transports) await transport.close();
    await listening.close();
    await forge.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function wirePorts(
  api: ApiPort,
  user: string,
  where: { readonly folder: string; readonly gitUrl: string; readonly apiUrl: string },
): Ports {
  return {
    api,
    reader: (client) => listing(client),
    git: (branch) =>
      openPolicyGit({
        url: where.gitUrl,
        branch,
        directory: join(where.folder, user.replace("/", "-")),
        author: { name: "Ringward", email: CONTROLLER_EMAIL },
        auth: { kind: "Token", token: () => Promise.resolve(TOKEN) },
        clock: systemClock,
        allowInsecure: true,
      }),
    forge: (pulse) =>
      distantForge(
        createForge({
          kind: "GitHub",
          apiUrl: where.apiUrl,
          owner: "acme",
          repository: "policy",
          token: () => Promise.resolve(TOKEN),
          clock: systemClock,
        }),
        pulse,
      ),
  };
}

async function play(
  stage: Stage,
  fate: Fate,
  ports: (user: string) => Ports,
): Promise<Pick<WireRun, "over" | "errors">> {
  let [life, born]: [Life | undefined, number] = [undefined, 0];
  const errors: unknown[] = [];
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    if (life === undefined || life.dead) {
      const user = `ringward/${born}`;
      born += 1;
      life = beBorn(stage, user, ports(user), fate);
    }
    const before = fate.count;
    const result = await life.pass();
    if (await isOver(stage, result, fate.count - before)) return { over: true, errors: [...errors, ...life.errors] };
    if (life.dead) errors.push(...life.errors);
    await stage.turn(isIdle(result, fate.count - before));
  }
  return { over: false, errors: [...errors, ...(life?.errors ?? [])] };
}

/** What is wrong with a run, compared with the undisturbed one. */
export function describeRun(run: WireRun, undisturbed: WireRun): readonly string[] {
  return [
    ...run.verdict.violations.map(({ invariant, object, at, message }) => `${invariant} ${object} ${at}: ${message}`),
    ...(run.over
      ? compareEndStates(undisturbed.end, run.end).map((line) => `end: ${line}`)
      : ["V1: the run did not end"]),
  ];
}
