// The rollout that a version records: small, so that every later version can finish it from each of its moments, and with every step that
// there is: prepare and stage before an update, a reboot, an image that is patched, and one that never gets ready and is rolled back.
// What machines find in their package sources is today's (fleet/images.ts): offers may be added there, and none taken away.
import { QUICKSTART_IMAGES } from "../../controller/sandbox/fleet/quickstart.ts";
import { DEPLOYMENTS } from "../../controller/kube/resources.ts";
import { fleetOf, policyOf, ringFile, type RingName } from "../sweep/scenario.ts";
import type { Scenario } from "../sweep/stage.ts";

const { nginx, redis } = QUICKSTART_IMAGES;
/** Nodes and workloads of the fleet. */
export const TARGETS = 4;
const BROKEN_TAG = "8.0.0-broken";

/** The recipe with a prepare step like its stage step. */
function withPrepare(text: string): string {
  const stage = /^ {4}stage:\n(?: {6}.*\n)+/m.exec(text)?.[0];
  if (stage === undefined) throw new Error("the recipe has no stage step");
  return text.replace(stage, stage.replace("stage:", "prepare:").replace(", stage]", ", prepare]") + stage);
}

async function policy(): Promise<Readonly<Record<string, string>>> {
  const ring = (name: RingName, options: Parameters<typeof ringFile>[1]): string =>
    `${ringFile(name, options)}  onFailure: RollBackTarget\n`;
  const files = await policyOf({
    "rings/canary.yaml": ring("canary", {
      budget: "{ nodes: 1, workloads: 1, maxFailures: 1 }",
      promotion: "Automatic",
    }),
    "rings/early.yaml": ring("early", { after: "canary", budget: "{ nodes: 1, workloads: 2, maxFailures: 1 }" }),
  });
  const { "recipes/dnf.yaml": dnf = "", "baselines/shared-images.yaml": images = "", ...rest } = files;
  return {
    ...rest,
    "recipes/dnf.yaml": withPrepare(dnf),
    "baselines/shared-images.yaml": images.replace(/(shop\/redis, tag: )[^ }]+/, `$1${BROKEN_TAG}`),
  };
}

export const UPGRADE: Scenario = {
  fleet: () =>
    fleetOf(
      [
        ["ubuntu-1", "ubuntu", "canary", "zone-a"],
        ["rocky-1", "rocky", "early", "zone-b"],
      ],
      [
        {
          kind: "Deployment",
          namespace: "shop",
          name: "web",
          replicas: 2,
          image: `${nginx.repository}:${nginx.old}`,
          budget: { maxUnavailable: 1 },
          ring: "early",
        },
        {
          kind: "Deployment",
          namespace: "shop",
          name: "cache",
          replicas: 1,
          image: `${redis.repository}:${redis.old}`,
          ring: "early",
        },
      ],
    ),
  policy,
  limits: { nodes: 1, workloads: 2, nodesPerZone: 1 },
  async prepare({ admin }) {
    const ref = { namespace: "shop", name: "cache" };
    await admin.patch(DEPLOYMENTS, ref, { type: "merge", body: { spec: { progressDeadlineSeconds: 60 } } });
  },
  deeds: [],
  last: { ring: "early", levels: 4 },
};
