// PatchBaseline: what patch level is required of nodes of one product, or of container images.
// It says nothing about who goes first or when: that is the RolloutRing's.
import {
  AtomicList,
  Conditions,
  Duration,
  type KindDefinition,
  LabelSelector,
  MapList,
  ObjectName,
  ObservedGeneration,
  type Resource,
  rules,
  type Static,
  StringEnum,
  Text,
  Timestamp,
  Type,
} from "./schema.ts";

export const Product = Type.Object(
  {
    id: Type.String({
      minLength: 1,
      maxLength: 64,
      pattern: "^[a-z0-9._-]+$",
      description: "ID of os-release(5), for example `ubuntu`.",
    }),
    versionId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: "VERSION_ID of os-release(5), for example `22.04`; left out: every version.",
      }),
    ),
  },
  { description: "The operating system that this is about." },
);
export type Product = Static<typeof Product>;

/** Where exactly the versions of a level can be had again. */
export const Source = Type.Object(
  {
    snapshot: Type.Optional(Text("Snapshot id of the package archive, for example `20261115T000000Z`.")),
    mirror: Type.Optional(Text("URL of an immutable mirror.", 512)),
    releaseVersion: Type.Optional(Text("Release pin (`releasever`) of an rpm distribution.")),
    osImageDigest: Type.Optional(Text("Digest of the OS image.", 128)),
  },
  {
    description: "A reproducible source: the same name must give the same bits next month.",
    minProperties: 1,
  },
);
export type Source = Static<typeof Source>;

const Version = (description: string) => Type.String({ description, minLength: 1, maxLength: 128 });

export const Minimum = Type.Object(
  {
    kernels: Type.Optional(
      MapList(
        Type.Object({
          series: Version("Release series that this floor is for, for example `5.15.0` (Ubuntu) or `6.1` (Debian)."),
          flavour: Type.String({
            description: "Flavour, for example `generic` or `aws`; empty where the distribution has none.",
            maxLength: 64,
            default: "",
          }),
          version: Version("Lowest acceptable `uname -r`, for example `5.15.0-125-generic`."),
        }),
        ["series", "flavour"],
        "Lowest kernel of each series and flavour that may run. A running series or flavour that is not listed is Unknown (KernelNotCovered).",
        16,
      ),
    ),
    kubelet: Type.Optional(Version("Lowest kubelet version.")),
    containerRuntime: Type.Optional(Version("Lowest container runtime, for example `containerd://1.7.24`.")),
    osImage: Type.Optional(Version("Lowest version of the OS image, for image-based systems such as Flatcar.")),
    packages: Type.Optional(
      MapList(
        Type.Object({
          name: Type.String({
            minLength: 1,
            maxLength: 128,
            pattern: "^[A-Za-z0-9][A-Za-z0-9+._:-]*$",
            description: "Binary package name.",
          }),
          version: Version("Lowest version."),
        }),
        ["name"],
        "Lowest versions of packages, where they are installed. Packages are never added.",
        512,
      ),
    ),
  },
  { description: "Floors: what is above them is fine.", minProperties: 1 },
);

export const NodeTarget = Type.Object(
  {
    nodeSelector: Type.Optional(LabelSelector("Nodes that this baseline is about, beside the product.")),
    product: Product,
    source: Type.Optional(Source),
    follow: Type.Optional(
      StringEnum(
        ["Typed", "Offered"] as const,
        "`Typed`: the versions in `minimum`. `Offered`: the versions that the nodes' own package source offers.",
        { default: "Typed" },
      ),
    ),
    minimum: Type.Optional(Minimum),
    recipeRef: Type.Object(
      { name: ObjectName("Name of the UpdateRecipe.") },
      { description: "How a node is updated." },
    ),
    rebootPolicy: Type.Optional(
      StringEnum(["IfRequired", "Always", "Never"] as const, "Whether a node may and must reboot.", {
        default: "IfRequired",
      }),
    ),
    drain: Type.Optional(
      StringEnum(
        ["IfDisruptive", "Always"] as const,
        "`IfDisruptive`: drain only before a reboot. `Always`: drain before every update.",
        { default: "IfDisruptive" },
      ),
    ),
    inventory: Type.Optional(
      Type.Object(
        {
          interval: Type.Optional(
            Duration("How often an inventory job looks at a node, where the baseline needs more than nodeInfo.", {
              default: "6h",
            }),
          ),
          staleAfter: Type.Optional(Duration("Older inventory is Unknown.", { default: "24h" })),
        },
        { description: "Freshness of inventory." },
      ),
    ),
  },
  {
    description: "A baseline for nodes.",
    ...rules({
      rule: "(has(self.follow) && self.follow == 'Offered') || has(self.minimum)",
      message: "minimum is required unless follow is Offered",
    }),
  },
);

const ValuePath = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 253,
    description: `${description} For example \`image.tag\` or \`sidecars[0].image\`; a dot in a key is written \`\\.\`.`,
  });

export const ImageManifests = Type.Object(
  {
    ring: ObjectName(
      "RolloutRing whose workloads are applied from there; for a ring that is not listed nothing is proposed.",
    ),
    repository: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 63,
        description:
          "Name of an entry of `PolicyRepository.spec.manifestRepositories`; left out: the policy repository itself.",
      }),
    ),
    path: Type.String({
      minLength: 1,
      maxLength: 512,
      description: "File or folder from the repository's root; `.`: the root.",
    }),
    kind: StringEnum(
      ["PlainYaml", "Kustomize", "HelmValues"] as const,
      "`PlainYaml`: every workload's image under the path. `Kustomize`: the `images` of the kustomization there. `HelmValues`: values of the file there.",
    ),
    valuePaths: Type.Optional(
      Type.Object(
        {
          image: Type.Optional(ValuePath("Value that is the whole reference in one string.")),
          tag: Type.Optional(ValuePath("Value that is the tag.")),
          digest: Type.Optional(ValuePath("Value that is the digest.")),
        },
        {
          description: "Which values of a chart name the image.",
          ...rules({
            rule: "has(self.image) != (has(self.tag) || has(self.digest))",
            message: "give either image, or tag and digest",
          }),
        },
      ),
    ),
    chart: Type.Optional(
      Type.Object(
        {
          path: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 512,
              description: "Folder of the chart in the same repository; left out: the folder of the values.",
            }),
          ),
          valueFiles: Type.Optional(
            AtomicList(
              Type.String({ minLength: 1, maxLength: 512 }),
              "Files of values in the same repository that helm gets before the one that changes, beside the chart's own.",
              8,
            ),
          ),
        },
        { description: "What the values are rendered with, before and after a change." },
      ),
    ),
  },
  rules(
    {
      rule: "(self.kind == 'HelmValues') == has(self.valuePaths)",
      message: "kind HelmValues needs valuePaths, and no other kind has them",
    },
    { rule: "self.kind == 'HelmValues' || !has(self.chart)", message: "only kind HelmValues has a chart" },
  ),
);
export type ImageManifests = Static<typeof ImageManifests>;

export const ImageTarget = Type.Object(
  {
    images: MapList(
      Type.Object(
        {
          repository: Type.String({
            minLength: 1,
            maxLength: 255,
            description: "Full repository, for example `registry.example.com/shop/web`.",
          }),
          mirrors: Type.Optional(
            AtomicList(Type.String({ maxLength: 255 }), "Other full repositories that serve the same image.", 8),
          ),
          tag: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 128,
              pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]*$",
              description: "Required tag.",
            }),
          ),
          digest: Type.Optional(
            Type.String({
              pattern: "^sha256:[0-9a-f]{64}$",
              maxLength: 71,
              description: "Required digest.",
            }),
          ),
          manifests: Type.Optional(
            MapList(
              ImageManifests,
              ["ring"],
              "Where the manifests of workloads stand that somebody else applies (Argo CD, Flux, Helm), for each ring: their change is proposed there as a pull request once the ring is approved for the level.",
              32,
            ),
          ),
        },
        rules({ rule: "has(self.tag) || has(self.digest)", message: "tag or digest is required" }),
      ),
      ["repository"],
      "Exact images. A container whose repository matches only by its tail is Unknown.",
      128,
      { minItems: 1 },
    ),
  },
  { description: "A baseline for container images of workloads." },
);

export const PatchBaselineSpec = Type.Object(
  {
    target: StringEnum(
      ["Node", "Image"] as const,
      "What this baseline is about; the member of that name must be given, and only it.",
    ),
    node: Type.Optional(NodeTarget),
    image: Type.Optional(ImageTarget),
    resolveSchedule: Type.Optional(
      Type.Object(
        {
          schedule: Type.String({ minLength: 9, maxLength: 64, description: "Cron, five fields." }),
          timeZone: Type.Optional(Type.String({ maxLength: 64, description: "IANA time zone.", default: "UTC" })),
        },
        { description: "When a new level may be made; left out: as soon as its inputs change." },
      ),
    ),
  },
  rules(
    {
      rule: "self.target == 'Node' ? has(self.node) && !has(self.image) : true",
      message: "target Node needs exactly the member node",
    },
    {
      rule: "self.target == 'Image' ? has(self.image) && !has(self.node) : true",
      message: "target Image needs exactly the member image",
    },
  ),
);

export const PatchBaselineStatus = Type.Object({
  observedGeneration: Type.Optional(ObservedGeneration),
  conditions: Type.Optional(Conditions),
  candidate: Type.Optional(
    Type.Object(
      {
        level: ObjectName("Name of the newest level that this baseline resolves to."),
        digest: Text("Full digest of its spec.", 80),
        resolvedTime: Timestamp("When it was first resolved."),
      },
      { description: "The newest level that this baseline resolves to." },
    ),
  ),
  offered: Type.Optional(
    MapList(
      Type.Object({
        name: Type.String({ maxLength: 128, description: "Package." }),
        version: Type.String({ maxLength: 128, description: "Newest version seen on offer." }),
        firstSeenTime: Timestamp("When a node first reported it."),
      }),
      ["name"],
      "Versions on offer and when they were first seen (follow: Offered). Never lowered by partial data.",
      1024,
    ),
  ),
  assets: Type.Optional(Type.Integer({ minimum: 0, description: "Assets that this baseline is about." })),
  compliant: Type.Optional(
    Type.Integer({
      minimum: 0,
      description:
        "Of those, compliant: at what their ring is approved for. What waits for an approval (Available) counts.",
    }),
  ),
  compliantPercent: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: "Rounded down." })),
});

export type PatchBaselineSpec = Static<typeof PatchBaselineSpec>;
export type PatchBaselineStatus = Static<typeof PatchBaselineStatus>;
export type PatchBaseline = Resource<"PatchBaseline", PatchBaselineSpec, PatchBaselineStatus>;

export const patchBaseline: KindDefinition = {
  kind: "PatchBaseline",
  plural: "patchbaselines",
  singular: "patchbaseline",
  shortNames: ["pbl"],
  scope: "Cluster",
  authoredIn: "Policy",
  description: "A PatchBaseline says what patch level is required of nodes of one product, or of container images.",
  spec: PatchBaselineSpec,
  status: PatchBaselineStatus,
  columns: [
    { name: "Target", type: "string", jsonPath: ".spec.target" },
    { name: "Candidate", type: "string", jsonPath: ".status.candidate.level" },
    { name: "Assets", type: "integer", jsonPath: ".status.assets" },
    { name: "Compliant%", type: "integer", jsonPath: ".status.compliantPercent" },
    { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
};
