// The verdict on a run, from what etcd stored, what the API server's audit log says, what the repository holds and what the forge
// recorded: the invariants that the sandbox is judged by, on a real server's history.
import { systemClock } from "../../../controller/clock.ts";
import { openPolicyGit } from "../../../controller/git/repository.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import type { SandboxForge } from "../../../controller/sandbox/forge/index.ts";
import { checkHistory, readGitHistory, type Violation } from "../../../controller/sandbox/invariants/index.ts";
import { readAudit, requestsOf, userOf } from "./audit.ts";
import type { StoredChange } from "./etcd.ts";
import { joinHistory, UNKNOWN_USER } from "./history.ts";

export interface Outcome {
  readonly violations: readonly Violation[];
  /** Invariants whose precondition occurred. */
  readonly occurred: ReadonlySet<string>;
  readonly history: readonly StoredVersion[];
  /** What the API server forbade to the controllers, each once. */
  readonly forbidden: readonly string[];
  /** Versions that the controllers wrote, and versions that nobody can be named for. */
  readonly written: number;
  readonly unexplained: readonly string[];
}

export interface Evidence {
  readonly changes: readonly StoredChange[];
  readonly auditLog: string;
  readonly directory: string;
  readonly forge: SandboxForge;
  readonly controllerUsers: ReadonlySet<string>;
}

/** How long before a controller's act a change of the cluster may have come without its having seen it. */
const SETTLE_MS = 5_000;

export async function judge({ changes, auditLog, directory, forge, controllerUsers }: Evidence): Promise<Outcome> {
  const events = readAudit(auditLog);
  const history = joinHistory(changes, events);
  const git = await openPolicyGit({
    url: forge.gitUrl,
    allowInsecure: true,
    branch: "main",
    directory,
    author: { name: "verdict", email: "verdict@example.invalid" },
    clock: systemClock,
  });
  const { violations, occurred } = checkHistory({
    history,
    controllerUsers,
    settleMs: SETTLE_MS,
    requests: requestsOf(events, controllerUsers),
    git: {
      ...(await readGitHistory(git, { isController: (author) => author.startsWith("Ringward "), history })),
      former: new Set(forge.pushes().flatMap((push) => (push.branch === "main" ? (push.after ?? []) : []))),
    },
    pulls: await forge.pullRequests(),
  });
  const forbidden = events.filter((event) => controllerUsers.has(userOf(event)) && event.responseStatus?.code === 403);
  return {
    violations,
    occurred,
    history,
    forbidden: [...new Set(forbidden.map((event) => `${event.verb} ${event.requestURI.split("?")[0] ?? ""}`))],
    written: history.filter(({ user }) => controllerUsers.has(user)).length,
    unexplained: history
      .filter(({ user }) => user === UNKNOWN_USER)
      .map(({ key, revision, type }) => `${type} ${key}@${revision}`),
  };
}
