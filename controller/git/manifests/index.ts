// Manifests that somebody else applies: the files that must change so that images are at a level, as edits of single values.
import type { PolicyFile } from "../port.ts";
import type { EditedManifests, ManifestChange } from "./change.ts";
import { editHelmValues } from "./helm-values.ts";
import { editKustomize } from "./kustomize.ts";
import { editPlain } from "./plain.ts";

export type { EditedManifests, ManifestChange, ManifestEdit, ManifestImage, ValuePaths } from "./change.ts";

/**
 * Makes a change in the files of a commit; kustomizations need their bases among them. Throws UserError: RW1120 and RW1121 for what is
 * not edited in place, RW1122 where the images are not there.
 */
export function editManifests(files: readonly PolicyFile[], change: ManifestChange): EditedManifests {
  switch (change.kind) {
    case "PlainYaml":
      return editPlain(files, change);
    case "Kustomize":
      return editKustomize(files, change);
    case "HelmValues":
      return editHelmValues(files, change);
  }
}
