// Who writes (L3): whoever holds the Lease. Judged where there is one: nothing is written before it was taken, after it was given back, or,
// where it is known who is behind a user, by another one. But for one thing that anybody may write: a request to look at the repository.
import { REQUESTED_AT } from "../../api/policy-repository.ts";
import type { KubeObject } from "../../kube/port.ts";
import type { Invariant } from "./invariant.ts";
import { textAt } from "./readings.ts";
import { isSettled } from "./world.ts";

const LEASES = "leases.coordination.k8s.io";
const REPOSITORIES = "policyrepositories.ringward.dev";

interface Held {
  readonly holder: string;
  readonly since: number;
  readonly before: string;
}

/** `identityOf`: the name that a user's process has in the Lease; undefined: any that it names is taken for it. */
export function leadership(identityOf: ((user: string) => string | undefined) | undefined): readonly Invariant[] {
  const check: NonNullable<Invariant["check"]> = ({ version, byController, now }, world, report) => {
    const { memo } = report;
    const known = memo.get("lease") as Held | undefined;
    if (version.resource === LEASES) {
      const holder = version.type === "DELETED" ? "" : (textAt(version.object.spec, "holderIdentity") ?? "");
      if (known?.holder !== holder)
        memo.set("lease", { holder, since: now, before: known?.holder ?? "" } satisfies Held);
      return;
    }
    const asks = version.resource === REPOSITORIES && isRequest(version.key, version.object, memo);
    if (!byController || known === undefined || asks) return;
    report.met();
    const mine = identityOf?.(version.user);
    const is = (holder: string): boolean => holder !== "" && (mine === undefined || mine === holder);
    // What was sent while it led may arrive when it leads no more.
    if (is(known.holder) || (is(known.before) && !isSettled(world, known.since))) return;
    report.violated(
      version.key,
      known.holder === ""
        ? `written by ${version.user} while nobody holds the Lease`
        : `written by ${version.user} while ${known.holder} holds the Lease`,
    );
  };
  return [{ id: "L3", says: "only who holds the Lease writes, but for a request to look", check }];
}

/** Whether nothing but the annotation that asks for a look is another than in the version before. */
function isRequest(key: string, { metadata, spec, status }: KubeObject, memo: Map<string, unknown>): boolean {
  const { annotations = {}, labels, finalizers, ownerReferences, uid } = metadata;
  const others = Object.entries(annotations).filter(([name]) => name !== REQUESTED_AT);
  const rest = JSON.stringify([uid, labels, finalizers, ownerReferences, others, spec, status]);
  const before = memo.get(key);
  memo.set(key, rest);
  return before === rest;
}
