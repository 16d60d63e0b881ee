// Guards of rings: what must be true before a ring's targets start, what takes those back that have not begun, completion and soak
// (R1-R5, B13, G1, G4, G5 and DESIGN's "Approval").
import { inFile, type Mutant } from "../mutant.ts";

const checks = inFile("controller/core/rollout/ring-checks.ts", {
  "ring.brake-of-policy": {
    find: "  ({ policy }) => findBrake(policy.brakes),\n",
    replace: "",
    says: "a rewritten history, a stale repository or an unsigned commit stops nothing",
  },
  "ring.brake-of-ring": {
    find: "  ({ ring }) => findBrake(ring.brakes),\n",
    replace: "",
    says: "a ring whose files are broken, whose references are missing, or that comes after itself goes on",
  },
  "ring.withdrawn-before": {
    find: "  ({ withdrawn }) => withdrawn,\n",
    replace: "",
    says: "a level that was withdrawn in a ring before still starts here",
  },
  "ring.predecessors": {
    find: "  checkPredecessors,\n",
    replace: "",
    says: "a ring does not wait for those that come before it",
  },
  "ring.missing-predecessor": {
    find: 'if (view.ring === undefined) return { reason: "ReferenceMissing", message: `after: ring ${name} does not exist` };',
    replace: "if (view.ring === undefined) return undefined;",
    says: "to delete a ring opens those that come after it",
    equivalent:
      "a missing predecessor is a brake of its ring already (policy/in-force.ts, referenceBrakes): this check says it where policy has none",
  },
  "ring.halted-predecessor": {
    find: 'if (view.halted) return { reason: "PredecessorNotSoaked", message: `ring ${name} is halted` };',
    replace: "",
    says: "a level goes on behind a ring that halted on failures",
  },
  "ring.empty-predecessor": {
    find: "if (view.soaked || (view.empty && view.emptyPasses)) continue;",
    replace: "if (view.soaked || view.empty) continue;",
    says: "an empty ring counts as soaked although it does not say Pass",
  },
  "ring.unsoaked-predecessor": {
    find: 'return { reason: "PredecessorNotSoaked", message: describePredecessor(name, view, approval) };',
    replace: 'if (view.progress?.complete !== true) return { reason: "PredecessorNotSoaked", message: name };',
    says: "a complete ring opens the next one before it has soaked",
  },
  "ring.deferral": {
    find: "  checkDeferral,\n",
    replace: "",
    says: "a level starts younger than the ring's deferral",
  },
  "ring.scope": {
    find: "  checkScope,\n",
    replace: "",
    says: "targets beyond the number that was approved are changed",
  },
  "ring.stop": {
    find: 'ledger.spec.mode === "Stop" ? { reason: "Stopped"',
    replace: 'ledger.rebuilding ? { reason: "Stopped"',
    says: "mode Stop does not stop new starts",
    equivalent:
      "in any mode but Enforce nothing is added to the ledger (ledger.enforce-only): this check gives the reason its name",
  },
  "ring.suspend-in-git": {
    find: "ring.suspendedLive || ring.spec.suspend === true",
    replace: "ring.suspendedLive",
    says: "a ring that Git suspends goes on",
    equivalent:
      "the pass that reads it writes the ring's copy first (apply-policy.ts), so the ring's status, which names the commit, is not stored in that pass, and a ring whose status was not stored claims nobody (pass.own-record); the next pass finds the copy suspended",
  },
  "ring.suspend-live": {
    find: "ring.suspendedLive || ring.spec.suspend === true",
    replace: "ring.spec.suspend === true",
    says: "a person's suspend with kubectl does not count where Git rules",
  },
  "ring.halt": {
    find: "  ({ halted }) => halted,\n",
    replace: "",
    says: "a ring with more failures than it may have claims the next target",
  },
  "ring.rebuilding": {
    find: "    ledger.rebuilding\n",
    replace: "    ledger.claims.length > 1e9\n",
    says: "claims are made while the ledger lacks those that stand on objects",
    equivalent:
      "writeLedger adds nothing to a ledger that is not complete (ledger.complete-first): this check gives the reason its name",
  },
  "ring.freezes": {
    find: "  checkFreezes,\n  checkWindows,",
    replace: "  checkWindows,",
    says: "targets start in a freeze",
  },
  "ring.windows": {
    find: "  checkFreezes,\n  checkWindows,",
    replace: "  checkFreezes,",
    says: "targets start outside every window",
  },
  "ring.cutoff": {
    find: 'if (approval.skips.has("Windows") || windowsAt(calendars, now).mayStart || deadlinePassed(scope)) return undefined;',
    replace:
      'if (approval.skips.has("Windows") || windowsAt(calendars, now).open || deadlinePassed(scope)) return undefined;',
    says: "targets start after the window's cutoff, too late to be done in it",
  },
  "ring.gates": {
    find: "  ({ shutGate }) => shutGate,\n",
    replace: "",
    says: "a shut gate lets targets start",
  },
  "ring.deadline-asked-for": {
    find: 'return ring.spec.onDeadline === "IgnoreWindows" && deadline !== undefined && now >= deadline;',
    replace: "return deadline !== undefined && now >= deadline;",
    says: "a deadline forces targets out of their windows although nobody said so",
  },
  "ring.freeze-override": {
    find: 'const freeze = freezesAt(calendars, now, { expedite: approval.skips.has("Freezes") });',
    replace: "const freeze = freezesAt(calendars, now, { expedite: true });",
    says: "a freeze that may be overridden is, by nobody",
  },
  "back-out.stop": {
    find: '  if (ledger.spec.mode === "Stop") return { reason: "Stopped", message: "the ledger\'s mode is Stop" };\n',
    replace: '  if (ledger.spec.mode === "Stop") return undefined;\n',
    says: "Stop leaves what is in flight to go on",
  },
  "back-out.observe": {
    find: '  if (ledger.spec.mode !== "Enforce") return { reason: "Observing", message: "the ledger\'s mode is Observe" };\n',
    replace: "",
    says: "back in Observe, targets that were claimed are still touched",
  },
  "back-out.rewritten": {
    find: "  if (rewritten !== undefined) return rewritten;\n",
    replace: "",
    says: "after a force-push targets that have not begun go on by the old history",
  },
  "back-out.withdrawn": {
    find: "  if (scope.withdrawn !== undefined) return scope.withdrawn;\n",
    replace: "",
    says: "a level that was withdrawn before this ring goes on in claims that have not begun",
  },
  "back-out.unreadable": {
    find: "  if (scope.unreadable !== undefined) return scope.unreadable;\n",
    replace: "",
    says: "with its calendar gone nobody knows the windows, and targets begin their update",
  },
  "back-out.freeze": {
    find: "  if (frozen !== undefined) return frozen;\n",
    replace: "",
    says: "a freeze that begins does not take back what has not begun",
  },
  "back-out.window-end": {
    find: '  return { reason: "OutsideWindow", message: "the window ended" };',
    replace: "  return undefined;",
    says: "cordons, evictions and updates begin after the window has ended",
  },
});

const entries = inFile("controller/core/rollout/entries.ts", {
  "entry.digest": {
    find: '  if (level.mismatch !== undefined) return { reason: "LevelDigestMismatch", message: level.mismatch };\n',
    replace: "",
    says: "a level that is not what its name says is rolled out",
  },
  "entry.baseline": {
    find: "if (level.spec.baseline !== entry.baseline)",
    replace: "if (level.spec.baseline === undefined)",
    says: "an entry may name a level of another baseline",
  },
  "entry.expedite-ends": {
    find: "if (entry.expedite === undefined || !(now < Date.parse(entry.expedite.until))) return new Set();",
    replace: "if (entry.expedite === undefined) return new Set();",
    says: "an expedite holds for ever",
  },
  "entry.withdrawal": {
    find: "    return { ...record, withdrawnTime: new Date(now).toISOString() };",
    replace: "    return record;",
    says: "a reverted approval is not remembered as withdrawn",
  },
  "entry.withdrawn-in-order": {
    find: "if (withdrawn.get(name)?.has(digest) === true)",
    replace: "if (withdrawn.get(name)?.has(digest) === true && name === ring.name)",
    says: "what was withdrawn in a ring before is not refused in those after it",
  },
});

const progress = inFile("controller/core/rollout/progress.ts", {
  "complete.in-flight": {
    find: "if (inFlight > 0 || failures > (spec.budget?.maxFailures ?? 0)) return false;",
    replace: "if (failures > (spec.budget?.maxFailures ?? 0)) return false;",
    says: "a ring counts as complete while targets are in change",
  },
  "complete.failures": {
    find: "if (inFlight > 0 || failures > (spec.budget?.maxFailures ?? 0)) return false;",
    replace: "if (inFlight > 0) return false;",
    says: "a ring with too many failures counts as complete",
  },
  "complete.empty": {
    find: 'if (scope === 0) return spec.completion?.onEmpty === "Pass";',
    replace: "if (scope === 0) return true;",
    says: "a ring without targets counts as complete",
  },
  "complete.min-percent": {
    find: "return done * 100 >= scope * (spec.completion?.minPercent ?? 100);",
    replace: "return done > 0;",
    says: "a ring counts as complete when its first target is done",
  },
  "complete.claimed-is-not-done": {
    find: "if (isDone(target) && !claimed.has(target.asset.uid)) {",
    replace: "if (isDone(target)) {",
    says: "a target counts as done before its operation is over",
    equivalent:
      "a ring with a claim in flight is not complete (complete.in-flight), and a failed one is not at its level; only the counter shown differs for a moment",
  },
  "soak.wanted": {
    find: 'const wanted = parseDuration(ring.spec.soak ?? "24h") ?? Number.POSITIVE_INFINITY;',
    replace: "const wanted = 0;",
    says: "no ring soaks: the next one starts at once",
  },
  "soak.regression": {
    find: "const before = regressed ? 0 : soakBefore(input);",
    replace: "const before = soakBefore(input);",
    says: "a verified target that falls back does not reset the soak",
  },
  "soak.regression-unsoaks": {
    find: "const soaked = !regressed && offered && soakedMs >= wanted",
    replace: "const soaked = offered && soakedMs >= wanted",
    says: "a ring stays soaked while a verified target has fallen back",
  },
  "soak.gates": {
    find: "previous?.completedTime !== undefined && input.gatesHold && up;",
    replace: "previous?.completedTime !== undefined && up;",
    says: "soak goes on while a gate is shut",
  },
  "soak.nodes-up": {
    find: "previous?.completedTime !== undefined && input.gatesHold && up;",
    replace: "previous?.completedTime !== undefined && input.gatesHold;",
    says: "soak goes on while a node that was updated is down",
  },
  "soak.two-looks": {
    find: "complete && offered && previous?.completedTime !== undefined && input.gatesHold && up;",
    replace: "complete && offered && input.gatesHold && up;",
    says: "time before the ring was seen complete counts as soak",
  },
  "soak.persisted": {
    find: "return soakedMs !== undefined && soakedMs >= stored && soakedMs - stored <= SOAK_UNWRITTEN_MS ? soakedMs : stored;",
    replace: "return soakedMs ?? 0;",
    says: "soak lives in memory: each restart begins it anew",
  },
  "failures.lost": {
    find: "const failed = new Set(previous?.lost);",
    replace: "const failed = new Set<string>();",
    says: "failures are forgotten with their claims: an autoscaler that sweeps up keeps a bad rollout going",
  },
  "failures.held": {
    find: "if (claim.digest === approval.level.digest && hasFailed(claim, stored)) failed.add(claim.uid);",
    replace: "",
    says: "failed targets do not count as failures of their ring",
  },
  "scope.exempt": {
    find: 'return target.assessment.state !== "Exempt" && target.assessment.state !== "NotApplicable";',
    replace: 'return target.assessment.state !== "NotApplicable";',
    says: "an excepted target holds its ring up",
  },
  "done.conflict": {
    find: "approved && !offTarget && target.conflict === undefined && (",
    replace: "approved && !offTarget && (",
    says: "a target that two baselines claim counts as done under both",
  },
});

const order = [
  ...inFile("controller/core/rollout/ring-view.ts", {
    "ring.empty-passes-its-own-before": {
      find: "if (view.ring !== undefined && view.empty && view.emptyPasses && !view.soaked)",
      replace: "if (view.ring === undefined)",
      says: "an empty ring that says Pass opens a way past the rings before it",
    },
    "ring.halt-over": {
      find: "  if (failures <= most) return undefined;\n",
      replace: "  if (failures >= 0) return undefined;\n",
      says: "no ring ever halts on failures",
    },
    "ring.cycle": {
      find: "const shut = [...problems, ...cyclesIn(ring, context.rings)];",
      replace: "const shut = [...problems];",
      says: "rings that come after one another start",
    },
    "ring.unreadable-calendar": {
      find: "const shut = [...problems, ...cyclesIn(ring, context.rings)];",
      replace: "const shut = [...cyclesIn(ring, context.rings)];",
      says: "a ring whose calendar is missing starts targets",
      equivalent:
        "a missing or broken calendar is a brake of its ring already (policy/in-force.ts); this one holds where rings come from the cluster alone",
    },
  }),
  ...inFile("controller/core/rollout/ring-order.ts", {
    "ring.order": {
      find: "(ring.spec.after ?? []).every((name) => placed.has(name) || !byName.has(name)),",
      replace: "ring.name !== '',",
      says: "rings are looked at by name: what comes before is not known yet when it is asked for",
    },
  }),
  ...inFile("controller/core/rollout/membership.ts", {
    "member.conflict": {
      find: "return others.length > 0\n",
      replace: "return others.length > 1e9\n",
      says: "of two rings that select a target the first wins",
    },
    "member.control-plane": {
      find: "(!node.controlPlane || controlPlane) && matches(selector, node.labels);",
      replace: "matches(selector, node.labels);",
      says: "control-plane nodes are members of rings that do not name their role",
    },
    "member.percent-shares": {
      find: "taken.set(key, to);",
      replace: "taken.set(key, from);",
      says: "rings that share nodes by percent take the same nodes",
    },
  }),
  ...inFile("controller/core/rollout/decide.ts", {
    "back-out.moved": {
      find: "findRisk(claim, context) ?? findMoved(claim, context) ?? findAway(claim, context, views),",
      replace: "findRisk(claim, context) ?? findAway(claim, context, views),",
      says: "a target that left its ring is updated all the same",
    },
    "back-out.control-plane": {
      find: "findRisk(claim, context) ?? findMoved(claim, context) ?? findAway(claim, context, views),",
      replace: "findMoved(claim, context) ?? findAway(claim, context, views),",
      says: "a control-plane node reboots while etcd would lose its quorum",
    },
    "back-out.superseded": {
      find: '  return { reason: "Superseded", message: `ring ${claim.ring} is now approved for another level` };',
      replace: "  return undefined;",
      says: "claims at a level that the entry does not name any more go on",
    },
    "back-out.reverted": {
      find: '    return { reason: "LevelWithdrawn", message: `the approval of ${claim.level} was taken back` };',
      replace: "    return undefined;",
      says: "claims at a level whose approval was taken back go on",
    },
    "back-out.no-ring": {
      find: 'if (view === undefined) return { reason: "ReferenceMissing", message: `ring ${claim.ring} does not exist` };',
      replace: "if (view === undefined) return undefined;",
      says: "claims of a ring that was deleted go on",
    },
    "back-out.grace": {
      find: "return findRetreat(scope, isInGrace(claim, view, context));",
      replace: "return findRetreat(scope);",
      says: "a late node is forced before its grace is over",
    },
  }),
  ...inFile("controller/core/rollout/calendars.ts", {
    "ring.cluster-calendar": {
      find: 'if (spec.scope === "Cluster") names.add(name);',
      replace: "if (spec.scope === undefined) continue;",
      says: "calendars of scope Cluster bind nobody",
    },
  }),
  ...inFile("controller/core/calendar/window.ts", {
    "freeze.never": {
      find: 'return options.expedite === true && freeze.override === "Expedite";',
      replace: "return options.expedite === true;",
      says: "an expedited level passes a freeze that nothing overrides",
    },
    "freeze.end": {
      find: "const holding = freezes.filter((freeze) => freeze.start <= now && now < freeze.end);",
      replace: "const holding = freezes.filter((freeze) => freeze.start <= now);",
      says: "a freeze never ends",
    },
  }),
  ...inFile("controller/core/rollout/gates.ts", {
    "gate.no-data": {
      find: 'if (total === 0) return unknown(gate, "NoData: there is nothing to count");',
      replace: "if (total === 0) return undefined;",
      says: "a gate that measured nothing passes",
    },
    "gate.share": {
      find: "return healthy >= wanted ? undefined : shut(",
      replace: "return healthy >= 0 ? undefined : shut(",
      says: "a share below what the gate wants passes",
    },
  }),
];

export const RINGS: readonly Mutant[] = [...checks, ...entries, ...progress, ...order];
