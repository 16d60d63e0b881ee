import { createMemoryRemote } from "../../controller/git/memory.ts";
import { author, policyGitContract } from "./contract.ts";

policyGitContract("in memory", async () => {
  const remote = createMemoryRemote();
  return {
    people: remote.people,
    open: async () => remote.open({ branch: "main", author }),
    close: async () => undefined,
  };
});
