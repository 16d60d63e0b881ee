// What is tried, refused or undone, and what may not simply be tried again: a rollout that was rolled back, pods that somebody set back by hand,
// jobs that the cluster refuses after it was asked, a job that somebody replaced.
import { ApiError, type KubeObject } from "../../../controller/kube/port.ts";
import { DEPLOYMENTS, JOBS, PODS } from "../../../controller/kube/resources.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { QUICKSTART_IMAGES } from "../../../controller/sandbox/fleet/quickstart.ts";
import { at, CLAIM_MARK, STEP_LABEL, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { deed, FLATCAR, fleet, IMAGES, isAt, look, operationOf, ring, rings, until } from "./parts.ts";

const { nginx } = QUICKSTART_IMAGES;
const image = (tag: string): string => `${nginx.repository}:${tag}`;

const stepOf = (stage: Stage, name: string): string =>
  textAt(look(stage, "workloadpatchstates.ringward.dev", `shop/deployment-${name}`), "status", "operation", "step") ??
  "";

const change = async (stage: Stage, name: string, body: object): Promise<void> =>
  void (await stage.admin.patch(DEPLOYMENTS, { namespace: "shop", name }, { type: "strategic", body }));

const placed = (nodeSelector: object | null): object => ({ spec: { template: { spec: { nodeSelector } } } });

function objects(stage: Stage, table: string): readonly KubeObject[] {
  return [
    ...(stage.cluster.server.store.snapshot().tables.get(table)?.objects.values() ?? []),
  ] as unknown[] as KubeObject[];
}

/** A workload's pods that run the new image. */
const newPods = (stage: Stage, name: string): readonly KubeObject[] =>
  objects(stage, "pods").filter(
    ({ metadata, status }) =>
      metadata.name.startsWith(`${name}-`) &&
      JSON.stringify(at(status, "containerStatuses") ?? []).includes(image(nginx.current)),
  );

/** The job of a node's update. */
function updateOf(stage: Stage, node: string): KubeObject | undefined {
  return objects(stage, "jobs.batch").find(
    ({ metadata, spec }) =>
      metadata.labels?.[STEP_LABEL] === "update" && textAt(spec, "template", "spec", "nodeName") === node,
  );
}

/** `kubectl replace --force`: the same job under the same name is another one. */
async function replace(stage: Stage, job: KubeObject): Promise<void> {
  const { name, namespace, uid = "", labels, annotations } = job.metadata;
  await stage.admin.delete(JOBS, { namespace, name }, { uid, propagationPolicy: "Background" });
  const { selector: _, template, ...spec } = job.spec as { selector: unknown; template: { spec: object } };
  await stage.admin.create(JOBS, {
    ...job,
    metadata: { name, namespace, labels, annotations },
    spec: { ...spec, template: { metadata: { labels }, spec: template.spec } },
    status: undefined,
  } as KubeObject);
}

/** Of a claim, only the job that was written down is let run. */
function runsWhatIsWritten(history: readonly StoredVersion[]): readonly string[] {
  const written = new Map<string, string | undefined>();
  const lines: string[] = [];
  for (const { resource, object, previous, user } of history) {
    const { name, labels, uid } = object.metadata;
    if (resource === "nodepatchstates.ringward.dev") written.set(name, textAt(object.status, "operation", "jobUID"));
    if (resource !== "jobs.batch" || !user.startsWith("ringward/") || labels?.[CLAIM_MARK] === undefined) continue;
    if (at(previous?.spec, "suspend") !== true || at(object.spec, "suspend") === true) continue;
    const node = textAt(object.spec, "template", "spec", "nodeName") ?? "";
    if (written.get(node) !== uid) lines.push(`written nodes/${node}: a job was let run that is not written down`);
  }
  return lines;
}

const refusal = (): never => {
  throw new ApiError(403, {
    kind: "Status",
    code: 403,
    reason: "Forbidden",
    message: 'admission webhook "jobs.example.com" denied the request',
  });
};

export const SECOND_TRIES: Scene = {
  isRough: true,
  promises: [runsWhatIsWritten],
  interrupts: [
    {
      name: "the cluster refuses the jobs of a node's update, whatever it said when it was asked",
      before: (_, { method, path, query, body }) =>
        method === "POST" &&
        path.endsWith("/jobs") &&
        query?.["dryRun"] === undefined &&
        textAt(body, "metadata", "labels", STEP_LABEL) === "update" &&
        textAt(body, "spec", "template", "spec", "nodeName") === "n-refused",
      act: refusal,
      always: true,
    },
  ],
  scenario: until(20, {
    fleet: () =>
      fleet(
        [
          ...["refused", "replaced"].map((name) => ({ name: `n-${name}`, ring: name, zone: `zone-${name}` })),
          // Nobody drains this one.
          { name: "n-calm", ring: "nobody", labels: { calm: "yes" } },
        ],
        ["back", "pods"].map((name) => ({ name: `w-${name}`, ring: name })),
      ),
    policy: async () => ({
      ...(await FLATCAR()),
      "baselines/images.yaml": IMAGES,
      ...rings({
        refused: ring("refused"),
        replaced: ring("replaced"),
        back: ring("back", "  onFailure: RollBackTarget\n  budget: { workloads: 1, maxFailures: 3 }\n", ["images"]),
        pods: ring("pods", "", ["images"]),
      }),
    }),
    async prepare(stage) {
      await change(stage, "w-back", { spec: { progressDeadlineSeconds: 60 } });
      await change(stage, "w-pods", placed({ calm: "yes" }));
    },
    deeds: [
      deed(
        "the new pods of a rollout find no place",
        (stage) => JSON.stringify(look(stage, "deployments.apps", "shop/w-back")).includes(image(nginx.current)),
        (stage) => change(stage, "w-back", placed({ nobody: "yes" })),
      ),
      deed(
        "there is place again when it is rolled back",
        (stage) => stepOf(stage, "w-back") === "RollingBack",
        (stage) => change(stage, "w-back", placed(null)),
      ),
      deed(
        "somebody sets the image of a pod back by hand",
        (stage) => stepOf(stage, "w-pods") === "Patched" && newPods(stage, "w-pods").length > 0,
        async (stage) => {
          for (const { metadata } of newPods(stage, "w-pods"))
            await stage.admin.patch(
              PODS,
              { namespace: "shop", name: metadata.name },
              { type: "strategic", body: { spec: { containers: [{ name: "main", image: image(nginx.old) }] } } },
            );
        },
      ),
      deed(
        "somebody replaces the job that waits to run",
        (stage) =>
          isAt(stage, "n-replaced", "Updating") &&
          textAt(operationOf(stage, "n-replaced"), "jobUID") !== undefined &&
          at(updateOf(stage, "n-replaced")?.spec, "suspend") === true,
        async (stage) => {
          const job = updateOf(stage, "n-replaced");
          if (job !== undefined) await replace(stage, job);
        },
      ),
    ],
  }),
};
