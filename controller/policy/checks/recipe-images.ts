// Images that recipes would run on nodes and that a cluster's allow-list refuses (`ringward install --allow-recipe-image`). Looked for only
// where the list is told: a policy folder does not know which clusters it is for.
import { isAllowedImage } from "../../core/recipe-images.ts";
import type { RecipeSteps } from "../../api/update-recipe.ts";
import type { Finding } from "../finding.ts";
import type { PolicyObject } from "../object.ts";
import { type CheckContext, error } from "./context.ts";

export function checkRecipeImages(context: CheckContext): readonly Finding[] {
  const { recipeImages } = context;
  if (recipeImages === undefined) return [];
  const judge = (object: PolicyObject, path: readonly string[], steps: RecipeSteps | undefined): readonly Finding[] =>
    Object.entries(steps ?? {}).flatMap(([step, { image }]) =>
      isAllowedImage(image, recipeImages)
        ? []
        : [
            error(
              object,
              [...path, step, "image"],
              "RecipeImageNotAllowed",
              `${image} is not under ${recipeImages.join(", ")}: the cluster would refuse the job`,
              "take an image from there, or install Ringward with another --allow-recipe-image",
            ),
          ],
    );
  return [
    ...context.recipes.flatMap((recipe) => judge(recipe, ["spec", "steps"], recipe.spec.steps)),
    ...context.levels.flatMap((level) =>
      judge(level, ["spec", "node", "recipe", "steps"], level.spec.node?.recipe.steps),
    ),
  ];
}
