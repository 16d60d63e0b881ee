// A fleet at the size of DESIGN's numbers: nodes of several products' baselines, workloads of several images, four rings, some claims.
import type { Inventory, LevelInForce, PolicyInForce } from "../../controller/core/model.ts";
import type { PlanInput } from "../../controller/core/rollout/plan-input.ts";
import {
  levelFrom,
  claimOn,
  entry,
  iso,
  kernel,
  kernelLevel,
  ledger,
  nodeAsset,
  nodeBaseline,
  planInput,
  policy,
  ring,
  START,
  workloadAsset,
} from "./fleet.ts";

const RINGS = ["canary", "early", "wide", "last"];

export interface FleetSize {
  readonly nodes: number;
  readonly workloads: number;
  /** Half of them about nodes, half about images; every workload has an image of each. */
  readonly baselines: number;
}

/** A plan's input: two fifths of the nodes behind, canary soaked, early in progress. */
export function largeFleet({ nodes, workloads, baselines }: FleetSize): PlanInput {
  const half = Math.floor(baselines / 2);
  const pools = Array.from({ length: half }, (_, index) => `pool-${index}`);
  const repositories = Array.from({ length: baselines - half }, (_, index) => `registry.example.com/team/app-${index}`);
  const nodeLevels = pools.map((pool) => kernelLevel(110, { baseline: pool }));
  const imageLevels = repositories.map((repository, index) => imagesOf(repository, `app-${index}`));
  const levels = [...nodeLevels, ...imageLevels];
  const inventory: Inventory = {
    nodes: Array.from({ length: nodes }, (_, index) =>
      nodeAsset(`node-${index}`, {
        labels: { ring: ringOf(index, nodes), pool: pools[index % half] ?? "" },
        zone: "abc"[index % 3] ?? "a",
        kernelVersion: kernel(index % 5 < 3 ? 110 : 100),
      }),
    ),
    workloads: Array.from({ length: workloads }, (_, index) => {
      const images = repositories.map(
        (repository, place) => `${repository}:${(index + place) % 4 === 0 ? "1.0" : "1.1"}`,
      );
      return workloadAsset(`app-${index}`, "1.0", {
        labels: { ring: ringOf(index, workloads) },
        containers: images.map((image, place) => ({ name: `c${place}`, init: false, image })),
        pods: [
          {
            name: `app-${index}-0`,
            ready: true,
            running: images.map((image, place) => ({
              container: `c${place}`,
              image,
              imageId: `${image.split(":")[0]}@sha256:${"0".repeat(64)}`,
            })),
          },
        ],
      });
    }),
    pods: [],
    pdbs: [],
    apiServerVersion: "v1.35.1",
  };
  const inForce = policyOf(levels, pools, repositories);
  const claims = inventory.nodes
    .filter((node) => node.labels["ring"] === "early" && node.kernelVersion === kernel(100))
    .slice(0, 20);
  return planInput({
    policy: inForce,
    inventory,
    ledger: ledger(
      claims.map((node) =>
        claimOn(node, "early", nodeLevels[pools.indexOf(node.labels["pool"] ?? "")] as LevelInForce),
      ),
      { spec: { mode: "Enforce", limits: { nodes: "5%" } } },
    ),
    candidates: new Map(levels.map((level) => [level.spec.baseline, level])),
  });
}

function ringOf(index: number, total: number): string {
  const place = index / total;
  return (place < 0.02 ? RINGS[0] : place < 0.2 ? RINGS[1] : place < 0.6 ? RINGS[2] : RINGS[3]) ?? "";
}

function imagesOf(repository: string, baseline: string): LevelInForce {
  return levelFrom(
    { baseline, target: "Image", disruption: "Restart", image: { images: [{ repository, tag: "1.1" }] } },
    START - 1,
  );
}

function policyOf(
  levels: readonly LevelInForce[],
  pools: readonly string[],
  repositories: readonly string[],
): PolicyInForce {
  const soaked = levels.map((level) => ({
    baseline: level.spec.baseline,
    level: level.name,
    digest: level.digest,
    offeredTime: iso(START),
    completedTime: iso(START),
    soakedSeconds: 3600,
    soakedTime: iso(START),
  }));
  return policy({
    levels,
    baselines: [
      ...pools.map((pool) => nodeBaseline(pool, { nodeSelector: { matchLabels: { pool } } })),
      ...repositories.map((repository, index) => ({
        name: `app-${index}`,
        inputTime: START - 1,
        status: undefined,
        spec: { target: "Image" as const, image: { images: [{ repository, tag: "1.1" }] } },
      })),
    ],
    rings: RINGS.map((name, index) =>
      ring(
        name,
        {
          ...(index === 0 ? {} : { after: [RINGS[index - 1] ?? ""] }),
          levels: levels.map((level) => entry(level)),
          budget: { nodes: "10%", workloads: "10%" },
          calendarRefs: [{ name: "change" }],
          gates: [{ name: "ready", type: "NodesReady", minPercent: 90 }],
        },
        index < 2 ? { status: { levels: soaked } } : {},
      ),
    ),
    calendars: [
      { name: "change", spec: { timeZone: "Europe/Berlin", windows: [{ schedule: "0 8 * * *", duration: "8h" }] } },
    ],
  });
}
