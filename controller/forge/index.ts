// Picks the adapter for a forge. Only `reconcile/` and the executables call this; adapters know nothing of each other.
import { createGitHubForge, type GitHubSettings } from "./github/index.ts";
import type { Forge } from "./port.ts";

export { type Account, createAppAccount, type ForgeCall } from "./github/index.ts";
export type { Forge, PullRequest } from "./port.ts";
export { createFetch } from "./way.ts";
export { REF_PROTECTED } from "./protected.ts";

/** Which forge, and where. One member per kind. */
export type ForgeSettings = { readonly kind: "GitHub" } & GitHubSettings;

/** A forge as its kind wants it. Throws UserError when the address cannot be used. */
export function createForge(settings: ForgeSettings): Forge {
  switch (settings.kind) {
    case "GitHub":
      return createGitHubForge(settings);
  }
}
