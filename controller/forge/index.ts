// Picks the adapter for a forge. Only `reconcile/` and the executables call this; adapters know nothing of each other.
import { createGiteaForge, type GiteaForgeOptions } from "./gitea/index.ts";
import { createGitHubForge, type GitHubSettings } from "./github/index.ts";
import type { Forge } from "./port.ts";

export { type Account, createAppAccount } from "./github/index.ts";
export type { ForgeCall } from "./pace.ts";
export type { Forge, PullRequest } from "./port.ts";
export { createFetch } from "./way.ts";
export { REF_PROTECTED } from "./protected.ts";

/** Which forge, and where. One member per kind. */
export type ForgeSettings =
  | ({ readonly kind: "GitHub" } & GitHubSettings)
  | ({ readonly kind: "Gitea" } & GiteaForgeOptions);

/** A forge as its kind wants it. Throws UserError when the address cannot be used. */
export function createForge(settings: ForgeSettings): Forge {
  switch (settings.kind) {
    case "GitHub":
      return createGitHubForge(settings);
    case "Gitea":
      return createGiteaForge(settings);
  }
}
