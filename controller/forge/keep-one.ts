// What should stand once on a forge (a comment, an issue), found again by a marker in its text and by its author: made where it is missing,
// edited where it differs. No forge has a compare-and-set for these, so we look, write and look again; where two clients made one at once,
// the older one stays, and both come to that by themselves. Pure but for the requests that it is given.
import { UserError, WaitError } from "../errors.ts";
import type { KeptIssue, PullComment } from "./port.ts";
import { boundBody, boundTitle } from "./text.ts";

/** The requests of one forge about the comments of one pull request. */
export interface CommentRequests {
  readonly list: () => Promise<readonly PullComment[]>;
  readonly make: (body: string) => Promise<void>;
  readonly edit: (id: number, body: string) => Promise<void>;
  readonly remove: (id: number) => Promise<void>;
}

/** An issue of our account. */
export interface FoundIssue {
  readonly number: number;
  readonly url: string;
  readonly title: string;
  readonly body: string;
  readonly open: boolean;
}

export interface IssueRequests {
  /** Issues (no pull requests) of our account that may hold the marker; undefined: the repository has no issues. */
  readonly list: () => Promise<readonly FoundIssue[] | undefined>;
  readonly make: (title: string, body: string) => Promise<FoundIssue>;
  readonly edit: (
    number: number,
    change: { readonly title?: string; readonly body?: string; readonly open?: boolean },
  ) => Promise<void>;
}

/** The text with its marker first, so that no cut can lose it. */
function marked(marker: string, body: string): string {
  if (!/^<!--[^\r\n]*-->$/.test(marker)) throw new Error(`not a marker: ${JSON.stringify(marker)}`);
  return boundBody(body.startsWith(marker) ? body : `${marker}\n${body}`.trimEnd());
}

/** Forges change line ends and blanks at the ends, and people's editors too. */
function sameText(one: string, other: string): boolean {
  const plain = (text: string): string => text.replaceAll("\r\n", "\n").trim();
  return plain(one) === plain(other);
}

/** Does the write; where its reply is lost or says no, looks whether the thing is there all the same, and throws only where it is not. */
async function makeOrFind<T>(make: () => Promise<unknown>, look: () => Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    await make();
  } catch (error) {
    if (error instanceof UserError || error instanceof WaitError) throw error;
    const found = await look();
    if (found.length === 0) throw error;
    return found;
  }
  return await look();
}

/** Keeps one comment with that marker (see the port). */
export async function keepOneComment(requests: CommentRequests, marker: string, body: string): Promise<void> {
  const text = marked(marker, body);
  const look = async (): Promise<readonly PullComment[]> =>
    (await requests.list())
      .filter((comment) => comment.mine && comment.body.includes(marker))
      .sort((one, other) => one.id - other.id);
  const seen = await look();
  const [kept, ...others] = seen.length > 0 ? seen : await makeOrFind(() => requests.make(text), look);
  if (kept === undefined) return;
  if (!sameText(kept.body, text)) await requests.edit(kept.id, text);
  for (const other of others) await requests.remove(other.id);
}

/** Keeps one issue with that marker (see the port). */
export async function keepOneIssue(
  requests: IssueRequests,
  { marker, title, body, open }: KeptIssue,
): Promise<{ readonly number: number; readonly url: string } | undefined> {
  const text = marked(marker, body);
  const name = boundTitle(title);
  const look = async (): Promise<readonly FoundIssue[] | undefined> =>
    (await requests.list())
      ?.filter((issue) => issue.body.includes(marker))
      .sort((one, other) => one.number - other.number);
  const seen = await look();
  if (seen === undefined || (seen.length === 0 && !open)) return undefined;
  const made: { issue: FoundIssue | undefined } = { issue: undefined };
  const found =
    seen.length > 0
      ? seen
      : await makeOrFind(
          async () => (made.issue = await requests.make(name, text)),
          async () => (await look()) ?? [],
        );
  // A list may lag behind: what was just made is there all the same.
  const [kept = made.issue, ...others] = found;
  if (kept === undefined) return undefined;
  const change = {
    ...(kept.title === name ? {} : { title: name }),
    ...(sameText(kept.body, text) ? {} : { body: text }),
    ...(kept.open === open ? {} : { open }),
  };
  if (Object.keys(change).length > 0) await requests.edit(kept.number, change);
  for (const other of others) if (other.open) await requests.edit(other.number, { open: false });
  return { number: kept.number, url: kept.url };
}
