// Guards of the ledger's shell, of what serves claims, and of a pass (B3, B8, B14, K1, K3, L1, R1).
import { inFile, type Mutant } from "../mutant.ts";

export const LEDGER: readonly Mutant[] = [
  ...inFile("controller/reconcile/ledger.ts", {
    "ledger.compare-and-set": {
      find: "await client.updateStatus(DISRUPTION_LEDGERS, { ...ledger.object, status });",
      replace:
        "await client.updateStatus(DISRUPTION_LEDGERS, { ...ledger.object, metadata: { name: LEDGER_NAME }, status });",
      says: "the ledger is written whatever became of it since it was read: two leaders overwrite each other's claims",
    },
    "ledger.lost-claims": {
      find: "if (id === undefined || held.has(node.uid)) continue;",
      replace: "if (id !== undefined || held.has(node.uid)) continue;",
      says: "nodes whose claims the ledger lost are not brought back into it",
    },
    "ledger.lost-workload-claims": {
      find: "if (id === undefined || held.has(workload.uid)) continue;",
      replace: "if (id !== undefined || held.has(workload.uid)) continue;",
      says: "workloads whose claims the ledger lost are not brought back into it",
    },
    "ledger.lost-by-operation": {
      find: "const id = node.mark?.claimId ?? operation?.claimId;",
      replace: "const id = node.mark?.claimId;",
      says: "an operation that has not marked its node yet is forgotten with the ledger",
    },
    "ledger.absence-confirmed": {
      find: "if (marked || state?.status?.operation?.claimId === claim.id) confirmed.push(claim);",
      replace: "confirmed.push(claim);",
      says: "a mark that was just taken off is taken for a lost claim, because a cache still shows it",
    },
    "ledger.confirms-requests": {
      find: "        if (!mayBeClaimed(state?.status, request, now)) continue;\n",
      replace: "",
      says: "whom a person has just released is claimed and freed again in every pass, while a cache still shows the target as it was",
    },
    "ledger.restored": {
      find: "const kept = [...ledger.claims.filter((claim) => !change.free.has(claim.uid)), ...change.restore];",
      replace: "const kept = [...ledger.claims.filter((claim) => !change.free.has(claim.uid))];",
      says: "claims that were lost are counted as restored and are not",
    },
    "ledger.complete-first": {
      find: "const complete = ledger.rebuilt && change.restore.length === 0;",
      replace: "const complete = true;",
      says: "claims are added to a ledger that is not complete",
      equivalent:
        "the plan offers no claim while the ledger is being rebuilt (ring.rebuilding): this is the second lock",
    },
    "ledger.enforce-only": {
      find: 'const mayAdd = complete && ledger.spec.mode === "Enforce";',
      replace: "const mayAdd = complete;",
      says: "claims are added in mode Observe or Stop",
      equivalent:
        "the plan, made from the very same ledger, has no claims in these modes (budget.observe-claims-nothing): this is the second lock",
    },
    "ledger.admits-again": {
      find: "const { admitted } = admit(kept, mayAdd ? change.add : [], change.capacity);",
      replace: "const admitted = mayAdd ? change.add : [];",
      says: "what the plan admitted is not asked about again with the ledger as it is",
      equivalent:
        "the plan is made from the very ledger that is written, under its resourceVersion, and what is freed or restored in the same write only adds room or stops additions",
    },
    "ledger.new-id": {
      find: '.update([request.uid, request.digest, ledger.object.metadata.resourceVersion ?? ""].join("/"))',
      replace: '.update([request.uid, request.digest].join("/"))',
      says: "a second claim of a target has the first one's id: its operation counts as closed before it began",
    },
    "ledger.rebuilding-said": {
      find: "rebuilding: !ledger.rebuilt || lost.length > 0 };",
      replace: "rebuilding: false };",
      says: "the plan does not know that claims are missing",
      equivalent:
        "writeLedger adds nothing to a ledger that is not complete (ledger.complete-first): this is the second lock",
    },
  }),
  ...inFile("controller/reconcile/claims.ts", {
    "ledger.vanished-workload": {
      find: '  return speaks ? result : { kind: "Free", lost: true };',
      replace: "  return result;",
      says: "a workload that vanishes with its state is forgiven",
    },
    "serve.one-error": {
      find: "      } catch (error) {\n        input.onError(error, claim);\n      }",
      replace: "      } catch (error) {\n        input.onError(error, claim);\n        return;\n      }",
      says: "one target that cannot be served stops all that come after it",
    },
    "serve.level-by-digest": {
      find: "other.digest === claim.digest && other.mismatch === undefined);",
      replace: "other.name === claim.level);",
      says: "a claim is served with a level of the same name and other content",
    },
    "serve.retreats": {
      find: '      cordonedNodes: ring?.cordonedNodes ?? "Skip",\n',
      replace: '      cordonedNodes: "Update",\n',
      says: "what the ring says of cordoned nodes does not reach their operation",
    },
    "serve.blocking-pods": {
      find: "blocking: (ring?.gates ?? []).filter(",
      replace: "blocking: [].filter(",
      says: "gates whose pods hold a node back do not reach its operation",
    },
    "serve.foreign-locks": {
      find: "return node === undefined || elsewhere.length === 0 ? node : withHolds(node, elsewhere);",
      replace: "return node;",
      says: "locks and Leases of other tools do not reach an operation",
    },
  }),
  ...inFile("controller/reconcile/pass.ts", {
    "pass.lost-before-free": {
      find: "      free.delete(claim.uid);\n",
      replace: "",
      says: "a claim is freed although the failure that outlives it could not be written down",
    },
    "pass.records-before-claims": {
      find: "[request.ring, ...predecessorsOf(request.ring, policy.inForce.rings)].every((ring) => !unstored.has(ring)),",
      replace: "request.uid !== '',",
      says: "a ring begins on its predecessor's soak before that is written down",
    },
    "pass.own-record": {
      find: "[request.ring, ...predecessorsOf(request.ring, policy.inForce.rings)].every(",
      replace: "[...predecessorsOf(request.ring, policy.inForce.rings)].every(",
      says: "a ring claims at a level before its own record says that it may",
    },
    "pass.lesser-clock": {
      find: ": Math.min(wall - last.wall, monotonic - last.monotonic);",
      replace: ": wall - last.wall;",
      says: "a clock that jumps ahead soaks every ring",
    },
    "pass.unobserved-time": {
      find: "observedMs: looked > LONGEST_LOOK_MS ? 0 : Math.max(0, looked),",
      replace: "observedMs: Math.max(0, looked),",
      says: "time that nobody observed soaks",
    },
    "pass.lost-claims-are-claimed": {
      find: "    ...scene.lost.map((claim) => claim.uid),\n",
      replace: "",
      says: "the inventory cycle and statuses write over targets whose claims are being restored",
    },
  }),
  ...inFile("controller/reconcile/abandoned-jobs.ts", {
    "jobs.abandoned": {
      find: "if (claim === undefined || claims.has(claim) ||",
      replace: "if (claim === undefined || !claims.has(claim) ||",
      says: "jobs that wait under a claim are deleted, and those that were left behind are not",
    },
  }),
  ...inFile("controller/reconcile/statuses.ts", {
    "states.orphans-held": {
      find: "if (names.has(object.metadata.name) || (uid !== undefined && claimed.has(uid)) || object.metadata.uid === undefined)",
      replace: "if (names.has(object.metadata.name) || object.metadata.uid === undefined)",
      says: "the state of a vanished node is removed before its claim is settled: nobody knows how far it came",
    },
    "states.held-by-another": {
      find: "return other !== undefined && other !== uid && claimed.has(other);",
      replace: "return false;",
      says: "a new node's state is written over that of the claimed node of the same name",
    },
    "records.lost-once": {
      find: "record.lost?.includes(claim.uid) === true)",
      replace: "claim.uid === '')",
      says: "a failure that outlives its claim is counted again by each leader",
      equivalent:
        "failures are a set of UIDs when they are counted (core/rollout/progress.ts), and no claim is freed twice",
    },
  }),
  ...inFile("controller/kube/patch-states.ts", {
    "states.of-this-uid": {
      find: "return status?.targetUID === uid ? status : undefined;",
      replace: "return status;",
      says: "the state of a node that is gone speaks for the new one of its name",
    },
    "states.compare-and-set": {
      find: "const object = await client.updateStatus(stored.resource, { ...stored.object, status: written });",
      replace:
        "const object = await client.updateStatus(stored.resource, { ...stored.object, metadata: { ...stored.object.metadata, resourceVersion: undefined }, status: written } as never);",
      says: "two leaders both move one operation",
    },
  }),
];
