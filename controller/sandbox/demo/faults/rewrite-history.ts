// The tracked branch is force-pushed in the middle of the rollout: no new claims, what is in flight ends safely, and a person accepts
// the new head before anything goes on.
import type { CommitSha } from "../../../git/port.ts";
import { POLICY_REPOSITORIES } from "../../../kube/resources.ts";
import type { Fault } from "../fault.ts";
import { isFinished } from "../facts.ts";

/** How long the standstill is watched. */
const WATCH_MINUTES = 10;

export function rewriteHistory(): Fault {
  let rewritten: CommitSha | undefined;
  let seenAt: number | undefined;
  let drainedAt: number | undefined;
  let newClaims = 0;
  let known = new Set<string>();
  let acknowledged = false;
  return {
    name: "rewrite-history",
    promise:
      "HistoryRewritten is shown, no new claims, what is in flight ends safely; a person acknowledges the commit and the run ends compliant",
    async step(stage, facts) {
      if (rewritten === undefined) {
        if (facts.claims.filter((claim) => claim.ring === "early").length < 2) return undefined;
        const main = (await stage.forge.branches()).get("main");
        // The same content under another history, as a person's rebase makes it.
        rewritten = await stage.rewrite();
        return `a force-push moved main from ${main?.slice(0, 8)} to ${rewritten.slice(0, 8)}`;
      }
      const conditions = facts.repository?.status?.conditions ?? [];
      const stalled = conditions.some(
        (condition) => condition.type === "Stalled" && condition.reason === "HistoryRewritten",
      );
      if (acknowledged) return undefined;
      if (!stalled) {
        known = new Set(facts.claims.map((claim) => claim.id));
        return undefined;
      }
      if (seenAt === undefined) {
        seenAt = facts.at;
        known = new Set(facts.claims.map((claim) => claim.id));
        return `HistoryRewritten, with ${facts.claims.length} targets in flight`;
      }
      newClaims += facts.claims.filter(
        (claim) => !known.has(claim.id) && Date.parse(claim.since) > (seenAt ?? 0),
      ).length;
      if (facts.claims.length === 0) drainedAt ??= facts.at;
      if (drainedAt === undefined || facts.at - Math.max(seenAt, drainedAt) < WATCH_MINUTES * stage.minute)
        return undefined;
      acknowledged = true;
      const head = (await stage.forge.branches()).get("main");
      await stage.client.patch(
        POLICY_REPOSITORIES,
        { name: "policy" },
        { type: "merge", body: { spec: { acknowledgedCommit: head } } },
      );
      return `everything in flight ended; a person acknowledges ${head?.slice(0, 8)}`;
    },
    holdsMerges: () => rewritten !== undefined && !acknowledged,
    result(facts) {
      const ok =
        seenAt !== undefined &&
        newClaims === 0 &&
        drainedAt !== undefined &&
        acknowledged &&
        facts !== undefined &&
        isFinished(facts);
      return {
        ok,
        observed: `HistoryRewritten: ${seenAt !== undefined}, new claims: ${newClaims}, in flight ended: ${drainedAt !== undefined}, acknowledged: ${acknowledged}`,
      };
    },
  };
}
