// The workflows and composite actions of .github/, their jobs, steps and scripts, as lists to hold something against.
import { type Action, files, parse, type Step, type Workflow } from "./support.ts";

export const WORKFLOWS = files(".github/workflows/*.yml").map((path) => ({ path, workflow: parse<Workflow>(path) }));
export const COMPOSITES = files(".github/actions/*/action.yml").map((path) => ({ path, action: parse<Action>(path) }));
export const JOBS = WORKFLOWS.flatMap(({ path, workflow }) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ where: `${path}: ${name}`, name, job, workflow })),
);
export const STEPS: readonly { readonly where: string; readonly step: Step }[] = [
  ...JOBS.flatMap(({ where, job }) => (job.steps ?? []).map((step) => ({ where, step }))),
  ...COMPOSITES.flatMap(({ path, action }) => action.runs.steps.map((step) => ({ where: path, step }))),
];
export const RUNS = STEPS.flatMap(({ where, step }) =>
  step.run === undefined ? [] : [{ where, run: step.run, step }],
);
