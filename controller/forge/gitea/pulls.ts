// Pull requests on Gitea: found, opened, changed, closed, and what they change. Holds A5: at most one open pull request per head, also after
// lost replies: we look before we open and again after an unclear answer; where two clients opened one at once, the older stays.
import { UserError, WaitError } from "../../errors.ts";
import type { Forge, PullRequest } from "../port.ts";
import { object, readFileNames } from "../reading.ts";
import { boundBody, boundTitle } from "../text.ts";
import { type PullDetail, readGiteaPull, readLabel, readPullDetail, readRef, readTotalCommits } from "./documents.ts";
import { readAll, type Session } from "./session.ts";

const pullsRoute = "/repos/{owner}/{repo}/pulls";
const pullRoute = "/repos/{owner}/{repo}/pulls/{number}";
const filesRoute = "/repos/{owner}/{repo}/pulls/{number}/files";
const refRoute = "/repos/{owner}/{repo}/git/{+ref}";
const compareRoute = "/repos/{owner}/{repo}/compare/{+range}";
const commentsRoute = "/repos/{owner}/{repo}/issues/{number}/comments";
const issueLabelsRoute = "/repos/{owner}/{repo}/issues/{number}/labels";
const labelsRoute = "/repos/{owner}/{repo}/labels";
const mostPulls = 100_000;
const mostFiles = 3000;
const mostLabels = 5000;
/** In the body of one that was opened a moment after the same one. */
const duplicateMarker = "<!-- ringward: opened twice -->";
/** Of labels that we make: people may change it. */
const labelColor = "#5b7f95";
/** Gitea keeps 255 characters of a title, and would cut it by itself. */
export const titleLimit = 255;

function isDuplicate({ state, body }: PullRequest): boolean {
  return state === "closed" && body.startsWith(duplicateMarker);
}

/** One pull request. Throws Error naming it where the repository is there and it is not. */
export async function getPull(session: Session, number: number): Promise<PullDetail> {
  try {
    const { data } = await session.send("read", "GET", pullRoute, { path: { number } });
    const detail = readPullDetail(data, session.name);
    if (detail.pull.state === "open") return detail;
    // The branch may have moved since: this ref holds what was merged or closed.
    const ref = `refs/pull/${number}/head`;
    const { data: held } = await session.send("read", "GET", refRoute, { path: { ref } });
    return { ...detail, pull: { ...detail.pull, headSha: readRef(held, ref) } };
  } catch (error) {
    if (session.failure(error).kind !== "NotFound") throw error;
    // The repository or just this number? The first is for a person to mend, the second is not.
    await session.send("read", "GET", "/repos/{owner}/{repo}");
    throw new Error(`${session.place}: there is no pull request #${number}`);
  }
}

/** The part of the port that is about pull requests themselves. */
export function pullsOn(session: Session): Pick<Forge, "list" | "listOpen" | "open" | "update" | "close" | "files"> {
  const read = (item: unknown): PullRequest => readGiteaPull(item, session.name);

  async function listPulls(query: Readonly<Record<string, string>>): Promise<readonly PullRequest[]> {
    const all = await readAll(session, { route: pullsRoute, query, read, what: "pull requests" }, mostPulls);
    // Newest first: while we page, new ones push items to later pages, so an item can come twice but never be missed.
    const found = new Map<number, PullRequest>();
    for (const pull of all) if (!found.has(pull.number)) found.set(pull.number, pull);
    return [...found.values()].sort((one, other) => other.number - one.number);
  }

  /** Older servers do not know `base_branch`: what they answer is more, and looked through here. */
  const listOpen = async (base: string): Promise<readonly PullRequest[]> =>
    (await listPulls({ state: "open", base_branch: base })).filter(
      (pull) => pull.state === "open" && pull.base === base,
    );

  /** Ours of that head and base, oldest first. */
  const findOpen = async (head: string, base: string): Promise<readonly PullRequest[]> =>
    (await listOpen(base)).filter((pull) => !pull.fork && pull.head === head).reverse();

  async function create(request: Parameters<Forge["open"]>[0]): Promise<PullRequest> {
    const { head, base } = request;
    const texts = { title: boundTitle(request.title, titleLimit), body: boundBody(request.body) };
    try {
      return read((await session.send("write", "POST", pullsRoute, { body: { head, base, ...texts } })).data);
    } catch (error) {
      if (error instanceof UserError || error instanceof WaitError) throw error;
      const { kind } = session.failure(error);
      if (kind !== "Outage" && kind !== "Conflict") throw error;
      const [found] = await findOpen(head, base);
      if (found === undefined) throw error;
      return found;
    }
  }

  /** Gitea would open one without a single commit, which says nothing and cannot be merged. */
  async function checkCommits(head: string, base: string): Promise<void> {
    const asked = { path: { range: `${base}...${head}` }, query: { verification: "false", files: "false" } };
    const total = readTotalCommits((await session.send("read", "GET", compareRoute, asked)).data);
    if (total === 0) throw new Error(`${session.place}: no commits between ${base} and ${head}`);
  }

  async function isClosedSoon(number: number): Promise<boolean> {
    for (const wait of [0, 250, 500, 1000]) {
      await session.clock.sleep(wait);
      if ((await getPull(session, number)).pull.state !== "open") return true;
    }
    return false;
  }

  /**
   * Gitea keeps no two clients from opening the same at once: the older stays, the other one is closed and says that it never was one, so
   * that nobody takes it for a proposal that a person refused. Also where a crash came in between.
   */
  async function keepOldest(opened: readonly PullRequest[]): Promise<PullRequest | undefined> {
    const [oldest, ...others] = opened;
    for (const { number, author } of others) {
      if (author !== oldest?.author) continue;
      const body = { state: "closed", body: `${duplicateMarker}\nOpened at the same moment as #${oldest.number}.` };
      try {
        await session.send("write", "PATCH", pullRoute, { path: { number }, body });
      } catch (error) {
        // The other client closes it in the same moment: "the issue is already changed", says Gitea, with 409 or with 500.
        if (!(await isClosedSoon(number))) throw error;
      }
    }
    return oldest;
  }

  /** Ids of those labels, made in the repository where it lacks them. */
  async function labelIds(names: readonly string[]): Promise<readonly number[]> {
    const known = new Map(
      (await readAll(session, { route: labelsRoute, read: readLabel, what: "labels" }, mostLabels)).map(
        ({ id, name }) => [name, id],
      ),
    );
    const ids: number[] = [];
    for (const name of names) {
      const body = { name, color: labelColor };
      ids.push(known.get(name) ?? readLabel((await session.send("write", "POST", labelsRoute, { body })).data).id);
    }
    return ids;
  }

  /** Labels are decoration: they take calls of their own, and their failure must not lose the pull request. */
  async function addLabels(pull: PullRequest, names: readonly string[]): Promise<PullRequest> {
    const missing = names.filter((name) => !pull.labels.includes(name));
    if (missing.length === 0) return pull;
    try {
      const body = { labels: await labelIds(missing) };
      await session.send("write", "POST", issueLabelsRoute, { path: { number: pull.number }, body });
      return { ...(await getPull(session, pull.number)).pull };
    } catch {
      return pull;
    }
  }

  async function hasComment(number: number, text: string): Promise<boolean> {
    const { data } = await session.send("read", "GET", commentsRoute, { path: { number } });
    return Array.isArray(data) && data.some((comment: unknown) => object(comment, "comment")["body"] === text);
  }

  return {
    list: (headPrefix) =>
      session.guarded("list pull requests", async () =>
        (await listPulls({ state: "all" })).filter(
          (pull) => !pull.fork && pull.head.startsWith(headPrefix) && !isDuplicate(pull),
        ),
      ),

    listOpen: (base) => session.guarded(`list open pull requests into ${base}`, () => listOpen(base)),

    open: (request) =>
      session.guarded(`open a pull request from ${request.head} into ${request.base}`, async () => {
        const { head, base } = request;
        let pull = await keepOldest(await findOpen(head, base));
        if (pull === undefined) {
          await checkCommits(head, base);
          const made = await create(request);
          pull = (await keepOldest(await findOpen(head, base))) ?? made;
        }
        return await addLabels(pull, request.labels);
      }),

    update: (number, change) =>
      session.guarded(`change pull request #${number}`, async () => {
        const body = {
          ...(change.title === undefined ? {} : { title: boundTitle(change.title, titleLimit) }),
          ...(change.body === undefined ? {} : { body: boundBody(change.body) }),
        };
        if (Object.keys(body).length === 0) return;
        try {
          await session.send("write", "PATCH", pullRoute, { path: { number }, body });
        } catch (error) {
          if (session.failure(error).kind !== "NotFound") throw error;
          await getPull(session, number);
          throw error;
        }
      }),

    close: (number, comment) =>
      session.guarded(`close pull request #${number}`, async () => {
        if ((await getPull(session, number)).pull.state !== "open") return;
        const text = boundBody(comment);
        // After a lost reply the comment may be there already: people should read it once.
        if (text.trim() !== "" && !(await hasComment(number, text)))
          await session.send("write", "POST", commentsRoute, { path: { number }, body: { body: text } });
        await session.send("write", "PATCH", pullRoute, { path: { number }, body: { state: "closed" } });
      }),

    files: (number) =>
      session.guarded(`list the files of pull request #${number}`, async () => {
        const listing = { route: filesRoute, path: { number }, read: readFileNames, what: "files in one pull request" };
        const files = await readAll(session, listing, mostFiles);
        return { paths: [...new Set(files.flat())].sort(), complete: files.length < mostFiles };
      }),
  };
}
