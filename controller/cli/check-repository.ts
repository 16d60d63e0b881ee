// The rest of `ringward check --pre`: whether the policy repository can be fetched and its forge asked, the very way in which the controller does it.
// Credentials are mounted files, so outside of the controller's pod this may not be known, and is then told so.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PolicyRepositorySpec } from "../api/policy-repository.ts";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import type { Preflight, Line } from "../install/preflight/index.ts";
import { createAppAccounts } from "../reconcile/forge-account.ts";
import { openForge, openRepository, type OpenSettings } from "../reconcile/open-repository.ts";
import { oneLine } from "./output.ts";

interface CheckOptions {
  /** Of the controller, for what to do. */
  readonly namespace: string;
  readonly allowInsecure: boolean;
  /** Whether this runs in the controller's pod, where every file has to be that a specification names. */
  readonly inPod: boolean;
  readonly clock: Clock;
}

interface Found {
  readonly name: string;
  readonly spec: PolicyRepositorySpec;
}

/** Lines about git and the forge. */
export async function checkRepository(
  repository: Preflight["repository"],
  options: CheckOptions,
): Promise<readonly Line[]> {
  if (repository.kind === "Absent") return [];
  if (repository.kind !== "There")
    return [{ name: "policy repository", verdict: "unknown", says: `it could not be read: ${repository.says}` }];
  const { items } = repository.body as {
    readonly items: readonly { metadata: { name: string }; spec: PolicyRepositorySpec }[];
  };
  const [first, ...others] = items.map(({ metadata, spec }): Found => ({ name: metadata.name, spec }));
  if (first === undefined)
    return [
      {
        name: "policy repository",
        verdict: "warn",
        says: "there is none: policy is what people apply with kubectl",
        todo: "name one: policyRepository.spec of the chart, or docs/kinds/policyrepository.md",
      },
    ];
  const lines: Line[] = others.map(({ name }) => ({
    name: "policy repository",
    verdict: "fail",
    says: `${name} is a second one, beside ${first.name}: one cluster has one`,
    todo: "delete the one that is not meant",
  }));
  const directory = await mkdtemp(join(tmpdir(), "ringward-check-"));
  const settings: OpenSettings = {
    identity: "check",
    directory,
    transport: options.clock,
    allowInsecure: options.allowInsecure,
  };
  try {
    const seen = [await checkGit(first, settings), await checkForge(first, settings)];
    lines.push(...seen.map((one) => judgeFile(one, options)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return lines;
}

/** A line, and whether a file of the pod's would have been needed. */
type Seen = Line & { readonly missingFile?: true };

/** A file that is missing is the pod's to have; from elsewhere nothing can be said. */
function judgeFile({ missingFile, ...line }: Seen, { inPod, namespace }: CheckOptions): Line {
  if (missingFile !== true) return line;
  if (inPod) return { ...line, verdict: "fail", todo: "mount its Secret: secretMounts of the chart" };
  const todo = `run it where the files are: kubectl --namespace ${namespace} exec deployment/ringward-controller -- ringward check --pre`;
  return { ...line, verdict: "skip", todo };
}

async function checkGit({ name, spec }: Found, settings: OpenSettings): Promise<Seen> {
  const branch = spec.branch ?? "main";
  const path = spec.path ?? "";
  return attempt("git", `PolicyRepository ${name}`, async () => {
    const git = await openRepository(spec, settings, createAppAccounts(settings.transport));
    const { head } = await git.fetch();
    const { files, noFolder } = await git.read(head, path);
    const at = `branch ${branch} is at ${head.slice(0, 12)}`;
    if (noFolder === true)
      return { name: "git", verdict: "fail", says: `${at}, and ${path} is no folder there`, todo: "correct spec.path" };
    if (files.length === 0)
      return {
        name: "git",
        verdict: "warn",
        says: `${at}, and holds no policy yet`,
        todo: "commit baselines and rings (README)",
      };
    return { name: "git", verdict: "ok", says: `${at}, with ${files.length} policy files` };
  });
}

async function checkForge({ name, spec }: Found, settings: OpenSettings): Promise<Seen> {
  const { forge } = spec;
  if (forge === undefined)
    return { name: "forge", verdict: "ok", says: "none is named: a proposal is a branch that people merge with git" };
  return attempt("forge", `PolicyRepository ${name}`, async () => {
    const opened = await openForge(spec, settings, createAppAccounts(settings.transport));
    const open = await opened?.listOpen(spec.branch ?? "main");
    return {
      name: "forge",
      verdict: "ok",
      says: `${forge.kind} answers for ${forge.owner}/${forge.repository}: ${open?.length ?? 0} open pull requests into ${spec.branch ?? "main"}`,
    };
  });
}

/** What a person has to mend is a failure; a file that only the pod has, and a server that does not answer, leave it unknown. */
async function attempt(name: string, whose: string, look: () => Promise<Line>): Promise<Seen> {
  try {
    return await look();
  } catch (error) {
    const says = oneLine(`${whose}: ${error instanceof Error ? error.message : String(error)}`);
    if (/\bENOENT\b|\bEACCES\b/.test(says)) return { name, verdict: "unknown", says, missingFile: true };
    if (error instanceof UserError) return { name, verdict: "fail", says };
    return { name, verdict: "unknown", says, todo: "see that the server can be reached from here" };
  }
}
