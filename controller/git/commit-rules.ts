// The rules of our commits, for whoever makes them beside git itself: a forge makes commits through its API, and must refuse what git's
// push refuses.
import { checkEntries, checkFiles, commitMessage } from "./build-commit.ts";
import type { CommitRules } from "./port.ts";
import { checkTarget } from "./push.ts";
import { checkCommit } from "./url.ts";

export const commitRules: CommitRules = {
  check(tracked, commit) {
    checkTarget(tracked, commit.branch, commit.expect);
    checkCommit(commit.parent);
    checkFiles(commit.files);
  },
  modes: checkEntries,
  message: commitMessage,
};
