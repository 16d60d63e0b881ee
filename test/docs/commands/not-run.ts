// Commands of the documentation that the test of its commands does not run, each with the reason, and where something else runs it. A
// command that no row names is run; a row that names none is an error.

export interface NotRun {
  /** Pages whose path it matches. */
  readonly pages: RegExp;
  readonly command: RegExp;
  readonly why: string;
}

const NEEDS_CLUSTER = "needs a cluster";

export const NOT_RUN: readonly NotRun[] = [
  {
    pages: /^README|contributing/,
    command: /^npm (ci|test|run)\b|^RINGWARD_SWEEP=/,
    why: "a suite or a tool of its own",
  },
  { pages: /^docs\/how-to\/README\.md$/, command: /^alias /, why: "for the reader's own shell" },
  {
    pages: /^README/,
    command: /^ringward (status|demo merge all|demo mend)$/,
    why: "needs a demo that runs: test/cli/demo.test.ts types them while one does",
  },
  { pages: /^README/, command: /^ringward ARGS$/, why: "stands for every command" },
  {
    pages: /^docs\/install\.md$/,
    command: /^(kubectl|helm)\b/,
    why: "test/e2e/chart.test.ts types them on a real control plane",
  },
  {
    pages: /^docs\/install\.md$/,
    command: /^ringward controller --kubeconfig controller\.kubeconfig$/,
    why: "runs until it is stopped; test/e2e/chart.test.ts starts it with the file that the page makes",
  },
  {
    pages: /^charts\/ringward\/README\.md$/,
    command: /^(npm|buildah)\b/,
    why: "test/image/image.test.ts builds and pushes the image, on a base and to a registry of its own",
  },
  {
    pages: /^docs\/health\.md$/,
    command: /^kubectl patch configmap argocd-cm /,
    why: "needs a cluster with Argo CD; test/health/health.test.ts reads the file",
  },
  {
    pages: /^docs\/install\.md$/,
    command: /^ringward check --pre$/,
    why: "needs a cluster; test/e2e/install.test.ts asks a real control plane",
  },
  {
    pages: /^docs\/install\.md$/,
    command: /\| kubectl apply -f -$/,
    why: "test/e2e/install.test.ts applies what it prints",
  },
  {
    pages: /^docs\/runbooks\//,
    command: /^(kubectl|ringward (status|why|plan|validate))\b/,
    why: `${NEEDS_CLUSTER} with the trouble that the page is about`,
  },
  {
    pages: /^docs\/quickstart\.md$/,
    command: /^(ringward|kubectl|git|export|echo|kill|rm|CLOCK=|FORGE=)/,
    why: "needs the sandbox with its addresses of that moment; test/sandbox and the demo run the same parts",
  },
  {
    pages: /^docs\/start\.md$/,
    command: /ringward migrate .*--out patch-policy$/,
    why: `${NEEDS_CLUSTER} with that tool; test/cli/migrate.test.ts reads what kubectl prints of it`,
  },
  {
    pages: /^docs\/metrics\.md$/,
    command: /^npm run demo /,
    why: "stays until Ctrl-C; test/cli/demo.test.ts scrapes one, test/e2e/monitoring/panels.test.ts starts such a Prometheus",
  },
  { pages: /^docs\/gates\.md$/, command: /^ringward controller\b/, why: `${NEEDS_CLUSTER} and a Prometheus` },
  {
    pages: /^docs\/notifications\.md$/,
    command: /^(ringward controller|kubectl)\b/,
    why: `${NEEDS_CLUSTER}; test/secrets/canaries.test.ts runs the controller with such a file`,
  },
  {
    pages: /^docs\/rehearse\.md$/,
    command: /^ringward (rehearse --base (BASE|base\/policy)|validate head\/policy)/,
    why: "stands for any two folders; test/github/validate-policy.test.ts runs the same with clones",
  },
  { pages: /^docs\/recipes\.md$/, command: /^echo /, why: "part of a recipe's script; test/recipes runs whole ones" },
  {
    pages: /^policies\/(baselines|rings|calendars)\//,
    command: /^(mkdir|cp|sed|ringward)\b/,
    why: "test/library/policies.test.ts types them",
  },
  {
    pages: /^examples\/README\.md$/,
    command: /^node controller\/launch\.cjs test\/library\/examples\/write\.ts$/,
    why: "writes into the checkout; test/library/examples.test.ts holds that nothing would change",
  },
  {
    pages: /^examples\/README\.md$/,
    command: /^kubectl (get|version)\b/,
    why: `${NEEDS_CLUSTER}; test/library/examples.test.ts holds what is asked for against what is read`,
  },
];

/** Why a command is not run; undefined where it is. */
export function whyNotRun(page: string, command: string): string | undefined {
  return NOT_RUN.find((row) => row.pages.test(page) && row.command.test(command))?.why;
}
