// PolicyRepository: the one Git repository that a cluster takes its policy from. Only with kubectl or the chart, never from Git:
// no repository may widen what a repository may do.
import {
  AtomicList,
  Conditions,
  Duration,
  type KindDefinition,
  MapList,
  ObservedGeneration,
  type Resource,
  rules,
  type Static,
  StringEnum,
  Text,
  Timestamp,
  Type,
} from "./schema.ts";

/** Asks for a look at the repository: each value that was not there before is a request. Anybody's text. */
export const REQUESTED_AT = "ringward.dev/reconcile-requested-at";

/** Longest value of that annotation that is said to be handled. */
export const LONGEST_REQUEST = 256;

const File = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 512,
    pattern: "^/",
    description: `${description} Absolute path of a mounted file.`,
  });

export const ProposalSettings = Type.Object(
  {
    grouping: Type.Optional(
      StringEnum(
        ["PerBaseline", "Grouped"] as const,
        "`PerBaseline`: a pull request for each ring and baseline. `Grouped`: one for each ring, kept up to date in place; closing it refuses all that it holds. Without a forge always `PerBaseline`.",
        { default: "PerBaseline" },
      ),
    ),
    maxOpen: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        description: "At most so many pull requests of Ringward's are open; further ones wait (ProposalLimit).",
      }),
    ),
    schedule: Type.Optional(
      Type.Object(
        {
          timeZone: Type.Optional(Type.String({ maxLength: 64, description: "IANA time zone.", default: "UTC" })),
          windows: AtomicList(
            Type.Object({
              schedule: Type.String({
                minLength: 9,
                maxLength: 64,
                description: "Cron, five fields: when the window opens.",
              }),
              duration: Duration("How long it stays open."),
            }),
            "Times when pull requests may be opened.",
            32,
            { minItems: 1 },
          ),
        },
        { description: "When new pull requests are opened; open ones are kept up to date and closed at any time." },
      ),
    ),
    trackingIssue: Type.Optional(
      Type.Boolean({
        description: "Whether one issue lists what is open, what waits and what was refused.",
        default: false,
      }),
    ),
  },
  { description: "How pull requests are opened." },
);
export type ProposalSettings = Static<typeof ProposalSettings>;

const fields = {
  url: Type.String({
    minLength: 1,
    maxLength: 512,
    description: "https or ssh URL, without user or password.",
    ...rules({ rule: "!self.startsWith('-')", message: "a URL cannot start with a dash" }),
  }),
  branch: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: "Tracked branch.", default: "main" })),
  path: Type.Optional(
    Type.String({
      maxLength: 512,
      description: "Folder of the policy in the repository; empty: the root.",
      default: "",
    }),
  ),
  interval: Type.Optional(
    Duration("How often to fetch; up to a tenth longer each time, so that clusters do not fetch together.", {
      default: "1m",
    }),
  ),
  suspend: Type.Optional(
    Type.Boolean({
      description:
        "Nothing is fetched, applied or proposed while true. What was read last stays in force until maxStaleness is over; then nothing new starts.",
      default: false,
    }),
  ),
  auth: Type.Optional(
    Type.Object(
      {
        tokenFile: Type.Optional(File("Token for https.")),
        username: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 128,
            description: "User name for https; with a token any will do where it is left out (`x-access-token`).",
          }),
        ),
        passwordFile: Type.Optional(File("Password for https, in place of a token.")),
        caFile: Type.Optional(
          File("PEM certificates of the authorities that the https server, the forge and the proxy are trusted by."),
        ),
        sshKeyFile: Type.Optional(File("Private key for ssh.")),
        knownHostsFile: Type.Optional(File("Host keys for ssh.")),
        githubApp: Type.Optional(
          Type.Object(
            {
              appId: Type.Integer({ minimum: 1, maximum: 9_007_199_254_740_991, description: "The App's id." }),
              installationId: Type.Integer({
                minimum: 1,
                maximum: 9_007_199_254_740_991,
                description: "Id of its installation that covers the repository.",
              }),
              privateKeyFile: File("The App's private key, PEM."),
            },
            {
              description:
                "GitHub App: for https in place of a token, and for the forge's API unless `forge.tokenFile` is given. Commits are made through the API then, and verified.",
            },
          ),
        ),
      },
      {
        description: "Credentials, from mounted files only.",
        ...rules(
          {
            rule: "!has(self.sshKeyFile) || has(self.knownHostsFile)",
            message: "ssh needs knownHostsFile",
          },
          {
            rule: "!has(self.knownHostsFile) || has(self.sshKeyFile)",
            message: "knownHostsFile goes with sshKeyFile",
          },
          {
            rule: "[has(self.tokenFile), has(self.passwordFile), has(self.sshKeyFile)].filter(given, given).size() <= 1",
            message: "give one of tokenFile, passwordFile and sshKeyFile",
          },
          {
            rule: "!has(self.passwordFile) || has(self.username)",
            message: "passwordFile needs username",
          },
          {
            rule: "!has(self.username) || has(self.tokenFile) || has(self.passwordFile)",
            message: "username goes with tokenFile or passwordFile",
          },
          {
            rule: "!has(self.githubApp) || !(has(self.tokenFile) || has(self.passwordFile))",
            message: "githubApp makes the tokens for https: leave tokenFile and passwordFile out",
          },
        ),
      },
    ),
  ),
  proxy: Type.Optional(
    Type.Object(
      {
        url: Type.String({
          minLength: 1,
          maxLength: 512,
          pattern: "^https?://[^/@?#\\s]+/?$",
          description: "`http://HOST:PORT` or `https://HOST:PORT`, without user or password.",
        }),
        credentialsFile: Type.Optional(File("The proxy's `USER:PASSWORD`.")),
      },
      {
        description:
          "Proxy through which git asks the https server (CONNECT), and the forge is asked. Nothing is taken from the environment: no HTTPS_PROXY, no NO_PROXY.",
      },
    ),
  ),
  verification: Type.Optional(
    Type.Object(
      {
        mode: StringEnum(
          ["None", "Head", "Strict"] as const,
          "Whose signature is asked for: nobody's; that of the tracked branch's head; that of every commit since the head that was verified last, on both sides of merges.",
        ),
        allowedSignersFile: Type.Optional(File("ssh keys that are trusted: ALLOWED SIGNERS of ssh-keygen(1).")),
        revokedKeysFile: Type.Optional(
          File("ssh keys that are not trusted any more: public keys, or a key revocation list."),
        ),
        keyringFile: Type.Optional(File("OpenPGP public keys that are trusted.")),
      },
      {
        description:
          "Signatures of commits. While a head is not verified nothing new starts, and what was read last serves what is in flight (SignatureInvalid).",
        ...rules(
          {
            rule: "self.mode == 'None' || has(self.allowedSignersFile) || has(self.keyringFile)",
            message: "modes Head and Strict need allowedSignersFile or keyringFile",
          },
          {
            rule: "!has(self.revokedKeysFile) || has(self.allowedSignersFile)",
            message: "revokedKeysFile goes with allowedSignersFile",
          },
        ),
      },
    ),
  ),
  commits: Type.Optional(
    Type.Object(
      {
        authorName: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: "Author and committer." })),
        authorEmail: Type.Optional(Type.String({ minLength: 3, maxLength: 256, description: "Their address." })),
        signingKeyFile: Type.Optional(File("ssh private key (ed25519 or RSA, no passphrase) that signs them.")),
      },
      {
        description: "Ringward's own commits, where git makes them and not the forge's API.",
        ...rules({
          rule: "has(self.authorName) == has(self.authorEmail)",
          message: "give both of authorName and authorEmail, or neither",
        }),
      },
    ),
  ),
  forge: Type.Optional(
    Type.Object(
      {
        kind: StringEnum(["GitHub", "Gitea"] as const, "Forge; `Gitea` is Forgejo's, too."),
        apiUrl: Type.Optional(
          Type.String({
            maxLength: 512,
            description: "REST API's address; for Gitea `https://HOST/api/v1`.",
            default: "https://api.github.com",
          }),
        ),
        owner: Type.String({
          minLength: 1,
          maxLength: 100,
          description: "Owner of the repository.",
        }),
        repository: Type.String({
          minLength: 1,
          maxLength: 100,
          description: "Name of the repository.",
        }),
        tokenFile: Type.Optional(File("Token for the API; left out: `auth.githubApp` makes them.")),
      },
      {
        description: "Where pull requests are opened; left out: a proposal is a branch that people merge with git.",
        ...rules(
          {
            rule: "self.kind != 'Gitea' || (has(self.apiUrl) && self.apiUrl != 'https://api.github.com')",
            message: "Gitea needs apiUrl",
          },
          { rule: "self.kind != 'Gitea' || has(self.tokenFile)", message: "Gitea needs tokenFile" },
        ),
      },
    ),
  ),
  proposals: Type.Optional(ProposalSettings),
  mode: Type.Optional(
    StringEnum(
      ["Apply", "ReadOnly"] as const,
      "`Apply`: Ringward puts the policy's objects into the cluster. `ReadOnly`: Flux or Argo CD does.",
      { default: "Apply" },
    ),
  ),
  maxStaleness: Type.Optional(
    Duration("No new claims when the repository could not be read for so long.", { default: "1h" }),
  ),
  acknowledgedCommit: Type.Optional(
    Type.String({
      pattern: "^[0-9a-f]{40}$|^[0-9a-f]{64}$",
      maxLength: 64,
      description: "A head that a person accepts after history was rewritten.",
    }),
  ),
  clusterName: Type.String({
    minLength: 1,
    maxLength: 63,
    pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    description: "This cluster's name in proposals and evidence.",
  }),
  proposer: Type.Optional(
    Type.Boolean({
      description: "Whether this cluster opens proposals and writes automatic promotions.",
      default: true,
    }),
  ),
};

/** What an address and its credentials have to do with each other. */
const ACCESS_RULES = [
  {
    rule: "!has(self.forge) || has(self.forge.tokenFile) || (has(self.auth) && has(self.auth.githubApp))",
    message: "forge needs tokenFile or auth.githubApp",
  },
  {
    rule: "!(self.url.startsWith('https://') || self.url.startsWith('http://')) || !has(self.auth) || !has(self.auth.sshKeyFile)",
    message: "sshKeyFile goes with an ssh url",
  },
  {
    rule: "!(self.url.startsWith('ssh://') || self.url.contains('@')) || self.url.startsWith('http') || (has(self.auth) && has(self.auth.sshKeyFile) && !has(self.auth.caFile) && !has(self.proxy))",
    message: "an ssh url needs auth.sshKeyFile, and neither caFile nor proxy",
  },
] as const;

export const ManifestRepository = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 63,
      pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
      description: "Name by which baselines mean it.",
    }),
    url: fields.url,
    branch: fields.branch,
    auth: fields.auth,
    proxy: fields.proxy,
    forge: fields.forge,
  },
  rules(...ACCESS_RULES),
);
export type ManifestRepository = Static<typeof ManifestRepository>;

export const PolicyRepositorySpec = Type.Object(
  {
    ...fields,
    manifestRepositories: Type.Optional(
      MapList(
        ManifestRepository,
        ["name"],
        "Other repositories, with the manifests of workloads that somebody else applies. Image changes are proposed there (`PatchBaseline.spec.image.images[].manifests`); policy is never read from them.",
        16,
      ),
    ),
  },
  rules(...ACCESS_RULES),
);

export const PolicyRepositoryStatus = Type.Object({
  observedGeneration: Type.Optional(ObservedGeneration),
  conditions: Type.Optional(Conditions),
  observedCommit: Type.Optional(Text("Head whose policy is in force.", 64)),
  fetchedCommit: Type.Optional(Text("Head that was fetched last.", 64)),
  verifiedCommit: Type.Optional(Text("Head whose signatures were verified last; absent without verification.", 64)),
  lastFetchTime: Type.Optional(Timestamp("Last successful fetch.")),
  lastHandledReconcileAt: Type.Optional(
    Text(
      "Value of the annotation `ringward.dev/reconcile-requested-at` that the last look that ended, well or badly, had seen when it began. A longer value is looked for, too, but never stands here.",
      LONGEST_REQUEST,
    ),
  ),
  documents: Type.Optional(Type.Integer({ minimum: 0, description: "Policy documents in force." })),
  problems: Type.Optional(
    Type.Array(
      Type.Object({
        file: Text("File.", 512),
        line: Type.Integer({ minimum: 0, description: "Line, from 1; 0: the whole file." }),
        column: Type.Integer({ minimum: 0, description: "Column, from 1; 0: the whole line." }),
        path: Text("Path in the document.", 512),
        code: Text("Code.", 64),
        message: Text("What is wrong and what to do.", 1024),
      }),
      { maxItems: 50, description: "Documents that are not in force, the first fifty." },
    ),
  ),
});

export type PolicyRepositorySpec = Static<typeof PolicyRepositorySpec>;
export type PolicyRepositoryStatus = Static<typeof PolicyRepositoryStatus>;
export type PolicyRepository = Resource<"PolicyRepository", PolicyRepositorySpec, PolicyRepositoryStatus>;

export const policyRepository: KindDefinition = {
  kind: "PolicyRepository",
  plural: "policyrepositories",
  singular: "policyrepository",
  shortNames: ["prepo"],
  scope: "Cluster",
  authoredIn: "Cluster",
  description: "A PolicyRepository is the Git repository that this cluster takes its policy from.",
  spec: PolicyRepositorySpec,
  status: PolicyRepositoryStatus,
  columns: [
    { name: "URL", type: "string", jsonPath: ".spec.url" },
    { name: "Commit", type: "string", jsonPath: ".status.observedCommit" },
    { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: "Reason", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
};
