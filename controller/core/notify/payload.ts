// What is sent: one JSON document for programs, and a message for Slack and what understands it. Everything that others wrote is escaped.
import type { Notification } from "./notification.ts";

/** The body of a generic webhook; docs/notifications.md says the same as a schema. */
export function webhookBody(notification: Notification): string {
  const { id, event, at, cluster, ring, baseline, level, title, text, reason, pull } = notification;
  return JSON.stringify({
    version: 1,
    id,
    event,
    time: new Date(at).toISOString(),
    cluster,
    ring,
    baseline,
    level,
    title,
    text,
    reason,
    pullRequest: pull && { number: pull.number, url: pull.url },
  });
}

/**
 * The body of Slack's incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks. `&`, `<` and `>` are all that
 * begins a mention, a link or markup that notifies somebody: https://docs.slack.dev/messaging/formatting-message-text#escaping.
 */
export function slackBody({ event, cluster, title, text, at, pull }: Notification): string {
  const line = `*${escapeSlack(title)}*`;
  const link = pull?.url === undefined ? undefined : slackLink(pull.url, `pull request #${pull.number}`);
  const body = [line, ...(text === "" ? [] : [escapeSlack(text)]), ...(link === undefined ? [] : [link])].join("\n");
  return JSON.stringify({
    text: escapeSlack(title),
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: body } },
      {
        type: "context",
        elements: [
          { type: "mrkdwn", text: escapeSlack(`${event} · cluster ${cluster} · ${new Date(at).toISOString()}`) },
        ],
      },
    ],
  });
}

export function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Undefined: not an address of the web, or too long for a message. */
function slackLink(url: string, label: string): string | undefined {
  if (url.length > 500 || !URL.canParse(url)) return undefined;
  const { protocol, href } = new URL(url);
  if (protocol !== "https:" && protocol !== "http:") return undefined;
  return `<${escapeSlack(href.replaceAll("|", "%7C"))}|${escapeSlack(label)}>`;
}
