// Rehearsals: what merging a policy change would do. Outsiders import from here.
export { rehearsalData } from "./data.ts";
export { renderRehearsal, type ValidationLine } from "./render.ts";
export { type Rehearsal, rehearse, rehearseInSteps, type RehearsedPolicy } from "./rehearse.ts";
