// What became of a pull request, and the one comment of ours that is kept on it. For the record, never for a decision (A1).
import { keepOneComment } from "../keep-one.ts";
import type { Forge, PullComment, PullRequest, PullReview } from "../port.ts";
import { readComment, readList } from "../reading.ts";
import { type GiteaReview, readEvent, readReview } from "./documents.ts";
import { getPull } from "./pulls.ts";
import { pageSize, readPage, type Session } from "./session.ts";

const commentsRoute = "/repos/{owner}/{repo}/issues/{number}/comments";
const commentRoute = "/repos/{owner}/{repo}/issues/comments/{id}";
const reviewsRoute = "/repos/{owner}/{repo}/pulls/{number}/reviews";
const timelineRoute = "/repos/{owner}/{repo}/issues/{number}/timeline";
const mostReviews = 1000;
/** Of those that are read: what was said first and what was said last. */
const firstComments = 100;
const lastComments = 900;

/** Gitea has no pages here: it answers all of them. */
async function commentsOn(session: Session, number: number): Promise<readonly PullComment[]> {
  const viewer = await session.viewer();
  const { data } = await session.send("read", "GET", commentsRoute, { path: { number } });
  const all = readList(data ?? [], "comments", (item) => readComment(item, viewer));
  if (all.length <= firstComments + lastComments) return all;
  return [...all.slice(0, firstComments), ...all.slice(-lastComments)];
}

/** Oldest first; where there are too many, the newest of them. */
async function reviewsOn(session: Session, number: number): Promise<readonly PullReview[]> {
  const listing = { route: reviewsRoute, path: { number }, read: readReview, what: "reviews" };
  const first = await readPage(session, listing, 1);
  const found = [...first.items];
  const pages = Math.ceil((first.total ?? 0) / Math.max(first.items.length, 1));
  for (let page = Math.max(2, pages - mostReviews / pageSize + 1); page <= pages; page++) {
    const { items } = await readPage(session, listing, page);
    if (items.length === 0) break;
    found.push(...items);
  }
  return settleReviews(found.filter((review) => review !== undefined)).slice(-mostReviews);
}

/** Gitea dismisses a verdict when its author gives another one: that one was answered by the author alone, and stays what it was. */
function settleReviews(reviews: readonly GiteaReview[]): readonly PullReview[] {
  return reviews.map(({ dismissed, ...review }, index) => {
    const replaced = reviews
      .slice(index + 1)
      .some((later) => later.author === review.author && later.state !== "Commented");
    return dismissed && !replaced ? { ...review, state: "Dismissed" } : review;
  });
}

/** Who closed it, where the timeline says. */
async function closerOf(session: Session, pull: PullRequest): Promise<string | undefined> {
  if (pull.closedTime === undefined) return undefined;
  // To the second, and a comment made after it moves nothing before it.
  const since = new Date(Date.parse(pull.closedTime) - 1000).toISOString().replace(/\.\d+Z$/, "Z");
  const listing = {
    route: timelineRoute,
    path: { number: pull.number },
    query: { since },
    read: readEvent,
    what: "events",
  };
  const { items } = await readPage(session, listing, 1);
  return items.findLast((event) => event.type === "close")?.by;
}

/** The part of the port that is about what people and we said. */
export function historyOn(session: Session): Pick<Forge, "history" | "keepComment"> {
  return {
    history: (number) =>
      session.guarded(`read what became of pull request #${number}`, async () => {
        const { pull, merged } = await getPull(session, number);
        const closed =
          pull.state !== "closed"
            ? undefined
            : { by: await closerOf(session, pull), time: pull.closedTime ?? pull.createdTime };
        return {
          merged,
          closed,
          reviews: await reviewsOn(session, number),
          comments: await commentsOn(session, number),
        };
      }),

    keepComment: (number, marker, body) =>
      session.guarded(`keep our comment on pull request #${number}`, () =>
        keepOneComment(
          {
            list: () => commentsOn(session, number),
            async make(text) {
              await session.send("write", "POST", commentsRoute, { path: { number }, body: { body: text } });
            },
            async edit(id, text) {
              await session.send("write", "PATCH", commentRoute, { path: { id }, body: { body: text } });
            },
            async remove(id) {
              try {
                await session.send("write", "DELETE", commentRoute, { path: { id } });
              } catch (error) {
                if (session.failure(error).kind !== "NotFound") throw error;
              }
            },
          },
          marker,
          body,
        ),
      ),
  };
}
