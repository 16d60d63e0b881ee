// People push while policy is read: between any two questions to the repository the branch moves, and each commit changes several files that
// belong together. What a pass decides from is one of those commits, whole.
import { describe, expect, it } from "vitest";
import type { CommitSha, PolicyGit } from "../../controller/git/port.ts";
import { ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import { createRig, machine, type Rig, calmRing, type Status } from "./rig.ts";

const RINGS = ["canary", "early", "wide"];

/** All rings of one edition say the same number. */
function edition(number: number): Readonly<Record<string, string>> {
  return Object.fromEntries(RINGS.map((name) => [`rings/${name}.yaml`, calmRing(name, `deferral: ${number}s`)]));
}

/** The repository, where somebody pushes the next edition after every question that is asked of it. */
function pushBetweenReads(rig: Rig): { editions: number } {
  const count = { editions: 0 };
  const open = rig.remote.open.bind(rig.remote);
  const busy = (options: Parameters<typeof open>[0]): PolicyGit => {
    const git = open(options);
    const after = <Args extends readonly unknown[], Result>(
      ask: (...args: Args) => Promise<Result>,
    ): ((...args: Args) => Promise<Result>) => {
      return async (...args) => {
        const answer = await ask(...args);
        count.editions += 1;
        rig.commit(edition(count.editions));
        return answer;
      };
    };
    return {
      ...git,
      fetch: after(() => git.fetch()),
      isAncestor: after((ancestor: CommitSha, descendant: CommitSha) => git.isAncestor(ancestor, descendant)),
      read: after((commit: CommitSha, path: string) => git.read(commit, path)),
      lastChange: after((commit: CommitSha, path: string) => git.lastChange(commit, path)),
    };
  };
  Object.assign(rig.remote, { open: busy });
  return count;
}

describe("the files of a decision", () => {
  it("come from one commit, although the branch moves between any two reads (G3)", async () => {
    const rig = await createRig({ workloads: [], machines: [machine("n1")], files: edition(0) });
    const judge = rig.remote.open({ branch: "main", author: { name: "J", email: "j@rig.invalid" }, name: "judge" });
    const pushed = pushBetweenReads(rig);
    const seen = new Set<string>();
    for (let pass = 0; pass < 8; pass += 1) {
      const result = await rig.first.pass();
      const planned = (result?.plan.rings ?? []).map(({ ring }) => ring.spec.deferral ?? "");
      expect(new Set(planned).size).toBe(1);
      const commit = (await rig.repository())["observedCommit"] as CommitSha;
      const { files } = await judge.fetch().then(() => judge.read(commit, ""));
      const texts = files.filter(({ path }) => path.startsWith("rings/")).map(({ text }) => text);
      expect(texts.filter((text) => !text.includes(`deferral: ${planned[0]}\n`))).toEqual([]);
      const { items } = await rig.admin.list(ROLLOUT_RINGS);
      expect(new Set(items.map(({ spec }) => (spec as Status)["deferral"] as string))).toEqual(new Set(planned));
      seen.add(commit);
      await rig.turn(15_000);
    }

    expect(seen.size).toBeGreaterThan(6);
    expect(pushed.editions).toBeGreaterThan(20);
    expect(rig.errors).toEqual([]);
  });
});
