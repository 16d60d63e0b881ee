// Finds the command and loads only that command's file: start-up time is a promise (under 0.3 s for `version`).
import { UserError } from "../errors.ts";
import type { ActName } from "./act.ts";

/** A command receives its own arguments and returns the exit code (0 fine, 1 findings, 2 wrong use or failure). */
export type Command = (args: readonly string[]) => Promise<number>;

/** A command's file: what it does, and what its --help prints. */
interface Loaded {
  readonly command: Command;
  readonly USAGE: string;
}

const commands: Readonly<Record<string, { summary: string; load: () => Promise<Loaded> }>> = {
  approve: { summary: "approve a level for a ring that no repository holds", load: () => act("approve") },
  check: { summary: "look whether a cluster is as Ringward needs it", load: () => import("./check.ts") },
  "compare-versions": {
    summary: "compare two versions under dpkg, rpm, apk, semver or kernel rules",
    load: () => import("./compare-versions.ts"),
  },
  completion: {
    summary: "print what makes a shell complete commands and flags",
    load: () => import("./completion.ts"),
  },
  controller: { summary: "run the controller against a cluster", load: () => import("./controller.ts") },
  crds: { summary: "print the CustomResourceDefinitions", load: () => import("./crds.ts") },
  enforce: { summary: "let the controller act", load: () => act("enforce") },
  init: { summary: "write a policy repository to start from", load: () => import("./init.ts") },
  install: { summary: "print what a cluster needs: kinds, roles, policies", load: () => import("./install.ts") },
  migrate: {
    summary: "say in policy what kured or system-upgrade-controller does",
    load: () => import("./migrate.ts"),
  },
  observe: { summary: "let the controller look and touch nothing", load: () => act("observe") },
  plan: { summary: "show every asset's state and what would happen next", load: () => import("./plan.ts") },
  reconcile: { summary: "look at the policy repository now", load: () => act("reconcile") },
  rehearse: { summary: "say what merging a policy change would do", load: () => import("./rehearse.ts") },
  release: { summary: "give a target up and free its budget", load: () => act("release") },
  resume: { summary: "let a suspended ring go on", load: () => act("resume") },
  retry: { summary: "try a failed target again", load: () => act("retry") },
  rollout: {
    summary: "show one ring's rollout: progress, pace, budget, what blocks",
    load: () => import("./rollout.ts"),
  },
  status: { summary: "show rings as lanes, problems spelled out", load: () => import("./status.ts") },
  demo: { summary: "a patched fleet in a minute, on an embedded cluster", load: () => import("./demo.ts") },
  sandbox: { summary: "run an embedded cluster, forge and clock", load: () => import("./sandbox.ts") },
  stop: { summary: "start nothing, bring what is in flight to safety", load: () => act("stop") },
  suspend: { summary: "start nothing new in a ring", load: () => act("suspend") },
  validate: { summary: "check a policy folder", load: () => import("./validate.ts") },
  why: { summary: "tell why one node or workload stands where it does", load: () => import("./why.ts") },
  version: { summary: "print the version", load: () => import("./version.ts") },
};

async function act(name: ActName): Promise<Loaded> {
  return (await import("./act.ts")).actCommand(name);
}

const NAMES = Object.keys(commands).toSorted();

async function usageOf(name: string): Promise<string | undefined> {
  return Object.hasOwn(commands, name) ? (await commands[name]?.load())?.USAGE : undefined;
}

function usage(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: ringward COMMAND [ARGS]\n\n${lines.join("\n")}\n\nringward COMMAND --help says more.\n`;
}

export async function run(argv: readonly string[]): Promise<number> {
  // `help NAME` is `NAME --help`.
  const [name, ...rest] = argv[0] === "help" && argv.length === 2 ? [argv[1] ?? "", "--help"] : argv;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(usage());
    return name === undefined ? 2 : 0;
  }
  if (name === "__complete") return (await import("./completion.ts")).complete(rest, { names: NAMES, usageOf });
  const entry = Object.hasOwn(commands, name === "--version" ? "version" : name)
    ? commands[name === "--version" ? "version" : name]
    : undefined;
  if (entry === undefined) {
    const { closest } = await import("../api/suggest.ts");
    const guess = closest(name, NAMES);
    process.stderr.write(
      `ringward: there is no command "${name}"${guess === undefined ? `\n\n${usage()}` : ` (did you mean "${guess}"?)\n`}`,
    );
    return 2;
  }
  try {
    return await (await entry.load()).command(rest);
  } catch (error) {
    if (error instanceof UserError) {
      process.stderr.write(`ringward ${name}: ${error.message} [${error.code}]\n`);
      return 2;
    }
    // A defect or an outage: exit 2 like every failure, with what a report needs.
    process.stderr.write(
      `ringward ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    return 2;
  }
}
