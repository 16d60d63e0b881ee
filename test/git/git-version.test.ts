import { describe, expect, it } from "vitest";

import { checkGitVersion } from "../../controller/git/git-version.ts";

describe("the git that is installed", () => {
  it.each([
    "git version 2.45.0",
    "git version 2.39.3",
    "git version 2.38.9",
    "git version 1.9.1",
    "git version 2.44.0.windows.1",
    "",
    "hg 1",
  ])("is refused when it has known holes: %j", (text) => {
    expect(() => checkGitVersion(text)).toThrow(/RW1109|security holes/);
  });

  it.each([
    "git version 2.39.5",
    "git version 2.45.1",
    "git version 2.46.0",
    "git version 2.52.0 (Apple Git-155)",
    "git version 3.0.1",
    "git version 2.43.4",
  ])("is fine: %s", (text) => {
    expect(() => checkGitVersion(text)).not.toThrow();
  });
});
