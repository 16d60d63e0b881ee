// Levels: what exactly is approved. Outsiders import from here.
export { canonicalJson, checkLevel, levelDigest, levelName } from "./digest.ts";
export { diffLevels } from "./diff.ts";
export type { LevelChange } from "./diff.ts";
export { packageSchemeOf } from "./components.ts";
export type { PackageScheme, ParsedComponent } from "./components.ts";
export { mergeOffered } from "./offered.ts";
export type { MergedOffers, OfferedVersions } from "./offered.ts";
export { resolveLevel } from "./resolve.ts";
export type { Resolved, ResolveInput } from "./resolve.ts";
