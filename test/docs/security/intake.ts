// Checks 1 to 20: what comes from Git, from the forge and by webhook.
import type { SecurityCheck } from "./check.ts";

const HOSTILE = "git/hostile/repositories.test.ts";
const WEBHOOK = "serve/webhook.test.ts";

export const GIT_INTAKE: readonly SecurityCheck[] = [
  {
    id: 1,
    says: "Git is fetched bare and read by blob id. Links, submodules, LFS pointers, `.git` paths and malformed trees are refused with a reason, and nothing is executed or written outside the object store.",
    tests: [
      [HOSTILE, "with $name"],
      [HOSTILE, "git and nothing else executed"],
      [HOSTILE, "nothing written outside the object stores"],
      ["git/repository-safety.test.ts", "never becomes files: no work tree, no hook, no link"],
    ],
  },
  {
    id: 2,
    says: "git is started without a shell, with constant arguments and an environment of its own; addresses, branches and paths are refused before any process starts.",
    tests: [
      ["git/hostile/addresses.test.ts", "an address is refused that holds %s"],
      ["git/hostile/addresses.test.ts", "the branch %j is refused"],
      ["git/hostile/addresses.test.ts", "nothing was started for any of them, and nothing is left behind"],
      ["git/transports.test.ts", "uses no agent and no configuration of the machine's"],
    ],
  },
  {
    id: 3,
    says: "A git with the holes of May 2024 is refused.",
    tests: [
      ["git/git-version.test.ts", "is refused when it has known holes: %j"],
      ["git/git-version.test.ts", "is asked for its version and for nothing else where it is too old"],
    ],
  },
  {
    id: 4,
    says: "Bytes, files, time and output of a fetch are limited, and the message names the limit.",
    tests: [
      ["git/repository-safety.test.ts", "is refused as a whole when it is larger than the limits"],
      ["git/hostile/servers.test.ts", "$name"],
      ["git/hostile/policies.test.ts", "stops at a number of documents"],
      ["policy/documents.test.ts", "bounds depth, documents and problems"],
    ],
  },
  {
    id: 5,
    says: "No fetch from this machine, link-local or metadata addresses in any spelling, no redirects, TLS always verified, ssh hosts known beforehand; the token goes to its own origin only.",
    tests: [
      ["git/hostile/addresses.test.ts", "an address is refused that holds %s"],
      ["git/url.test.ts", "holds a forge's server to the rules of the repository's, however it is spelt: %s"],
      ["git/repository-safety.test.ts", "follows no redirect"],
      ["git/repository-safety.test.ts", "trusts a server by its certificate's authority alone"],
      [
        "git/transports.test.ts",
        "refuses a host that known_hosts does not name, or names with another key, and never adds one",
      ],
      [HOSTILE, "no connection but to the repository's server"],
      ["forge/github/failures.test.ts", "a redirect to another host gets no token"],
      ["forge/github/failures.test.ts", "a next page on another host gets no token"],
    ],
    open: "What a host's name resolves to is not looked at, so a DNS server that lies can lead a fetch inside; TLS then fails unless it has the name's certificate. The address is written by the cluster's administrator alone.",
  },
  {
    id: 6,
    says: "YAML without aliases, tags, merge keys and double keys, bounded, by closed schemas; prototypes stay clean.",
    tests: [
      ["git/hostile/policies.test.ts", "tells of %s, with its place"],
      ["git/hostile/policies.test.ts", "believes none of them, and the good one beside them all"],
      ["policy/documents.test.ts", "never throws and never hangs, whatever the text"],
      ["policy/documents.test.ts", "takes at most seconds for a megabyte of %s"],
      ["policy/documents.test.ts", "keeps prototypes clean"],
      ["tooling/launch.test.ts", "has no __proto__"],
      ["api/validator.test.ts", "refuses unknown fields at every depth"],
    ],
    open: "It is read in slices on the main thread, in time that grows with its length, and not in a worker.",
  },
  {
    id: 7,
    says: "No regular expression of a user's; ours take time that grows with the text.",
    tests: [
      ["fuzz/regexps.test.ts", "of %s grow with the text"],
      ["fuzz/regexps.test.ts", "of schemas grow with the text"],
      ["fuzz/growth.test.ts", "%s grows like its input"],
    ],
  },
  {
    id: 8,
    says: "Durations, cron, percentages and times are read by total functions with bounds.",
    tests: [
      ["core/duration.test.ts", "are nothing else"],
      ["core/duration.test.ts", "survive printing and parsing"],
      ["core/calendar/cron.test.ts", "say what is wrong with them"],
      ["fuzz/properties.test.ts", "takes whatever its grammar, noise and mutations give"],
    ],
  },
  {
    id: 9,
    says: "Signatures are asked of the fetched objects: head or every commit since the last verified one, both sides of merges; expired, revoked, unknown and altered are not good.",
    tests: [
      ["git/contract.ts", "are asked of every commit since another, the oldest that is wrong being told"],
      ["git/contract.ts", "are asked of both sides of a merge"],
      ["git/verify.test.ts", "are not good by a key that has expired, although it had not when it signed"],
      ["git/verify.test.ts", "are not good by a key that was revoked"],
      ["git/verify.test.ts", "are not good where the content was changed afterwards"],
      ["reconcile/policy-signatures.test.ts", "start nothing from a repository whose head was never verified (G6)"],
    ],
  },
  {
    id: 10,
    says: "The commit in force moves by fast-forward only.",
    tests: [
      ["git/contract.ts", "shows a rewritten history instead of hiding it (G1)"],
      [
        "reconcile/policy-source.test.ts",
        "serves the last verified policy when history is rewritten, until a person acknowledges (G1)",
      ],
    ],
  },
];

export const FORGE: readonly SecurityCheck[] = [
  {
    id: 11,
    says: "Tokens of an App live an hour; what a token may not do is said clearly.",
    tests: [
      ["forge/github/app.test.ts", "renews a token five minutes before it ends, by our own clock"],
      ["forge/github/limits.test.ts", "tells a person about a missing permission and a missing repository"],
    ],
    open: "A token that may do more than it needs is not warned of: GitHub does not tell it of fine-grained tokens.",
  },
  {
    id: 12,
    says: "Approved is what stands on the tracked branch as fetched, by exact digest; nothing else approves.",
    tests: [
      [
        "reconcile/policy-source.test.ts",
        "takes no edit of a copy for an approval when a new process cannot read the repository (A1)",
      ],
      ["core/levels/digest.test.ts", "compares by full digest: two levels never share one"],
      ["reconcile/automatic.test.ts", "is not merged when a person took Automatic away in the meantime (A4)"],
    ],
  },
  {
    id: 13,
    says: "The rules of the tracked branch (reviews, code owners, no force push) are recommended and looked at.",
    tests: [],
    open: "None: the product does not ask the forge for the branch's rules. A force push is seen all the same (check 10).",
  },
  {
    id: 14,
    says: "Names, labels and messages of others do nothing in a pull request but stand there.",
    tests: [
      ["forge/text.test.ts", "leaves nothing that Markdown, HTML or a table reads as syntax"],
      [
        "forge/text.test.ts",
        "leaves no mention, reference, closing keyword or address, even after a forge has resolved the references",
      ],
      ["forge/forge.contract.ts", "carries hostile text %# through a body unchanged"],
      ["core/promotion/evidence.test.ts", "lets nothing of a hostile name through"],
    ],
  },
  {
    id: 15,
    says: "Limits of a forge are kept: Retry-After, secondary limits, no spinning, no half lists; what it sends is bounded.",
    tests: [
      ["forge/github/endless.test.ts", "a list without end is an outage after 32 MiB"],
      ["forge/github/endless.test.ts", "what unpacks to more is one, too"],
      ["forge/github/endless.test.ts", "half a reply is asked again, and is never an empty one"],
      ["forge/github/limits.test.ts", "waits as long as Retry-After says when answered %i, then carries on"],
      [
        "forge/github/limits.test.ts",
        "does not sit out a long limit: says when to come back, and asks nothing until then",
      ],
      ["forge/github/failures.test.ts", "secondary, without Retry-After: nothing is asked for a minute"],
      ["forge/github/failures.test.ts", "met between two pages of a list: no half list is taken for a whole one"],
    ],
  },
];

export const WEBHOOKS: readonly SecurityCheck[] = [
  {
    id: 16,
    says: "A body is capped while it comes; headers, idle time and connections are bounded.",
    tests: [
      [WEBHOOK, "are refused beyond one MiB, said or not, and the sender hears it"],
      [WEBHOOK, "without an end are cut off, and nothing of them is kept"],
      [WEBHOOK, "that never end hold nothing up: others are answered, and closing does not wait for them"],
      [WEBHOOK, "of strangers use up nobody's allowance, whether they are unsigned or badly signed"],
      [
        "serve/pages.test.ts",
        "answers a probe although a stranger holds as many connections as there may be, and more",
      ],
      ["serve/pages.test.ts", "refuses headers without end"],
      ["serve/pages.test.ts", "ends a request that does not come to its end"],
    ],
  },
  {
    id: 17,
    says: "HMAC-SHA-256 over the raw bytes in constant time; without a secret there is no endpoint.",
    tests: [
      [WEBHOOK, "do nothing when they are signed with %s"],
      [WEBHOOK, "are judged by their raw bytes"],
      [WEBHOOK, "are not served without a secret worth the name"],
      [WEBHOOK, "take two secrets while one is being changed, and not three"],
      [WEBHOOK, "take a secret that was changed in its file, and nothing while it cannot be read or is too short"],
    ],
  },
  {
    id: 18,
    says: "A replay changes nothing; however many come, there is one look a second.",
    tests: [
      [WEBHOOK, "need an id, and one that came before pokes nobody"],
      [WEBHOOK, "are remembered by the last ids alone, however many come"],
      [WEBHOOK, "become one poke a second, and the last of a burst is not lost"],
      [
        "reconcile/webhook.test.ts",
        "hands at most one over a second, says once that it cannot, and goes on when it can",
      ],
      [WEBHOOK, "are one look a second although hundreds come again, under ids of their own"],
    ],
  },
  {
    id: 19,
    says: "Nothing of a body is read.",
    tests: [
      [WEBHOOK, "say only when to look: nothing of a body is read, however it lies (A7)"],
      ["reconcile/webhook.test.ts", "pokes the controller to look, and cannot tell it what it will see"],
    ],
  },
  {
    id: 20,
    says: "Hooks that are signed by OpenID Connect tokens are held to issuer, audience and subject.",
    tests: [],
    open: "None: no such hook is taken. GitHub, Gitea and Forgejo sign with a shared secret.",
  },
];
