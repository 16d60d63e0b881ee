// The plan: from policy, inventory, ledger, stored states and the time, what each asset's state is and what happens next, each
// with its reason. Pure: the same input gives the same bytes, whatever the order of any list (R6). The controller, `plan`, the
// evidence of proposals, the sandbox and the tests all run this one.
import type { Instant } from "../../clock.ts";
import type { AssetRow, Digest } from "../model.ts";
import { finish, type Steps } from "../incremental/steps.ts";
import { decide, steerClaims } from "./decide.ts";
import type { Decision, Steering } from "./decision.ts";
import { foreseeDrain } from "./foresee-drain.ts";
import { holdKey } from "./gates.ts";
import { admitQueue, type Capacity } from "./limits.ts";
import type { ClaimRequest } from "./claim-request.ts";
import type { Members } from "./membership.ts";
import { type AnswerMemory, createMemory } from "../incremental/memory.ts";
import type { PlanInput } from "./plan-input.ts";
import { type Context, prepare } from "./prepare.ts";
import { lookAtRing, type RingView } from "./ring-view.ts";
import { describeTargets } from "./rows.ts";
import { type RingOutcome, summariseRing } from "./summary.ts";
import type { Target } from "./targets.ts";

export interface Plan {
  readonly at: Instant;
  readonly rows: readonly AssetRow[];
  readonly decisions: readonly Decision[];
  readonly rings: readonly RingOutcome[];
  /** What may be claimed now, in order. */
  readonly claims: readonly ClaimRequest[];
  readonly steering: readonly Steering[];
  readonly capacity: Capacity;
  readonly members: Members;
  readonly targets: readonly Target[];
  readonly withdrawn: ReadonlyMap<string, ReadonlySet<Digest>>;
  /** Exact soak of `ring/digest`, ms. */
  readonly soakedMs: ReadonlyMap<string, number>;
  /** Exact time that gates held, ms. */
  readonly gateHeldMs: ReadonlyMap<string, number>;
  /** Rings whose gates are all open. */
  readonly gatesHeld: ReadonlySet<string>;
}

/** Makes the plan. */
export function makePlan(input: PlanInput): Plan {
  return finish(makeSteps(input, createMemory()));
}

/** Makes one plan after another, and looks again only at what changed: objects that are the very same are not assessed twice. */
export interface Planner {
  plan(input: PlanInput): Plan;
  /** The same in steps, a piece of work each. A plan that is left half-way costs the next one time, and nothing else. */
  planInSteps(input: PlanInput): Steps<Plan>;
}

/** A planner with a memory of its own. Its plans are those of `makePlan`, byte for byte. */
export function createPlanner(): Planner {
  let memory = createMemory();
  function* steps(input: PlanInput): Steps<Plan> {
    const mine = memory;
    // Half of a plan is nothing to start from, whether it failed or was left.
    memory = createMemory();
    const plan = yield* makeSteps(input, mine);
    memory = mine;
    return plan;
  }
  return { plan: (input) => finish(steps(input)), planInSteps: steps };
}

function* makeSteps(given: PlanInput, memory: AnswerMemory): Steps<Plan> {
  const context = yield* prepare(given, memory);
  const { input } = context;
  const { members, targets, withdrawn } = context;
  const rings: RingView[] = [];
  for (const ring of context.rings) rings.push(yield* lookAtRing(ring, context));
  const views = new Map(rings.map((view) => [view.ring.name, view]));
  const capacity = capacityOf(context);
  const { admitted, shut, obstacles } = yield* admitQueue(
    context.claims,
    rings.map((view) => view.wanted),
    capacity,
    (request) => foreseeDrain(request, context),
  );
  const { rows, waits } = yield* describeTargets(context, { views, shut, obstacles, admitted });
  const steering = steerClaims(context, views);
  yield;
  return {
    at: input.now,
    rows,
    decisions: decide({ waits, rings, admitted, steering }, context),
    rings: rings.map((view) => summariseRing(view, context)),
    claims: input.ledger.spec.mode === "Enforce" ? admitted : [],
    steering,
    capacity,
    members,
    targets,
    withdrawn,
    gateHeldMs: new Map(
      rings.flatMap(({ ring, gates }) =>
        gates.flatMap(({ gate, heldMs }) =>
          heldMs === undefined ? [] : [[holdKey(ring.name, gate), heldMs] as const],
        ),
      ),
    ),
    gatesHeld: new Set(
      rings.flatMap(({ ring, gates }) => (gates.every(({ block }) => block === undefined) ? [ring.name] : [])),
    ),
    soakedMs: new Map(
      rings.flatMap((view) =>
        [...view.progress.values()].map(
          ({ status, soakedMs }) => [`${view.ring.name}/${status.digest}`, soakedMs] as const,
        ),
      ),
    ),
  };
}

function capacityOf({ input: { inventory, ledger, policy }, members, census }: Context): Capacity {
  return {
    nodes: inventory.nodes,
    census,
    ringOf: (uid) => {
      const membership = members.of.get(uid);
      return membership?.kind === "Ring" ? membership.ring : undefined;
    },
    ringNodes: (ring) => members.nodes.get(ring)?.length ?? 0,
    ringWorkloads: (ring) => members.workloads.get(ring)?.length ?? 0,
    workloads: inventory.workloads.length,
    limits: ledger.spec.limits ?? {},
    rings: policy.rings,
  };
}
