// Tells a person's fault (wrong address, branch, credentials, protection) from an outage, by what git and the server said. git has no
// machine-readable causes here; an unknown text stays an outage, which is tried again: never the other way round.
import { GitExit, reasonIn } from "./git-process.ts";
import { redact } from "../redact.ts";
import { UserError } from "../errors.ts";

interface Rule {
  readonly pattern: { test(text: string): boolean };
  readonly code: string;
  readonly why: string;
  readonly todo: string;
}

/** The code of a push that the server's rules refuse. */
export const BRANCH_PROTECTED = "RW1117";

/** A server may say what it likes: what stands between two words is bounded, so that no text is searched from each of its words to its end. */
const rules: readonly Rule[] = [
  {
    pattern: /\bssh: (?:command )?not found|'remote-https?' is not a git command/i,
    code: "RW1124",
    why: "the program that speaks with such a server is not there",
    todo: "install git with its https helper, and an ssh client",
  },
  {
    pattern: /no user exists for uid/i,
    code: "RW1124",
    why: "ssh does not work for a user without a name",
    todo: "use an image that has this user in /etc/passwd",
  },
  {
    pattern: /code 407|returned error: 407|response 407|from proxy after CONNECT/i,
    code: "RW1119",
    why: "the proxy does not let us through",
    todo: "check spec.proxy.url and what its credentialsFile holds",
  },
  {
    pattern: /couldn't find remote ref/i,
    code: "RW1111",
    why: "the repository has no such branch",
    todo: "create the branch or correct spec.branch",
  },
  {
    pattern:
      /authentication failed|could not read (?:username|password)|returned error: 40[13]|permission denied|invalid username or|access denied|terminal prompts disabled/i,
    code: "RW1112",
    why: "the server does not accept the credentials",
    todo: "check the token or key and its rights",
  },
  {
    pattern: /host key verification failed|no .{0,100} host key is known/i,
    code: "RW1113",
    why: "the server's host key is not in known_hosts",
    todo: "add its key to the mounted known_hosts file",
  },
  {
    pattern: /returned error: 30\d|unable to update url base from redirection/i,
    code: "RW1114",
    why: "the server redirects to another address",
    todo: "write that address in spec.url",
  },
  {
    pattern: {
      test: (text) =>
        /returned error: 404|does not (?:appear to be a git repository|exist)|not a git repository/i.test(text) ||
        hasLine(text, "repository ", "not found"),
    },
    code: "RW1115",
    why: "there is no repository at this address",
    todo: "correct spec.url",
  },
  {
    pattern: /certificate|ssl/i,
    code: "RW1116",
    why: "the server's certificate is not trusted",
    todo: "mount its authority's certificate",
  },
  {
    pattern:
      /hook declined|protected branch|denied by|deny updating|denyCurrentBranch|denied|refusing to|prohibited|GH0\d\d/i,
    code: BRANCH_PROTECTED,
    why: "the server refuses to move this branch",
    todo: "let Ringward's account push to it, or use promotion: PullRequest",
  },
  {
    pattern: /possible repository corruption on the remote side|bad parents in commit/i,
    code: "RW1118",
    why: "the server cannot read its own repository",
    todo: "repair it there (git fsck says where)",
  },
  {
    pattern: /fsck|object corrupt|badtree|hasdot|zeropadded|missingemail/i,
    code: "RW1118",
    why: "the repository holds malformed objects, which are refused",
    todo: "repair its history (git fsck says where)",
  },
];

/** Whether a line says one and then the other; a look at each character at most twice, whatever the server wrote. */
function hasLine(text: string, first: string, then: string): boolean {
  return text
    .toLowerCase()
    .split("\n")
    .some((line) => {
      const at = line.indexOf(first);
      return at >= 0 && line.includes(then, at + first.length);
    });
}

/** A UserError for what a person must mend; otherwise the error as it came. */
export function explainRemoteError(error: unknown, url: string, branch: string): Error {
  if (!(error instanceof GitExit)) return error instanceof Error ? error : new Error(String(error));
  const text = `${error.stderr}\n${error.stdout}`;
  const rule = rules.find((candidate) => candidate.pattern.test(text));
  if (rule === undefined) return error;
  return new UserError(
    rule.code,
    redact(`repository ${url}, branch "${branch}": ${rule.why}: ${reasonIn(error)}`),
    rule.todo,
  );
}
