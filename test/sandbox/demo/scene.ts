// Hand-made looks at a cluster for the demo's tests: only what the demo's story and its faults read.
import type { Claim, State } from "../../../controller/core/model.ts";
import type { Facts } from "../../../controller/sandbox/demo/facts.ts";

export const START = Date.parse("2024-12-16T07:00:00Z");

export interface RowSketch {
  readonly name: string;
  readonly ring: string;
  readonly state?: State;
  readonly approved?: boolean;
}

export interface Sketch {
  readonly at?: number;
  readonly rings?: readonly { readonly name: string; readonly phase: string; readonly blocked?: string }[];
  readonly rows?: readonly RowSketch[];
  readonly claims?: readonly {
    readonly name: string;
    readonly ring: string;
    readonly baseline?: string;
    readonly since?: string;
  }[];
  /** Statuses of nodes' patch states, by name. */
  readonly states?: Readonly<Record<string, object>>;
  readonly nodes?: readonly object[];
  readonly pods?: readonly object[];
  readonly pdbs?: readonly object[];
  readonly ringStatus?: Readonly<Record<string, object>>;
  readonly calendars?: readonly object[];
  readonly conditions?: readonly object[];
}

function claim(sketch: NonNullable<Sketch["claims"]>[number]): Claim {
  const { name, ring, baseline = "ubuntu-2204", since = "2024-12-16T06:50:00Z" } = sketch;
  return {
    id: `c-${name}-${since}`,
    uid: `uid-${name}`,
    kind: "Node",
    name,
    ring,
    baseline,
    since,
  } as unknown as Claim;
}

/** A look at the cluster as sketched; what is left out is empty. */
export function factsOf(sketch: Sketch): Facts {
  const rows = (sketch.rows ?? []).map(({ name, ring, state = "Missing", approved = true }) => ({
    asset: { kind: "Node", name, uid: `uid-${name}` },
    ring,
    baseline: "ubuntu-2204",
    state,
    approved,
    blockedBy: [],
  }));
  const there = rows.filter((row) => row.state === "Installed").length;
  const facts = {
    at: sketch.at ?? START,
    plan: {
      rows,
      decisions: [],
      rings: (sketch.rings ?? []).map(({ name, phase, blocked }) => ({
        ring: { name, spec: { budget: { nodes: 2 } } },
        phase,
        blockedBy: blocked === undefined ? [] : [{ reason: blocked, message: "" }],
        members: { nodes: rows.filter((row) => row.ring === name).length, workloads: 0 },
        entries: {
          approvals: new Map([["ubuntu-2204", { baseline: "ubuntu-2204", level: { name: "ubuntu-2204-x" } }]]),
        },
      })),
    },
    claims: (sketch.claims ?? []).map(claim),
    nodes: { total: rows.length, compliant: there, exempt: 0, blocked: [] },
    workloads: { total: 0, compliant: 0, exempt: 0, blocked: [] },
    objects: {
      nodes: sketch.nodes ?? [],
      pods: sketch.pods ?? [],
      pdbs: sketch.pdbs ?? [],
      nodeStates: Object.entries(sketch.states ?? {}).map(([name, status]) => ({
        metadata: { name },
        status: { targetUID: `uid-${name}`, ...status },
      })),
      workloadStates: [],
      rings: Object.entries(sketch.ringStatus ?? {}).map(([name, status]) => ({ metadata: { name }, status })),
      calendars: sketch.calendars ?? [],
    },
    repository: { status: { conditions: sketch.conditions ?? [] } },
  };
  return facts as unknown as Facts;
}

/** Every target at its level and nothing under way. */
export function finishedFacts(at = START): Facts {
  return factsOf({
    at,
    rings: [{ name: "canary", phase: "Done" }],
    rows: [{ name: "ubuntu-01", ring: "canary", state: "Installed" }],
  });
}
