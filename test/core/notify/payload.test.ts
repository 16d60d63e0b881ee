// What is sent, as docs/notifications.md shows it.
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { type Notification, slackBody, webhookBody } from "../../../controller/core/notify/index.ts";

const WAITING: Notification = {
  id: "0123456789abcdef0123456789abcdef",
  event: "WaitingForApproval",
  cluster: "prod-eu",
  ring: "canary",
  baseline: "ubuntu",
  level: "ubuntu-20241216-0123456789ab",
  at: Date.parse("2024-12-16T07:00:00Z"),
  title: "Ring canary waits for approval: ubuntu-20241216-0123456789ab",
  text: "Merging pull request #7 approves it.",
  reason: "WaitingForApproval",
  pull: { number: 7, url: "https://forge.example.com/acme/policy/pull/7", head: "f00d" },
};

it("a webhook's body is one JSON document", () => {
  expect(JSON.parse(webhookBody(WAITING))).toEqual({
    version: 1,
    id: WAITING.id,
    event: "WaitingForApproval",
    cluster: "prod-eu",
    ring: "canary",
    baseline: "ubuntu",
    level: "ubuntu-20241216-0123456789ab",
    time: "2024-12-16T07:00:00.000Z",
    title: WAITING.title,
    text: WAITING.text,
    reason: "WaitingForApproval",
    pullRequest: { number: 7, url: "https://forge.example.com/acme/policy/pull/7" },
  });
});

it("a message for Slack links the pull request", () => {
  expect(JSON.parse(slackBody(WAITING))).toEqual({
    text: WAITING.title,
    blocks: [
      {
        type: "section",
        text: {
          type: "mrkdwn",
          text: `*${WAITING.title}*\n${WAITING.text}\n<https://forge.example.com/acme/policy/pull/7|pull request #7>`,
        },
      },
      {
        type: "context",
        elements: [{ type: "mrkdwn", text: "WaitingForApproval · cluster prod-eu · 2024-12-16T07:00:00.000Z" }],
      },
    ],
  });
});

it.each([
  ["a mention of everybody", { text: "<!channel> & <@U1> look" }, "&lt;!channel&gt; &amp; &lt;@U1&gt; look"],
  ["a link in a title", { title: "<https://evil.example|here>" }, "&lt;https://evil.example|here&gt;"],
  [
    "an address that ends the link",
    { pull: { number: 7, url: "https://forge.example.com/?a|b&c=<x>", head: "f00d" } },
    "<https://forge.example.com/?a%7Cb&amp;c=%3Cx%3E|pull request #7>",
  ],
])("%s of somebody else's is only text in Slack", (_, rest, expected) => {
  const body = slackBody({ ...WAITING, ...rest });

  expect(JSON.parse(body).blocks[0].text.text).toContain(expected);
  expect(body).not.toContain("<!");
});

it.each(["javascript:alert(1)", "no address", `https://forge.example.com/${"x".repeat(600)}`])(
  "%s is not linked",
  (url) => {
    expect(slackBody({ ...WAITING, pull: { number: 7, url, head: "f00d" } })).not.toContain("pull request #7>");
  },
);

describe("docs/notifications.md", () => {
  const page = readFileSync(new URL("../../../docs/notifications.md", import.meta.url), "utf8");
  const blocks = [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => JSON.parse(text) as object);
  const [document, message, schema] = blocks;

  it("shows what is sent to a webhook and to Slack", () => {
    expect(document).toEqual(JSON.parse(webhookBody(WAITING)));
    expect(message).toEqual(JSON.parse(slackBody(WAITING)));
  });

  it("has the schema of what is sent, and of nothing else", () => {
    const check = new Ajv({ strict: true, formats: { "date-time": true, uri: true } }).compile(schema ?? {});
    const { baseline: _, level: __, reason: ___, pull: ____, ...least } = WAITING;

    expect(check(JSON.parse(webhookBody(WAITING)))).toBe(true);
    expect(check(JSON.parse(webhookBody({ ...least, event: "Done", text: "" })))).toBe(true);
    expect(check({ ...JSON.parse(webhookBody(WAITING)), event: "Gone" })).toBe(false);
    expect(check({ ...JSON.parse(webhookBody(WAITING)), more: 1 })).toBe(false);
  });
});
