// What became of a pull request, and the one comment of ours that is kept on it. For the record, never for a decision (A1).
import { keepOneComment } from "../keep-one.ts";
import type { Forge, PullComment } from "../port.ts";
import { readComment, readList } from "../reading.ts";
import { readCloser, readReview } from "./documents.ts";
import { getPull } from "./pulls.ts";
import { readEnds, type Session } from "./session.ts";

const issueRoute = "/repos/{owner}/{repo}/issues/{issue_number}";
const commentsRoute = "/repos/{owner}/{repo}/issues/{issue_number}/comments";
const commentRoute = "/repos/{owner}/{repo}/issues/comments/{comment_id}";
const reviewsRoute = "/repos/{owner}/{repo}/pulls/{pull_number}/reviews";

async function commentsOn(session: Session, number: number): Promise<readonly PullComment[]> {
  const viewer = await session.viewer();
  return await readEnds(session, {
    route: commentsRoute,
    parameters: { issue_number: number },
    readFor: viewer,
    read: (data) => readList(data, "comments", (item) => readComment(item, viewer)),
  });
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
            : {
                by: readCloser((await session.send("read", "GET", issueRoute, { issue_number: number })).data),
                time: pull.closedTime ?? pull.createdTime,
              };
        const reviews = await readEnds(session, {
          route: reviewsRoute,
          parameters: { pull_number: number },
          read: (data) => readList(data, "reviews", readReview).filter((review) => review !== undefined),
        });
        return { merged, closed, reviews, comments: await commentsOn(session, number) };
      }),

    keepComment: (number, marker, body) =>
      session.guarded(`keep our comment on pull request #${number}`, () =>
        keepOneComment(
          {
            list: () => commentsOn(session, number),
            async make(text) {
              await session.send("write", "POST", commentsRoute, { issue_number: number, body: text });
            },
            async edit(id, text) {
              await session.send("write", "PATCH", commentRoute, { comment_id: id, body: text });
            },
            async remove(id) {
              try {
                await session.send("write", "DELETE", commentRoute, { comment_id: id });
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
