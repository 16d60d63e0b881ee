// Checks 21 to 45: rights in the cluster, secrets and logs, availability, supply chain.
import type { SecurityCheck } from "./check.ts";

const INSTALL = "e2e/install.test.ts";
const EXPORT = "install/export.test.ts";
const CANARIES = "secrets/canaries.test.ts";
const NO_RELEASE = "there is no release yet.";

export const CLUSTER: readonly SecurityCheck[] = [
  {
    id: 21,
    says: "Rights are the least, made from one table: a verb that nobody uses fails as one that is missing does, and the server agrees.",
    tests: [
      [
        "install/permissions.test.ts",
        "is what the controller asks the API server for, over everything that it does: no verb more, no verb less",
      ],
      [INSTALL, "may do in namespace %s what the table says, and nothing else"],
    ],
  },
  {
    id: 22,
    says: "Of a Node our account changes the cordon and its own marks, whatever it is bound to.",
    tests: [
      [INSTALL, "are shut, each with the rule that shuts it"],
      [INSTALL, "stay shut where somebody bound the account to cluster-admin"],
      ["nodes/own-fields.test.ts", "only our own fields are written, whatever others write at the same moment (K8)"],
    ],
  },
  {
    id: 23,
    says: "In the job namespace there is nothing but steps of recipes: allowed image by digest, one node, no token, no secret, a deadline; nobody enters them. A refused job leaves the node as it was.",
    tests: [
      [INSTALL, "are shut in the job namespace: only steps of recipes, whoever asks"],
      [INSTALL, "are shut to everybody at the pods of the job namespace"],
      [EXPORT, "has a policy of every request that fails closed, and bindings that deny"],
      [
        EXPORT,
        "holds jobs and pods to their shape when they are changed, too: a running container's image can be swapped",
      ],
      ["nodes/operate.test.ts", "of %s that the cluster refuses with %i leaves the node as it was, and says why"],
    ],
    open: "That the policies are missing is not probed by the controller: apply the export before it runs.",
  },
  {
    id: 24,
    says: "A step that only looks has no privileges and cannot write to the node.",
    tests: [["nodes/operate.test.ts", "that only looks mounts the host read-only, with everything below it"]],
    open: "There are two tiers, ReadOnly and ReadWrite; a tier that may only signal a reboot there is not.",
  },
  {
    id: 25,
    says: "What a step is told are words by grammar in variables of its own, never shell and never an option.",
    tests: [
      ["recipes/apt.test.ts", "is never an option of a program, and never shell"],
      [
        "core/levels/resolve.test.ts",
        "keeps the earlier of versions that cannot be compared, and ignores other systems and words that are no versions",
      ],
      [
        "core/levels/resolve.test.ts",
        "takes no name from a node that would be more than one word to a recipe, nor one that was taken before",
      ],
    ],
  },
  {
    id: 26,
    says: "What a job answers is untrusted, bounded and checked; success is what the node itself shows.",
    tests: [
      [
        "nodes/operate.test.ts",
        "that lies is found out: exit 0 and nothing installed is VerificationFailed, and the claim is kept (B12)",
      ],
      ["nodes/operate.test.ts", "that is ${what} is Unknown, never success"],
      ["inventory/store-inventory.test.ts", "bounds what a node writes"],
    ],
  },
  {
    id: 27,
    says: "The controller's own pod: no root, read-only root, no capabilities, default seccomp, network policy, limits.",
    tests: [
      [
        "chart/chart.test.ts",
        "fits the Pod Security level restricted, writes to two emptyDirs alone, and has limits (27)",
      ],
      [
        "e2e/chart.test.ts",
        "runs two controllers whose /readyz turns green, as user 65532 on a read-only root, in mode Observe, of which one leads",
      ],
      ["image/image.test.ts", "runs ringward as nobody in particular, with git, gpg and ssh beside it"],
    ],
  },
  {
    id: 28,
    says: "The Lease by its name, events in our own name.",
    tests: [
      [INSTALL, "are shut, each with the rule that shuts it"],
      [EXPORT, "holds the controller to the namespace that is named, and nothing to the default one"],
    ],
  },
  {
    id: 29,
    says: "What a node may write itself decides neither ring nor success, and lets nobody else go first.",
    tests: [
      ["policy/validate.test.ts", "labels that a node may write itself"],
      ["nodes/interop.test.ts", "are read with care from the node, which writes its own annotations (%.24s)"],
      ["inventory/projections.test.ts", "is not heard of by the Lease of an earlier node of its name"],
      ["core/compliance/node.test.ts", "is what a node without a level, or with a forged one, is"],
    ],
    open: "A selector by a label that the kubelet may write is a warning, not an error. With `follow: Offered` a node that offers a version that does not exist makes it the one that is proposed; approved, it is VersionNotAvailable everywhere else, until somebody takes it out of the baseline's status.",
  },
  {
    id: 30,
    says: "Selectors of two owners that meet are refused or told; one owner's broken file stops no other ring.",
    tests: [
      ["policy/validate.test.ts", "are an error when their selectors are equal, however written"],
      ["policy/validate.test.ts", "are an error when one implies the other"],
      ["policy/in-force.test.ts", "%s stops the rings that use it and no others"],
      [
        "policy/load.test.ts",
        "stand in a folder recipes/ only, wherever it is, so that nobody brings one past its owners",
      ],
    ],
    open: "The steps in a level that a person wrote into levels/ by hand are not compared with those of the recipe that it names: the folder needs the owners of recipes/.",
  },
];

export const SECRETS: readonly SecurityCheck[] = [
  {
    id: 31,
    says: "No credential in an address; they reach git in one process's environment alone, and no command line shows them.",
    tests: [
      ["git/hostile/addresses.test.ts", "an address is refused that holds %s"],
      [
        "git/repository-safety.test.ts",
        "reach git in one process's environment only: not argv, not disk, not the local commands",
      ],
      [CANARIES, "a password, and a proxy's credentials"],
    ],
  },
  {
    id: 32,
    says: "Planted credentials of every kind are found nowhere: log, files, objects, pull requests, commits, command lines.",
    tests: [
      [CANARIES, "a token for git and for the API, a key that signs, a webhook's secret, tokens for gates"],
      [CANARIES, "a GitHub App's key, and the tokens that it gets"],
      [CANARIES, "a key for ssh"],
      [CANARIES, "addresses and keys of notifications, that receivers give back, and an address that is none"],
      [CANARIES, "a token that the servers of git and of the API give back with %d"],
      ["redact.test.ts", "takes a secret out %s"],
      [
        "gates/hostile.test.ts",
        "that gives the token back tells it to nobody, whether as a reason, a warning or a name; what decides stays as it was sent",
      ],
    ],
  },
  {
    id: 33,
    says: "Logs hold no object of the cluster, and messages are bounded.",
    tests: [
      [CANARIES, "what people keep in objects of the cluster is not printed"],
      ["kube/client.test.ts", "keep a proxy's page short and guess no reason that was not said"],
      ["kube/events.test.ts", "cuts a note at 1024 bytes without cutting a character, and a name at 253 characters"],
    ],
  },
  {
    id: 34,
    says: "No secret in a job's variables, no last-applied annotation.",
    tests: [[CANARIES, "a token for git and for the API, a key that signs, a webhook's secret, tokens for gates"]],
  },
  {
    id: 35,
    says: "No debugger and no heap snapshots of a running controller.",
    tests: [
      ["tooling/launch.test.ts", "opens no debugger when it gets SIGUSR1, and works on"],
      // The image starts by the same launcher.
      ["image/image.test.ts", "starts the controller when it is told nothing else, and names its base by digest"],
    ],
  },
];

export const AVAILABILITY: readonly SecurityCheck[] = [
  {
    id: 36,
    says: "Queues, caches and lists are bounded, and memory is flat over days.",
    tests: [
      ["reconcile/statuses.test.ts", "stay small at 5,000 nodes, and grow with their number by digits only (S3)"],
      ["kube/events.test.ts", "bounds what one object may say, and what all may"],
      [
        "api/schema-lint.test.ts",
        "bound every string, list and map, because the API server estimates the cost of CEL from the bounds",
      ],
    ],
    open: "Memory over a week of policy time is not measured.",
  },
  {
    id: 37,
    says: "One bad object stops neither the others nor the controller, and there is no crash loop.",
    tests: [
      [
        "reconcile/pass.test.ts",
        "is stopped by no bad object: hostile marks, labels and statuses harm only their owner (V4)",
      ],
      [
        "reconcile/pass.test.ts",
        "is stopped by no wrong status of our own kinds: what speaks of nothing is let go, the others go on (V4)",
      ],
      ["inventory/projections.test.ts", "never stop a projection"],
      [
        "kube/reflector.test.ts",
        "survives a projection that throws, a listener that throws and an event that is not an object",
      ],
      [
        "reconcile/loop.test.ts",
        "tries a failed pass again ever more seldom, up to half a minute, whoever's fault it was",
      ],
    ],
    open: "A rejection that nobody handles ends the process, as Node does by itself.",
  },
  {
    id: 38,
    says: "Health tells a stalled loop and unsynced caches; what is served holds no secret.",
    tests: [
      [
        "reconcile/loop.test.ts",
        "is alive while passes end, and not when one hangs; whoever waits for a cache or a Lease does not hang",
      ],
      ["serve/health.test.ts", "does not mind one long pause, but an event loop that is held up again and again"],
      ["serve/pages.test.ts", "takes no input: other methods are refused, and a body ends the connection"],
      [CANARIES, "a token for git and for the API, a key that signs, a webhook's secret, tokens for gates"],
    ],
  },
];

export const SUPPLY: readonly SecurityCheck[] = [
  {
    id: 39,
    says: "Few dependencies, pinned and locked; a new one does not come in unseen.",
    tests: [
      ["tooling/dependencies.test.ts", "at run time are those that are named with a reason, and no others"],
      ["tooling/dependencies.test.ts", "are pinned exactly"],
      ["tooling/dependencies.test.ts", "are locked by their content, and bring no more packages than were looked at"],
      ["tooling/dependencies.test.ts", "run no script when they are installed, but for the one that brings Node"],
      ["tooling/lock.test.ts", "finds nothing to add to the committed lock, and no address in it"],
    ],
    open: "The goals of five direct dependencies and forty in all are missed: there are 11, and 151 with theirs.",
  },
  {
    id: 40,
    says: "Workflows: actions by digest, least rights.",
    tests: [
      ["github/workflows.test.ts", "calls actions by the commit of a known tag, and only with inputs that they have"],
      [
        "github/workflows.test.ts",
        "workflows and jobs say their permissions; writing is for the jobs that publish or attest",
      ],
      [
        "github/workflows.test.ts",
        "no workflow runs with a fork's code and this repository's rights, none has a secret",
      ],
    ],
    open: "They have not run on a forge yet.",
  },
  { id: 41, says: "A Scorecard, run and published.", tests: [], open: "None yet: the repository is not public." },
  {
    id: 42,
    says: "Images by digest, signed, with SBOM and provenance, reproducible.",
    tests: [
      ["image/image.test.ts", "has the same digest when it is built again, from the package on"],
      [
        "tooling/package.test.ts",
        "names every package in the bundle, with its licence's text, in an SBOM without a time",
      ],
      [
        "github/release.test.ts",
        "is pushed under the owner's name in small letters, and signed by the digest that helm says",
      ],
    ],
    open: `Signature and provenance are in the release's workflow and have not been made yet: ${NO_RELEASE}`,
  },
  {
    id: 43,
    says: "SECURITY.md, a threat model, how a hole is reported.",
    tests: [["github/workflows.test.ts", "SECURITY.md and the pull request's form link to what is there"]],
    open: "The repository is not public, so nobody can report there yet. Who is trusted with what stands at the head of this page.",
  },
  {
    id: 44,
    says: "Every reader of text from outside is fuzzed, by grammar and by coverage.",
    tests: [
      ["fuzz/parsers.test.ts", "has a row for every exported reader of text from outside"],
      ["fuzz/properties.test.ts", "takes whatever its grammar, noise and mutations give"],
      ["fuzz/loop.test.ts", "grows over every parser, and finds nothing"],
    ],
  },
  {
    id: 45,
    says: "Static analysis, dependency review, secret scanning; a high one blocks a release.",
    tests: [],
    open: "None yet: these are services of a forge, and the repository is on none. Lint with types and the check for traces of machines run with every commit.",
  },
];
