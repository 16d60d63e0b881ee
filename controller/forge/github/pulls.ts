// Pull requests on GitHub: found, opened, changed, closed, and what they change. Holds A5: at most one open pull request per head, also
// after lost replies: we look before we open and again after an unclear answer.
import { UserError, WaitError } from "../../errors.ts";
import type { Forge, PullRequest } from "../port.ts";
import { boundBody, boundTitle } from "../text.ts";
import { readFileNames, readList, readPull } from "../reading.ts";
import { type PullDetail, readPullDetail } from "./documents.ts";
import type { ForgeFailure } from "../failure.ts";
import { readAll, type Session } from "./session.ts";

const pullsRoute = "/repos/{owner}/{repo}/pulls";
const pullRoute = "/repos/{owner}/{repo}/pulls/{pull_number}";
const filesRoute = "/repos/{owner}/{repo}/pulls/{pull_number}/files";
const commentsRoute = "/repos/{owner}/{repo}/issues/{issue_number}/comments";
const labelsRoute = "/repos/{owner}/{repo}/issues/{issue_number}/labels";
const mostPages = 1000;
/** GitHub lists at most 3,000 files of a pull request. */
const mostFiles = 3000;

/** One pull request. Throws Error naming it where the repository is there and it is not. */
export async function getPull(session: Session, number: number): Promise<PullDetail> {
  try {
    const reply = await session.send("read", "GET", pullRoute, { pull_number: number });
    return readPullDetail(reply.data, `${session.owner}/${session.repository}`);
  } catch (error) {
    if (session.failure(error).kind !== "NotFound") throw error;
    // The repository or just this number? The first is for a person to mend, the second is not.
    await session.send("read", "GET", "/repos/{owner}/{repo}", {});
    throw new Error(`${session.place}: there is no pull request #${number}`);
  }
}

/** The part of the port that is about pull requests themselves. */
export function pullsOn(session: Session): Pick<Forge, "list" | "listOpen" | "open" | "update" | "close" | "files"> {
  const { clock } = session;
  const place = `${session.owner}/${session.repository}`;
  const readPulls = (data: unknown): readonly PullRequest[] =>
    readList(data, "pull requests", (item) => readPull(item, place));

  async function listPulls(query: Readonly<Record<string, string>>): Promise<readonly PullRequest[]> {
    const parameters = { ...query, sort: "created", direction: "desc" };
    const all = await readAll(session, { route: pullsRoute, parameters, read: readPulls }, mostPages, "pull requests");
    // Newest first: while we page, new ones push items to later pages, so an item can come twice but never be missed.
    const found = new Map<number, PullRequest>();
    for (const pull of all) if (!found.has(pull.number)) found.set(pull.number, pull);
    return [...found.values()].sort((one, other) => other.number - one.number);
  }

  /** Some forges answer a list a moment late; the caller says how often to look. */
  async function findOpen(head: string, base: string): Promise<PullRequest | undefined> {
    const reply = await session.send("read", "GET", pullsRoute, {
      state: "open",
      head: `${session.owner}:${head}`,
      base,
      per_page: 100,
    });
    return readPulls(reply.data).find(
      (pull) => pull.state === "open" && !pull.fork && pull.head === head && pull.base === base,
    );
  }

  async function create(request: Parameters<Forge["open"]>[0]): Promise<PullRequest> {
    try {
      const reply = await session.send("write", "POST", pullsRoute, {
        head: request.head,
        base: request.base,
        title: boundTitle(request.title),
        body: boundBody(request.body),
      });
      return readPull(reply.data, place);
    } catch (error) {
      const failure: ForgeFailure = session.failure(error);
      if (
        error instanceof WaitError ||
        error instanceof UserError ||
        (failure.kind !== "Outage" && failure.kind !== "Unprocessable")
      )
        throw error;
      const claimed = failure.kind === "Unprocessable" && /already exists/i.test(failure.message);
      for (let look = 0; look < (claimed ? 3 : 1); look++) {
        if (look > 0) await clock.sleep(500 * look);
        const found = await findOpen(request.head, request.base);
        if (found !== undefined) return found;
      }
      throw error;
    }
  }

  /** Labels are decoration: GitHub takes them in a second call, and its failure must not lose the pull request. */
  async function addLabels(pull: PullRequest, labels: readonly string[]): Promise<PullRequest> {
    const missing = labels.filter((label) => !pull.labels.includes(label));
    if (missing.length === 0) return pull;
    try {
      await session.send("write", "POST", labelsRoute, { issue_number: pull.number, labels: missing });
      return { ...pull, labels: [...pull.labels, ...missing] };
    } catch {
      return pull;
    }
  }

  async function hasComment(number: number, body: string): Promise<boolean> {
    const reply = await session.send("read", "GET", commentsRoute, { issue_number: number, per_page: 100 });
    return (
      Array.isArray(reply.data) &&
      reply.data.some((comment: unknown) => (comment as { body?: unknown } | null)?.body === body)
    );
  }

  return {
    list: (headPrefix) =>
      session.guarded("list pull requests", async () =>
        (await listPulls({ state: "all" })).filter((pull) => !pull.fork && pull.head.startsWith(headPrefix)),
      ),

    listOpen: (base) =>
      session.guarded(`list open pull requests into ${base}`, async () =>
        (await listPulls({ state: "open", base })).filter((pull) => pull.state === "open" && pull.base === base),
      ),

    open: (request) =>
      session.guarded(`open a pull request from ${request.head} into ${request.base}`, async () => {
        const pull = (await findOpen(request.head, request.base)) ?? (await create(request));
        return await addLabels(pull, request.labels);
      }),

    update: (number, change) =>
      session.guarded(`change pull request #${number}`, async () => {
        const fields = {
          ...(change.title === undefined ? {} : { title: boundTitle(change.title) }),
          ...(change.body === undefined ? {} : { body: boundBody(change.body) }),
        };
        if (Object.keys(fields).length === 0) return;
        try {
          await session.send("write", "PATCH", pullRoute, { pull_number: number, ...fields });
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
          await session.send("write", "POST", commentsRoute, { issue_number: number, body: text });
        await session.send("write", "PATCH", pullRoute, { pull_number: number, state: "closed" });
      }),

    files: (number) =>
      session.guarded(`list the files of pull request #${number}`, async () => {
        const read = (data: unknown): readonly (readonly string[])[] => readList(data, "files", readFileNames);
        const files = await readAll(
          session,
          { route: filesRoute, parameters: { pull_number: number }, read },
          mostFiles / 100,
          "files in one pull request",
        );
        return { paths: [...new Set(files.flat())].sort(), complete: files.length < mostFiles };
      }),
  };
}
