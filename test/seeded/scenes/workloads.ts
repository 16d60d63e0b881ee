// Workloads whose images somebody else touches, whose rollouts do not get on, that vanish, and that two baselines are about.
import { DEPLOYMENTS } from "../../../controller/kube/resources.ts";
import type { ApiRequest } from "../../../controller/kube/port.ts";
import { at, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import { QUICKSTART_IMAGES } from "../../../controller/sandbox/fleet/quickstart.ts";
import { workloadObjects } from "../../../controller/sandbox/fleet/workloads.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { deed, fleet, IMAGES, look, ring, RING, rings, until } from "./parts.ts";

const { nginx, redis } = QUICKSTART_IMAGES;
const image = (tag: string): string => `${nginx.repository}:${tag}`;

const MORE = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: more-images }
spec:
  target: Image
  image: { images: [{ repository: ${redis.repository}, tag: ${redis.current} }] }
`;

function deployment(stage: Stage, name: string): unknown {
  return look(stage, "deployments.apps", `shop/${name}`);
}

function stepOf(stage: Stage, name: string): string {
  const state = look(stage, "workloadpatchstates.ringward.dev", `shop/deployment-${name}`);
  return textAt(state, "status", "operation", "step") ?? "";
}

const has = (stage: Stage, name: string, tag: string): boolean =>
  JSON.stringify(at(deployment(stage, name), "spec", "template")).includes(`nginx:${tag}`);

async function change(stage: Stage, name: string, body: object): Promise<void> {
  await stage.admin.patch(DEPLOYMENTS, { namespace: "shop", name }, { type: "strategic", body });
}

const setImage = (stage: Stage, name: string, tag: string): Promise<void> =>
  change(stage, name, { spec: { template: { spec: { containers: [{ name: "main", image: image(tag) }] } } } });
const nowhere = (stage: Stage, name: string): Promise<void> =>
  change(stage, name, { spec: { template: { spec: { nodeSelector: { nobody: "yes" } } } } });

async function remove(stage: Stage, name: string): Promise<void> {
  const uid = textAt(deployment(stage, name), "metadata", "uid") ?? "";
  await stage.admin.delete(DEPLOYMENTS, { namespace: "shop", name }, { uid, propagationPolicy: "Background" });
}

const RINGS: Readonly<Record<string, string>> = {
  plain: "",
  contested: "",
  "put-back": "",
  first: "",
  managed: "",
  stuck: "  onFailure: RollBackTarget\n  budget: { workloads: 1, maxFailures: 3 }\n",
  fails: "",
  vanish: "  budget: { workloads: 1 }\n",
  reborn: "  budget: { workloads: 1, maxFailures: 3 }\n",
  raced: "",
  remade: "  budget: { workloads: 1, maxFailures: 3 }\n",
  narrow: "  budget: { workloads: 1 }\n",
  half: '  budget: { workloads: "50%" }\n',
};

async function remake(stage: Stage, name: string, of: string): Promise<void> {
  await remove(stage, name);
  const [object] = workloadObjects({
    kind: "Deployment",
    namespace: "shop",
    name,
    replicas: 1,
    image: image(nginx.old),
    labels: { [RING]: of },
  });
  if (object !== undefined) await stage.admin.create(DEPLOYMENTS, object);
}

const patches = ({ method, path }: ApiRequest, name: string): boolean =>
  method === "PATCH" && path.endsWith(`/deployments/${name}`);

export const WORKLOADS: Scene = {
  isRough: true,
  interrupts: [
    {
      name: "somebody changes an image between our look and our write",
      before: (_, request) => patches(request, "w-raced"),
      act: (stage) => setImage(stage, "w-raced", "1.27.2"),
    },
    {
      name: "somebody makes a workload anew between our look and our write",
      before: (_, request) => patches(request, "w-remade"),
      act: (stage) => remake(stage, "w-remade", "remade"),
    },
  ],
  scenario: until(11, {
    fleet: () =>
      fleet(
        [
          { name: "n-1", ring: "nobody" },
          { name: "n-2", ring: "nobody", zone: "zone-b" },
        ],
        [
          ...Object.keys(RINGS).map((name) => ({ name: `w-${name}`, ring: name })),
          { name: "pair", ring: "plain", sidecar: `${redis.repository}:${redis.old}` },
          { name: "w-vanish-2", ring: "vanish" },
          ...["a", "b", "c"].map((name) => ({ name: `w-narrow-${name}`, ring: "narrow" })),
          ...["a", "b"].map((name) => ({ name: `w-half-${name}`, ring: "half" })),
        ],
      ),
    policy: () =>
      Promise.resolve({
        "baselines/images.yaml": IMAGES,
        "baselines/more-images.yaml": MORE,
        ...rings(
          Object.fromEntries(
            Object.entries(RINGS).map(([name, spec]) => [
              name,
              ring(name, spec, name === "plain" ? ["images", "more-images"] : ["images"]),
            ]),
          ),
        ),
      }),
    limits: { nodes: 5, workloads: 9, nodesPerZone: 5 },
    prepare: (stage) => change(stage, "w-stuck", { spec: { replicas: 2 } }),
    deeds: [
      deed(
        "somebody puts an image back after it was seen to be written",
        (stage) => stepOf(stage, "w-contested") === "Patched",
        (stage) => setImage(stage, "w-contested", nginx.old),
      ),
      deed(
        "somebody puts an image back before it was seen to be written",
        (stage) => stepOf(stage, "w-put-back") === "Patching" && has(stage, "w-put-back", nginx.current),
        (stage) => setImage(stage, "w-put-back", nginx.old),
      ),
      deed(
        "somebody else is first",
        (stage) => stepOf(stage, "w-first") === "Patching" && has(stage, "w-first", nginx.old),
        (stage) => setImage(stage, "w-first", "1.27.2"),
      ),
      deed(
        "a delivery tool takes a workload over after its claim",
        (stage) => stepOf(stage, "w-managed") === "Claimed",
        (stage) =>
          change(stage, "w-managed", {
            metadata: { annotations: { "argocd.argoproj.io/tracking-id": "x:apps/Deployment:shop/w-managed" } },
          }),
      ),
      ...["w-stuck", "w-fails"].map((name) =>
        deed(
          `the rollout of ${name} does not get on`,
          (stage) => has(stage, name, nginx.current),
          (stage) => nowhere(stage, name),
        ),
      ),
      deed(
        "a workload is deleted in its rollout",
        (stage) => has(stage, "w-vanish", nginx.current),
        (stage) => remove(stage, "w-vanish"),
      ),
      deed(
        "a workload is deleted just before its patch",
        (stage) => stepOf(stage, "w-reborn") === "Patching",
        (stage) => remove(stage, "w-reborn"),
      ),
      deed(
        "and made anew with the same name",
        (stage) => deployment(stage, "w-reborn") === undefined,
        async (stage) => {
          const [object] = workloadObjects({
            kind: "Deployment",
            namespace: "shop",
            name: "w-reborn",
            replicas: 1,
            image: image(nginx.old),
            labels: { [RING]: "reborn" },
          });
          if (object !== undefined) await stage.admin.create(DEPLOYMENTS, object);
        },
      ),
    ],
  }),
};
