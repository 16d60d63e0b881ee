import { describe, expect, it } from "vitest";
import { findInText, tracksOfMachine } from "./tidy.ts";

const tracks = tracksOfMachine(new URL("../..", import.meta.url).pathname);

describe("tracks of a machine", () => {
  it.each([
    ["path = /home/somebody/ringward/x.ts"],
    ["see /Users/somebody/code"],
    ['"resolved": "https://mirror.example/x.tgz"'],
    ["C:\\Users\\somebody"],
    [`at ${new URL("../..", import.meta.url).pathname}controller/main.ts`],
  ])("finds %s", (text) => {
    expect(findInText("a.ts", `first\n${text}\n`, tracks)).toEqual([expect.stringMatching(/^a\.ts:2: holds /)]);
  });

  it.each([
    ["https://github.com/home/owner/x"],
    ["${HOME}/home/x"],
    ["the home/away folder"],
    ['"url": "https://opencollective.com/x"'],
  ])("lets %s pass", (text) => {
    expect(findInText("a.ts", text, tracks)).toEqual([]);
  });
});
