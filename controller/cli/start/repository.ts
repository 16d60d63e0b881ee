// A policy repository to start from, as files: baselines that follow what the nodes' own package source offers, rings in order, one
// calendar, recipes, and who has to review what. Everything is proposed and nothing is automatic. Pure: answers and recipes in, files out.
import { stringify } from "yaml";
import { UserError } from "../../errors.ts";
import type { Answers, StartProduct } from "./answers.ts";

/** Text by path from the repository's root. */
export type Files = ReadonlyMap<string, string>;

export interface StartInput {
  readonly answers: Answers;
  /** `YYYYMMDD`: package archives are taken as they were that day. */
  readonly date: string;
  /** Text of a recipe to start from. */
  readonly recipe: (name: string) => string;
}

const RING_LABEL = "node-restriction.kubernetes.io/ring";
const WORKLOAD_LABEL = "patch-ring";

/** All files of the repository. */
export function startRepository(input: StartInput): Files {
  const { answers } = input;
  return new Map([
    ["README.md", readme(answers)],
    ["CODEOWNERS", codeowners(answers)],
    ["calendars/maintenance.yaml", calendar(answers)],
    ...answers.products.map(
      (product) => [`baselines/${baselineName(product)}.yaml`, baseline(product, input)] as const,
    ),
    ...(answers.images.length === 0 ? [] : [["baselines/images.yaml", images(answers)] as const]),
    ...answers.products.map(({ recipe }) => [`recipes/${recipe}.yaml`, recipeText(recipe, input)] as const),
    ...answers.rings.map((ring, index) => [`rings/${ring}.yaml`, ringText(ring, index, answers)] as const),
  ]);
}

/** A document of a kind, under what a reader should know of it. What YAML 1.1 would take for something else is quoted. */
export function writeDocument(comment: readonly string[], kind: string, name: string, spec: object): string {
  const object = { apiVersion: "ringward.dev/v1alpha1", kind, metadata: { name }, spec };
  return `${comment.map((line) => `# ${line}\n`).join("")}${stringify(object, { lineWidth: 0, compat: "yaml-1.1" })}`;
}

function baselineName({ id, versionId }: StartProduct): string {
  return versionId === undefined ? id : `${id}-${versionId.replaceAll(".", "")}`;
}

function baseline(product: StartProduct, { date }: StartInput): string {
  const { id, versionId, recipe, release } = product;
  const archive = recipe.startsWith("apt");
  const comment = archive
    ? [
        `What ${id} nodes must run: what their own package source offers, so nobody types package names.`,
        "A version that the archive no longer has is taken from its snapshot of this day: move it on now and then.",
      ]
    : [
        `What ${id} nodes must run: what their own package source offers, so nobody types package names.`,
        "releaseVersion holds the package manager to this release: the same level can be had again later.",
      ];
  return writeDocument(comment, "PatchBaseline", baselineName(product), {
    target: "Node",
    node: {
      product: { id, ...(versionId === undefined ? {} : { versionId }) },
      source: archive ? { snapshot: `${date}T000000Z` } : { releaseVersion: release },
      follow: "Offered",
      recipeRef: { name: recipe },
      rebootPolicy: "IfRequired",
    },
    // One new level a week, instead of one for each package that comes out.
    resolveSchedule: { schedule: "0 6 * * 1" },
  });
}

function images({ images: list }: Answers): string {
  const comment = ["Images that workloads share. They are exact: a revert of an approval rolls them back."];
  return writeDocument(comment, "PatchBaseline", "images", { target: "Image", image: { images: list } });
}

function calendar({ timeZone, window, duration }: Answers): string {
  const comment = [
    "When work may start. Windows limit starts only; what is under way finishes. A freeze is added here:",
    "  freezes: [{ name: year-end, startTime: 2027-12-20T12:00, endTime: 2028-01-07T00:00, reason: year-end freeze }]",
  ];
  return writeDocument(comment, "MaintenanceCalendar", "maintenance", {
    timeZone,
    windows: [{ name: "maintenance", schedule: window, duration }],
  });
}

function ringText(ring: string, index: number, { rings, products, images: list, soak }: Answers): string {
  const before = rings[index - 1];
  const nodes = `Nodes: kubectl label node NODE ${RING_LABEL}=${ring}`;
  const workloads = `Workloads: the label ${WORKLOAD_LABEL}: ${ring}. mode: Patch lets Ringward set their images.`;
  const comment = [
    before === undefined
      ? "The first ring: new levels are proposed here."
      : `After ${before}, when that has soaked the level.`,
    nodes,
    ...(list.length === 0 ? [] : [workloads]),
  ];
  const names = [...products.map(baselineName), ...(list.length === 0 ? [] : ["images"])].sort();
  return writeDocument(comment, "RolloutRing", ring, {
    ...(before === undefined ? {} : { after: [before] }),
    members: {
      nodes: { selector: { matchLabels: { [RING_LABEL]: ring } } },
      ...(list.length === 0
        ? {}
        : { workloads: { selector: { matchLabels: { [WORKLOAD_LABEL]: ring } }, mode: "Observe" } }),
    },
    budget: {
      nodes: index === 0 ? 1 : "10%",
      ...(list.length === 0 ? {} : { workloads: index === 0 ? 1 : "10%" }),
      maxFailures: 0,
    },
    soak,
    gates: [{ name: "nodes", type: "NodesReady", minPercent: 90 }],
    calendarRefs: [{ name: "maintenance" }],
    promotion: "PullRequest",
    levels: names.map((name) => ({ baseline: name })),
  });
}

const PLACEHOLDER = /registry\.example\.com\/library\/busybox@sha256:0{64}/g;

function recipeText(name: string, { recipe, answers }: StartInput): string {
  const text = recipe(name);
  if (!PLACEHOLDER.test(text))
    throw new UserError(
      "RW0231",
      `recipe ${name} names no image to replace`,
      "the installation is damaged; install it anew",
    );
  PLACEHOLDER.lastIndex = 0;
  return answers.recipeImage === undefined ? text : text.replaceAll(PLACEHOLDER, answers.recipeImage);
}

function codeowners({ owners, recipeOwners }: Answers): string {
  return [
    "# Who has to review what. Merging a recipe is root on nodes, and so is merging a level, which holds a copy of its steps.",
    `*          ${owners}`,
    `/recipes/  ${recipeOwners}`,
    `/levels/   ${recipeOwners}`,
    "",
  ].join("\n");
}

function readme({ rings, clusterName, recipeImage, products, images: list }: Answers): string {
  const recipes = products.map(({ recipe }) => `recipes/${recipe}.yaml`).join(", ");
  return `# Patch policy

What Ringward keeps nodes and images at, ring by ring. A change here is a pull request; its merge is the approval.

| folder | holds |
|---|---|
| \`baselines/\` | what patch level is required |
| \`rings/\` | who, in which order, how fast: ${rings.join(", ")} |
| \`calendars/\` | when work may start |
| \`recipes/\` | how a node is updated; merging a change is root on nodes |
| \`levels/\` | exact levels, written by Ringward |

Before the first merge:

1. Protect the branch and require reviews by code owners.
2. ${recipeImage === undefined ? `Put the image that recipes run in, by digest, into ${recipes}: the one there is a placeholder.` : `Look at ${recipes}: they run in ${recipeImage}.`}
3. Label nodes${list.length === 0 ? "" : " and workloads"} with their ring, as each file in \`rings/\` says.
4. \`ringward validate . --cluster DUMPDIR\`, with a dump of the cluster. A ring in which nothing falls under a baseline never completes, and the rings
   after it wait for ever (\`RingEmpty\`). The dump shows such rings; without one nobody can tell. Where it is meant to be so, say
   \`completion: { onEmpty: Pass }\` in the ring.

Then, on the cluster, with this repository's address:

\`\`\`yaml
apiVersion: ringward.dev/v1alpha1
kind: PolicyRepository
metadata: { name: policy }
spec:
  url: https://git.example.com/platform/patch-policy.git
  clusterName: ${clusterName}
\`\`\`

\`ringward status\` shows what would happen; nothing is touched before \`ringward enforce\`.
`;
}
