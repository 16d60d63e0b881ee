// What the controller does with a policy repository, as a process of its own, so that everything it does can be traced: opens, fetches, reads, and
// loads the policy. Reads visits as JSON from its input and answers JSON.
import { text } from "node:stream/consumers";
import { createValidators } from "../../../../controller/api/validator.ts";
import { systemClock } from "../../../../controller/clock.ts";
import { UserError } from "../../../../controller/errors.ts";
import { openPolicyGit, type PolicyGitOptions } from "../../../../controller/git/repository.ts";
import { formatFinding } from "../../../../controller/policy/finding.ts";
import { loadPolicy } from "../../../../controller/policy/load.ts";

const AUTHOR = { name: "Ringward", email: "ringward@example.test" };

export type Visit = Pick<
  PolicyGitOptions,
  "url" | "branch" | "directory" | "limits" | "allowInsecure" | "silenceMs" | "transfer"
> & {
  readonly path: string;
  readonly token?: string;
  /** A pull request whose head is looked at, too. */
  readonly pull?: { readonly number: number; readonly head: string };
};

/** What came of a visit. */
export interface Seen {
  /** RW code of a refusal, or the class of another error. */
  readonly refused?: string;
  readonly message?: string;
  /** What is wrong with a file by itself, by path. */
  readonly problems: Readonly<Record<string, string>>;
  /** Texts of the others. */
  readonly texts: Readonly<Record<string, string>>;
  /** `Kind/name` of the policy in it. */
  readonly objects: readonly string[];
  readonly findings: readonly string[];
  readonly pulled?: string;
  readonly ms: number;
}

const validators = createValidators();

export async function visit({ path, pull, token, ...options }: Visit): Promise<Seen> {
  const begun = systemClock.monotonic();
  const ms = (): number => systemClock.monotonic() - begun;
  try {
    const git = await openPolicyGit({
      ...options,
      ...(token === undefined ? {} : { auth: { kind: "Token", token: async () => token } }),
      author: AUTHOR,
      clock: systemClock,
    });
    const { head } = await git.fetch();
    const { files, noFolder } = await git.read(head, path);
    const { objects, problems } = loadPolicy({ files, validators, path });
    const pulled =
      pull === undefined
        ? {}
        : { pulled: JSON.stringify(await git.readPull({ ...pull, head: pull.head as typeof head, onto: head, path })) };
    return {
      ...(noFolder === true ? { refused: "noFolder", message: "the path is no folder" } : {}),
      problems: Object.fromEntries(
        files.flatMap((file) => (file.problem === undefined ? [] : [[file.path, file.problem.code]])),
      ),
      texts: Object.fromEntries(files.flatMap((file) => (file.problem === undefined ? [[file.path, file.text]] : []))),
      objects: objects.map(({ kind, name }) => `${kind}/${name}`),
      findings: problems.map(formatFinding),
      ...pulled,
      ms: ms(),
    };
  } catch (error) {
    const { name, message } = error as Error;
    const refused = error instanceof UserError ? error.code : name;
    return { refused, message, problems: {}, texts: {}, objects: [], findings: [], ms: ms() };
  }
}

if (process.argv[1] === import.meta.filename) {
  const visits = JSON.parse(await text(process.stdin)) as readonly Visit[];
  const seen: Seen[] = [];
  for (const one of visits) seen.push(await visit(one));
  process.stdout.write(JSON.stringify(seen));
}
