// Manifest proposals: image changes of workloads that somebody else applies, asked for where their manifests stand.
export {
  hashPath,
  type KnownManifestProposal,
  MANIFEST_PREFIX,
  manifestBranch,
  parseManifestBranch,
  readManifestProposal,
} from "./known.ts";
export { type ChangedValue, type RenderedManifestPage, type Rendering, renderManifestPage } from "./page.ts";
export { findDisagreement, findManifestPlaces, findNamedPlaces, type ManifestPlace, normalisePath } from "./places.ts";
export { type ManifestClosing, type ManifestPlan, type ManifestProposal, planManifests } from "./plan.ts";
export { type KnownProposals, recordManifestRefusals } from "./refusals.ts";
export { parseValuePath } from "./value-path.ts";
