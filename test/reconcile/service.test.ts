// The order within a pass: who holds budget is served before anybody new gets some, and nobody is passed over for it.
import { describe, expect, it } from "vitest";
import type { LoggedRequest } from "../../controller/sandbox/apiserver/index.ts";
import { createRig, machine, NEW_KERNEL, type Rig, ringFile, type Status } from "./rig.ts";

const FOUR = ["n1", "n2", "n3", "n4"];
/** Nodes for two at once, so that one is claimed while another is under way. */
const OPTIONS = {
  workloads: [],
  machines: FOUR.map((name) => machine(name)),
  files: {
    "rings/canary.yaml": ringFile("canary").replace("budget: { nodes: 1,", "budget: { nodes: 2, maxFailures: 9,"),
  },
};

interface Pass {
  readonly requests: readonly LoggedRequest[];
  /** Nodes that held a claim when the pass began. */
  readonly held: readonly string[];
}

const namesIn = (status: unknown): readonly string[] =>
  (((status as Status | undefined)?.["claims"] ?? []) as Status[]).map(({ name }) => name as string);

/** One pass, with everything that it asked of the server. */
async function pass(rig: Rig): Promise<Pass> {
  const requests: LoggedRequest[] = [];
  const held = namesIn(await rig.ledger());
  const stop = rig.cluster.server.onRequest((request) => {
    if (rig.users.has(request.user)) requests.push(request);
  });
  await rig.first.pass();
  stop();
  return { requests, held };
}

/** Where the ledger is written, and whom it claims anew there. */
function claimingIn({ requests, held }: Pass): { readonly at: number; readonly added: readonly string[] } | undefined {
  const at = requests.findIndex(({ method, path }) => method === "PUT" && path.includes("/disruptionledgers/"));
  const added = namesIn((requests[at]?.body as Status | undefined)?.["status"]).filter((name) => !held.includes(name));
  return at < 0 || added.length === 0 ? undefined : { at, added };
}

const looksAt = (request: LoggedRequest, name: string): boolean =>
  request.method === "GET" && request.path === `/api/v1/nodes/${name}`;

describe("what is in flight", () => {
  it("is looked at, and moved, before anything new is claimed in the same pass (V3)", async () => {
    const rig = await createRig(OPTIONS);
    // Of two that begin together one takes longer, so that a third is claimed beside it.
    rig.cluster.machines.slowReboot("n1", 60_000);
    const wrong: string[] = [];
    let overlaps = 0;
    for (let count = 0; count < 150 && !FOUR.every((name) => rig.kernel(name) === NEW_KERNEL); count += 1) {
      const one = await pass(rig);
      const claiming = claimingIn(one);
      if (claiming !== undefined && one.held.length > 0) {
        overlaps += 1;
        for (const name of one.held)
          if (!one.requests.slice(0, claiming.at).some((request) => looksAt(request, name)))
            wrong.push(`${claiming.added.join()} was claimed before ${name} was served`);
        const late = one.requests
          .slice(claiming.at)
          .filter(({ write, path }) => write && /\/(nodes|pods|jobs|nodepatchstates)\b/.test(path))
          .filter(({ path, body }) =>
            one.held.some(
              (name) => `${path} ${JSON.stringify(body)}`.includes(`"${name}"`) || path.includes(`/${name}`),
            ),
          );
        wrong.push(...late.map(({ method, path }) => `after the claim: ${method} ${path}`));
      }
      await rig.turn();
    }

    expect(FOUR.map((name) => rig.kernel(name))).toEqual(FOUR.map(() => NEW_KERNEL));
    expect(overlaps).toBeGreaterThan(0);
    expect(wrong).toEqual([]);
  });

  it("gets its turn in every pass, however many others fail or wait (V3)", async () => {
    const rig = await createRig(OPTIONS);
    // The first node's operation fails at each try: whatever is written about it is refused.
    rig.cluster.server.setFault(({ user, write, path }) =>
      rig.users.has(user) && write && path.startsWith("/api/v1/nodes/n1") ? { status: 500 } : "none",
    );
    const starved: string[] = [];
    for (let count = 0; count < 150 && !FOUR.slice(1).every((name) => rig.kernel(name) === NEW_KERNEL); count += 1) {
      const { requests, held } = await pass(rig);
      starved.push(...held.filter((name) => !requests.some((request) => looksAt(request, name))));
      await rig.turn();
    }

    expect(FOUR.slice(1).map((name) => rig.kernel(name))).toEqual([NEW_KERNEL, NEW_KERNEL, NEW_KERNEL]);
    expect(starved).toEqual([]);
    expect(rig.errors.length).toBeGreaterThan(0);
  });
});
