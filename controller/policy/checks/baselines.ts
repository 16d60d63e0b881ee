// Baselines: that their versions can be read and ordered, that their recipe is for them, that their source can be had again, and
// that no two of them speak of the same nodes.
import type { LabelSelector } from "../../api/schema.ts";
import { parseCron } from "../../core/calendar/cron.ts";
import { zoneOf } from "../../core/calendar/zone.ts";
import { packageSchemeOf } from "../../core/levels/index.ts";
import { isWithinVersion } from "../../core/levels/resolve.ts";
import { disjoint, implies } from "../../core/selectors.ts";
import { isVersion, parseKernel } from "../../core/versions/index.ts";
import type { Finding } from "../finding.ts";
import type { ObjectOf } from "../object.ts";
import { type CheckContext, error, warning } from "./context.ts";

type Baseline = ObjectOf<"PatchBaseline">;
type Node = NonNullable<Baseline["spec"]["node"]>;

function nodeBaselines(context: CheckContext): readonly (readonly [Baseline, Node])[] {
  return context.baselines.flatMap((baseline) =>
    baseline.spec.node === undefined ? [] : [[baseline, baseline.spec.node] as const],
  );
}

export function checkVersions(context: CheckContext): readonly Finding[] {
  return nodeBaselines(context).flatMap(([baseline, node]) => [
    ...checkKernels(baseline, node),
    ...checkComponents(baseline, node),
    ...checkPackages(baseline, node),
  ]);
}

function malformed(
  baseline: Baseline,
  pointer: readonly (string | number)[],
  text: string,
  what: string,
  example: string,
): Finding {
  return error(
    baseline,
    ["spec", "node", "minimum", ...pointer],
    "MalformedVersion",
    `"${text}" is not ${what}`,
    `write for example ${example}`,
  );
}

function checkKernels(baseline: Baseline, { minimum }: Node): Finding[] {
  return (minimum?.kernels ?? []).flatMap(({ series, flavour, version }, index) => {
    const kernel = parseKernel(version);
    if (kernel === undefined) {
      return [
        malformed(
          baseline,
          ["kernels", index, "version"],
          version,
          "a kernel release of a known distribution",
          "5.15.0-125-generic, as uname -r prints it",
        ),
      ];
    }
    const wrong = (key: string, is: string, says: string): Finding =>
      error(
        baseline,
        ["spec", "node", "minimum", "kernels", index, key],
        "KernelMismatch",
        `"${version}" is of ${key} "${is}", not of "${says}"`,
        `write ${key}: "${is}"`,
      );
    return [
      ...(kernel.series === series ? [] : [wrong("series", kernel.series, series)]),
      ...(kernel.flavour === flavour ? [] : [wrong("flavour", kernel.flavour, flavour)]),
    ];
  });
}

function checkComponents(baseline: Baseline, { minimum }: Node): Finding[] {
  const { kubelet, containerRuntime, osImage } = minimum ?? {};
  return [
    ...(kubelet === undefined || isVersion("semver", kubelet)
      ? []
      : [malformed(baseline, ["kubelet"], kubelet, "a kubelet version", "v1.35.2")]),
    ...(containerRuntime === undefined ||
    (/^[a-z][a-z0-9-]*:\/\/(.+)$/.test(containerRuntime) &&
      isVersion("semver", containerRuntime.replace(/^[^:]+:\/\//, "")))
      ? []
      : [
          malformed(
            baseline,
            ["containerRuntime"],
            containerRuntime,
            "a container runtime with its version",
            "containerd://1.7.24",
          ),
        ]),
    ...(osImage === undefined || isVersion("osimage", osImage)
      ? []
      : [
          malformed(
            baseline,
            ["osImage"],
            osImage,
            "an OS image with its version",
            "Flatcar Container Linux by Kinvolk 4081.2.0",
          ),
        ]),
  ];
}

function checkPackages(baseline: Baseline, { minimum, product, follow }: Node): Finding[] {
  const packages = minimum?.packages ?? [];
  const scheme = packageSchemeOf(product);
  if (scheme === undefined) {
    if (packages.length === 0 && follow !== "Offered") return [];
    const pointer = packages.length > 0 ? ["spec", "node", "minimum", "packages"] : ["spec", "node", "follow"];
    const message = `product "${product.id}" has no package versions that can be ordered`;
    return [error(baseline, pointer, "NoPackageOrder", message, "use minimum.osImage")];
  }
  return packages.flatMap(({ version }, index) =>
    isVersion(scheme, version)
      ? []
      : [
          malformed(
            baseline,
            ["packages", index, "version"],
            version,
            `a ${scheme} version`,
            scheme === "apk" ? "3.1.4-r5" : scheme === "rpm" ? "3.0.7-27.el9" : "3.0.2-0ubuntu1.18",
          ),
        ],
  );
}

/** The recipe is for the baseline's product, and can do what the baseline needs. */
export function checkRecipes(context: CheckContext): readonly Finding[] {
  return nodeBaselines(context).flatMap(([baseline, node]) => {
    const recipe = context.find("UpdateRecipe", node.recipeRef.name);
    if (recipe === undefined) return [];
    const findings: Finding[] = [];
    const { id, versionId } = recipe.spec.match.product;
    if (id !== node.product.id || (versionId !== undefined && !isWithinVersion(node.product.versionId, versionId))) {
      const show = (product: Node["product"]): string =>
        [product.id, product.versionId].filter((part) => part !== undefined).join(" ");
      const message = `recipe "${recipe.name}" is for ${show(recipe.spec.match.product)}, not for ${show(node.product)}`;
      findings.push(
        error(
          baseline,
          ["spec", "node", "recipeRef", "name"],
          "RecipeMismatch",
          message,
          "name a recipe of the product",
        ),
      );
    }
    if (recipe.spec.steps?.inventory === undefined) {
      const hint = `give recipe "${recipe.name}" a step inventory`;
      if (node.follow === "Offered") {
        findings.push(
          error(
            baseline,
            ["spec", "node", "follow"],
            "InventoryStepMissing",
            "nobody would know what is on offer",
            hint,
          ),
        );
      } else if ((node.minimum?.packages ?? []).length > 0) {
        findings.push(
          warning(
            baseline,
            ["spec", "node", "minimum", "packages"],
            "InventoryStepMissing",
            "packages stay Unknown without inventory",
            hint,
          ),
        );
      }
    }
    return findings;
  });
}

export function checkSources(context: CheckContext): readonly Finding[] {
  return nodeBaselines(context).flatMap(([baseline, { source, recipeRef }]) =>
    source !== undefined || installsNothing(context, recipeRef.name)
      ? []
      : [
          warning(
            baseline,
            ["spec", "node"],
            "SourceMissing",
            "no source: the same level may not be had again later",
            "name a snapshot, an immutable mirror, a release or an OS image digest",
          ),
        ],
  );
}

/** What only reboots or looks takes nothing from a source. */
function installsNothing(context: CheckContext, recipe: string): boolean {
  const strategy = context.find("UpdateRecipe", recipe)?.spec.strategy;
  return strategy === "RebootOnly" || strategy === "External";
}

/** A tag that means something else tomorrow is no level. */
export function checkImages(context: CheckContext): readonly Finding[] {
  return context.baselines.flatMap((baseline) =>
    (baseline.spec.image?.images ?? []).flatMap(({ tag, digest }, index) =>
      digest !== undefined || tag === undefined || isVersion("tag", tag)
        ? []
        : [
            warning(
              baseline,
              ["spec", "image", "images", index, "tag"],
              "MovingTag",
              `"${tag}" names no version, so it may mean another image tomorrow`,
              "add the digest",
            ),
          ],
    ),
  );
}

export function checkResolveSchedules(context: CheckContext): readonly Finding[] {
  return context.baselines.flatMap((baseline) => {
    const schedule = baseline.spec.resolveSchedule;
    if (schedule === undefined) return [];
    const cron = parseCron(schedule.schedule);
    const { timeZone = "UTC" } = schedule;
    return [
      ...(typeof cron === "string"
        ? [error(baseline, ["spec", "resolveSchedule", "schedule"], "InvalidSchedule", cron)]
        : []),
      ...(zoneOf(timeZone) === undefined
        ? [
            error(
              baseline,
              ["spec", "resolveSchedule", "timeZone"],
              "UnknownTimeZone",
              `there is no time zone "${timeZone}"`,
              "write an IANA name such as Europe/Berlin or UTC",
            ),
          ]
        : []),
    ];
  });
}

const EVERYTHING: LabelSelector = {};

/** A node under two node baselines is Blocked(BaselineConflict). */
export function checkBaselineOverlap(context: CheckContext): readonly Finding[] {
  const byProduct = Map.groupBy(nodeBaselines(context), ([, node]) => node.product.id);
  return [...byProduct.values()].flatMap((group) =>
    group.flatMap(([later, b], index) =>
      group.slice(0, index).flatMap(([earlier, a]) => (shareVersion(a, b) ? judgeOverlap(earlier, a, later, b) : [])),
    ),
  );
}

function shareVersion(a: Node, b: Node): boolean {
  const [x, y] = [a.product.versionId, b.product.versionId];
  return x === undefined || y === undefined || isWithinVersion(x, y) || isWithinVersion(y, x);
}

function judgeOverlap(earlier: Baseline, a: Node, later: Baseline, b: Node): Finding[] {
  const [x, y] = [a.nodeSelector ?? EVERYTHING, b.nodeSelector ?? EVERYTHING];
  const hint = "a node under two node baselines is blocked: give them selectors that exclude each other";
  if (implies(y, x) === "yes" || implies(x, y) === "yes") {
    const message = `selects nodes of ${b.product.id} that baseline "${earlier.name}" always selects too`;
    return [
      error(
        later,
        ["spec", "node", ...(b.nodeSelector === undefined ? ["product"] : ["nodeSelector"])],
        "BaselinesOverlap",
        message,
        hint,
      ),
    ];
  }
  if (disjoint(x, y) === "yes") return [];
  const message = `can select nodes of ${b.product.id} that baseline "${earlier.name}" selects too`;
  return [warning(later, ["spec", "node", "nodeSelector"], "BaselinesCanMeet", message, hint)];
}

/** Two baselines that want different images of one repository never agree. */
export function checkImageOverlap(context: CheckContext): readonly Finding[] {
  const first = new Map<string, Baseline>();
  return context.baselines.flatMap((baseline) =>
    (baseline.spec.image?.images ?? []).flatMap(({ repository }, index) => {
      const other = first.get(repository);
      if (other === undefined) first.set(repository, baseline);
      if (other === undefined || other === baseline) return [];
      const message = `baseline "${other.name}" requires an image of ${repository} too`;
      return [
        warning(
          baseline,
          ["spec", "image", "images", index, "repository"],
          "BaselinesOverlap",
          message,
          "keep it in one of them",
        ),
      ];
    }),
  );
}
