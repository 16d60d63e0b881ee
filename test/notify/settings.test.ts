// The file of destinations: what is wrong with it is said with its place, and never with what stands where a secret may.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { UserError } from "../../controller/errors.ts";
import { loadDestinations, readDestinations } from "../../controller/notify/settings.ts";

const GOOD = `# Whom to tell.
destinations:
  - name: chat
    type: Slack
    urlFile: /run/secrets/ringward/notify/chat-url
    events: [WaitingForApproval, Failed]
    rings: [prod]
  - name: pager
    type: Webhook
    urlFile: /run/secrets/ringward/notify/pager-url
    hmacKeyFile: /run/secrets/ringward/notify/pager-key
  - name: commits
    type: CommitStatus
    events: [Failed, Done]
`;

function refusal(text: string): string {
  try {
    readDestinations("notify.yaml", text);
  } catch (error) {
    if (error instanceof UserError && error.code === "RW1402") return error.message;
    throw error;
  }
  return "";
}

it("a file lists destinations", () => {
  expect(readDestinations("notify.yaml", GOOD)).toEqual([
    {
      name: "chat",
      type: "Slack",
      urlFile: "/run/secrets/ringward/notify/chat-url",
      events: ["WaitingForApproval", "Failed"],
      rings: ["prod"],
    },
    {
      name: "pager",
      type: "Webhook",
      urlFile: "/run/secrets/ringward/notify/pager-url",
      hmacKeyFile: "/run/secrets/ringward/notify/pager-key",
      events: undefined,
      rings: undefined,
    },
    { name: "commits", type: "CommitStatus", events: ["Failed", "Done"], rings: undefined },
  ]);
});

it("the file of docs/notifications.md is one", () => {
  const page = readFileSync(new URL("../../docs/notifications.md", import.meta.url), "utf8");
  const [, text = ""] = /^```yaml\n(destinations:[\s\S]*?)^```$/m.exec(page) ?? [];

  expect(readDestinations("docs/notifications.md", text).map(({ name }) => name)).toEqual(["chat", "pager", "commits"]);
});

describe("what is refused", () => {
  it.each([
    [
      "an unknown field",
      GOOD.replace("urlFile", "urlfile"),
      'notify.yaml:5:5: destinations[0].urlfile: unknown field "urlfile" (did you mean "urlFile"?)',
    ],
    [
      "an unknown type",
      GOOD.replace("Slack", "Slck"),
      'notify.yaml:4:11: destinations[0].type: "Slck" is not one of Slack, Webhook, CommitStatus (did you mean "Slack"?)',
    ],
    ["an unknown event", GOOD.replace("Failed", "Fail"), "notify.yaml:6:34: destinations[0].events[1]:"],
    [
      "no events at all",
      GOOD.replace("[WaitingForApproval, Failed]", "[]"),
      "destinations[0].events: needs at least 1 item(s)",
    ],
    [
      "a missing name",
      GOOD.replace("- name: pager\n    type", "- type"),
      'destinations[1].name: field "name" is required',
    ],
    [
      "a name twice",
      GOOD.replace("pager\n", "chat\n"),
      'notify.yaml:8:11: destinations[1].name: destination "chat" is there already',
    ],
    [
      "a key for Slack",
      GOOD.replace("type: Webhook", "type: Slack"),
      "notify.yaml:11:18: destinations[1].hmacKeyFile: only a Webhook is signed (remove it)",
    ],
    [
      "an address of commits",
      GOOD.replace("events: [Failed, Done]", "urlFile: /run/secrets/ringward/notify/x"),
      "destinations[2].urlFile: commits are reached through the PolicyRepository's forge (remove it)",
    ],
    [
      "a key of commits",
      GOOD.replace("events: [Failed, Done]", "hmacKeyFile: /run/secrets/ringward/notify/x"),
      "destinations[2].hmacKeyFile: only a Webhook is signed (remove it)",
    ],
    [
      "no address of a Webhook",
      GOOD.replace("    urlFile: /run/secrets/ringward/notify/pager-url\n", ""),
      'destinations[1].urlFile: field "urlFile" is required (name the file with the address)',
    ],
    [
      "statuses of commits twice",
      GOOD.replace("events: [Failed, Done]", "events: [Done]\n  - name: more\n    type: CommitStatus"),
      "notify.yaml:16:11: destinations[3].type: another destination writes statuses of commits (keep one of them)",
    ],
    ["an empty list", "destinations: []\n", "notify.yaml:1:15: destinations: needs at least 1 item(s)"],
    ["an empty file", "# nothing\n", "notify.yaml:1:1: the file is empty"],
    ["broken YAML", "destinations: [\n", "notify.yaml:"],
    ["an anchor", GOOD.replace("destinations:", "destinations: &all"), "notify.yaml:2:"],
  ])("is %s, with its place", (_, text, expected) => {
    expect(refusal(text)).toContain(expected);
  });

  it.each(["urlFile: /run/secrets/ringward/notify/pager-url", "hmacKeyFile: /run/secrets/ringward/notify/pager-key"])(
    "is a secret in place of %s, and it is not repeated",
    (line) => {
      const [field = ""] = line.split(":");
      const said = refusal(GOOD.replace(line, `${field}: https://hooks.example.com/canary0123456789`));

      expect(said).toContain(`destinations[1].${field}: is not the absolute path of a file`);
      expect(said).not.toContain("canary");
    },
  );

  it("is a file that is not there", () => {
    const folder = mkdtempSync(join(tmpdir(), "ringward-notify-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "notify.yaml");

    expect(() => loadDestinations(path)).toThrow(`${path} cannot be read: ENOENT`);
    writeFileSync(path, GOOD);
    expect(loadDestinations(path)).toHaveLength(3);
  });
});
