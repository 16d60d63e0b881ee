// What an edit of manifests is asked for, and what it answers.
import type { LevelImage } from "../../api/patch-level.ts";

/** Where a chart's values name an image; paths such as `image.tag` or `sidecars[0].image`. */
export interface ValuePaths {
  /** The whole reference in one string. */
  readonly image?: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** An image as manifests should name it. */
export interface ManifestImage extends Pick<LevelImage, "repository" | "mirrors" | "tag" | "digest"> {
  readonly valuePaths?: ValuePaths;
}

export interface ManifestChange {
  readonly kind: "PlainYaml" | "Kustomize" | "HelmValues";
  /** File or folder from the repository's root. */
  readonly path: string;
  readonly images: readonly ManifestImage[];
}

/** One value that changes. */
export interface ManifestEdit {
  readonly file: string;
  /** For people: `Deployment shop/web, container main`, or the path in a file of values. */
  readonly place: string;
  /** Undefined: there was none, or there is none any more. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export interface EditedManifests {
  /** Path -> new text, of the files that change. */
  readonly files: ReadonlyMap<string, string>;
  /** Empty: the manifests say so already. */
  readonly edits: readonly ManifestEdit[];
}
