import { expect, it } from "vitest";
import { redact, removeSecrets } from "../controller/redact.ts";

const secret = "s3cr3t/of+mine";

it.each([
  ["as it is", `you sent ${secret}!`],
  ["in base64", `you sent ${Buffer.from(secret).toString("base64")}!`],
  ["encoded for an address", `https://example.test/?${encodeURIComponent(secret)}`],
  ["twice", `${secret} ${secret}`],
])("takes a secret out %s", (_how, text) => {
  for (const clean of [redact(text, [secret]), removeSecrets(text, [secret])]) {
    expect(clean).not.toContain(secret);
    expect(clean).toContain("***");
  }
  expect(redact(text, [secret])).not.toMatch(/czNjcjN0|s3cr3t%2F/);
});

it.each([
  ["https://user:hunter2@git.example.test/x", "https://***@git.example.test/x"],
  ["Authorization: Basic dXNlcjpodW50ZXIy", "Authorization: Basic ***"],
  ["sent Bearer abcDEF123456", "sent Bearer ***"],
  ["sent bearer ABCDEFGHIJKL", "sent bearer ***"],
  ["sent token abcdefgh.ijklmnop1", "sent token ***"],
  ["sent token abcdefgh-ijklmnop", "sent token ***"],
  ["ghs_0123456789abcdef is old", "*** is old"],
  ["github_pat_11AAAA is old", "*** is old"],
  ["eyJhbGciOi.eyJpc3Mi.c2ln is old", "*** is old"],
  ["x-eyJhbGciOi.eyJpc3Mi.c2ln.tail", "x-***.tail"],
  ["v1.eyJhbGciOi.eyJpc3Mi. eyJ.a.b eyJx.y eyJab..cd", "v1.*** eyJ.a.b eyJx.y eyJab..cd"],
])("takes out what looks like a credential: %s", (text, clean) => {
  expect(redact(text)).toBe(clean);
});

it.each([
  "fatal: basic authentication failed for 'https://git.example.test/x/'",
  "check the token permissions",
  "look at the token permissions. Then try again",
  "invalid token: unexpected end",
  "mail ops@example.test",
])("leaves a sentence that people and rules must understand: %s", (text) => {
  expect(redact(text, ["", "elsewhere"])).toBe(text);
});

it.each(["a", "authorization:", "eyJ-", "authorization: x ", "://", "token ", "eyJa.", "a."])(
  "reads a long text of %j in time that grows with it",
  (unit) => {
    const begun = process.threadCpuUsage();

    redact(unit.repeat(400_000 / unit.length));

    // A form that looks at the text again from each of its characters takes minutes.
    const { user, system } = process.threadCpuUsage(begun);
    expect(user + system).toBeLessThan(3_000_000);
  },
);
