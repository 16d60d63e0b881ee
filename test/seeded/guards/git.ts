// Guards of the repository and its forge: fast-forward, staleness, what a person accepted, and what is asked for once (A5, A6, G1, G2).
import { inFile, type Mutant } from "../mutant.ts";

export const GIT: readonly Mutant[] = [
  ...inFile("controller/reconcile/policy-source.ts", {
    "git.fast-forward": {
      find: "    (await git.isAncestor(observed, fetched)) ||\n",
      replace: "    fetched.length > 0 ||\n",
      says: "a branch that was rewritten counts as what people approved",
    },
    "git.accepted-once": {
      find: "if (await git.isAncestor(commit, observed)) return commit === fetched && isNew;",
      replace: "if (await git.isAncestor(commit, observed)) return commit === fetched;",
      says: "a head that was accepted long ago lets the branch go back to it",
    },
    "git.accepted-moves-on": {
      find: "return commit === fetched || (await git.isAncestor(commit, fetched));",
      replace: "return commit === fetched;",
      says: "a head that a person accepted and that moved on before it was fetched stays refused",
    },
    "git.accepted-by-somebody": {
      find: "  if (commit === undefined) return false;\n",
      replace: "  if (commit === undefined) return true;\n",
      says: "a rewritten history is accepted by nobody",
    },
    "git.one-repository": {
      find: "for (const other of others) await refuseSecond(ports, other, now);",
      replace: "",
      says: "a second repository is not told that it counts for nothing",
    },
  }),
  ...inFile("controller/reconcile/policy-fetch.ts", {
    "git.stale": {
      find: "  if (last !== undefined && now - last < most) return undefined;\n",
      replace: "  if (last !== undefined && most > 0) return undefined;\n",
      says: "a repository that could not be read for hours stops nothing: a withdrawal in it would not be seen",
    },
    "git.stale-suspended": {
      find: "  if (failure === undefined && !underWay && !suspended) return undefined;\n",
      replace: "  if (failure === undefined && !underWay) return undefined;\n",
      says: "a suspended repository never grows stale",
    },
  }),
  ...inFile("controller/reconcile/promotion/carry-out.ts", {
    "forge.closed-by-us": {
      find: "  if (readMarker(pull.body)?.closed === undefined)\n    await ask(() => scene.forge.update(pull.number, { body: markClosed(pull.body, closing.reason) }));\n",
      replace: "",
      says: "a proposal that we close ourselves looks like one that a person refused",
    },
    "forge.not-wanted": {
      find: "  for (const one of closing) await attempt(scene, one, () => closeProposal(scene, one));\n",
      replace: "",
      says: "proposals of levels that are not wanted any more stay open",
    },
  }),
  ...inFile("controller/reconcile/promotion/automatic.ts", {
    "forge.refused-own": {
      find: "if (isRefused(scene, branch, content)) {",
      replace: "if (branch === '') {",
      says: "a pull request of our own that a person closed is opened again",
    },
    "forge.commits-of-others": {
      find: "if (!(await isOurs(scene, tip))) {",
      replace: "if (branch === '') {",
      says: "a person's commits on our branch are overwritten",
    },
  }),
  ...inFile("controller/forge/keep-one.ts", {
    "forge.one-comment": {
      find: "  for (const other of others) await requests.remove(other.id);\n",
      replace: "",
      says: "two processes say the same twice, for ever",
    },
    "forge.one-issue": {
      find: "  for (const other of others) if (other.open) await requests.edit(other.number, { open: false });\n",
      replace: "",
      says: "two processes keep two tracking issues",
    },
  }),
];
