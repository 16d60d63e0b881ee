// Policy text: documents, scalars, objects, blobs and edits in place. Must never throw for what the text holds (G5).
import fc from "fast-check";
import { createValidators } from "../../../controller/api/validator.ts";
import { findKind, KINDS } from "../../../controller/api/kinds.ts";
import { createItemReader } from "../../../controller/inventory/json-items.ts";
import { UserError } from "../../../controller/errors.ts";
import { editDocument, removeLevelEntry, setLevelEntry } from "../../../controller/git/edit.ts";
import { decodeBlob, nameProblem, parseTree } from "../../../controller/git/snapshot-files.ts";
import { editManifests, type ManifestChange } from "../../../controller/git/manifests/index.ts";
import { diffShapes, readShapes } from "../../../controller/git/manifests/diff.ts";
import { findFolders } from "../../../controller/git/manifests/folders.ts";
import { formatFinding } from "../../../controller/policy/finding.ts";
import { readDocuments, writePointer } from "../../../controller/policy/documents.ts";
import { loadPolicy } from "../../../controller/policy/load.ts";
import { createSalvage } from "../../../controller/policy/salvage.ts";
import { readPlainScalar, refusePlainKey } from "../../../controller/policy/scalars.ts";
import { YAMLException } from "js-yaml";
import { digits, many, maybe, name, noise, oneOf, seq } from "../grammar.ts";
import { bytesOf, type Parser } from "../parser.ts";

const YAML_WORDS: readonly string[] = [
  ...[
    "---\n",
    "...\n",
    "- ",
    ": ",
    "\n",
    "\n  ",
    "\n    ",
    "#",
    "&a ",
    "*a",
    "!!str ",
    "<<: ",
    "|\n",
    ">-\n",
    "? ",
    "{",
    "}",
    "[",
    "]",
    ",",
  ],
  ...[
    '"',
    "'",
    "\\u",
    "\\x",
    "%YAML 1.1\n",
    "yes",
    "on",
    "0644",
    "0o7",
    "1_000",
    "1:30",
    "~",
    "null",
    ".inf",
    "1e3",
    "\t",
    "\r\n",
    "\ufeff",
    "{{ ",
  ],
];

const POLICY_WORDS: readonly string[] = [
  ...YAML_WORDS,
  ...[
    "apiVersion: ringward.dev/v1alpha1\n",
    "kind: RolloutRing\n",
    "metadata:\n  name: a\n",
    "spec:\n",
    "levels:",
    "baseline:",
    "level:",
  ],
  ...[
    "PatchBaseline",
    "MaintenanceCalendar",
    "PatchException",
    "UpdateRecipe",
    "PatchLevel",
    "DisruptionLedger",
    "List",
    "items:",
  ],
];

const scalarText = oneOf(
  name,
  digits,
  "yes",
  "0644",
  "~",
  "1e5",
  '"a\\n\\u0041"',
  "'it''s'",
  "*a",
  "&a b",
  "!!int 3",
  noise,
  "|\n    text",
  "[1, {a: b}]",
);
const yamlLine = seq(
  oneOf("", "  ", "    ", "- ", "  - "),
  oneOf(name, '"q k"', "<<", "__proto__", "?"),
  oneOf(": ", ":", " "),
  scalarText,
  "\n",
);
const yamlText = many(oneOf(yamlLine, "---\n", "# c\n", "...\n", "%TAG ! x\n"), { most: 12 });

const RING = `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata: {name: early}
spec:
  members: {nodes: {selector: {matchLabels: {ring: early}}}}
  soak: 24h
  levels:
  - baseline: ubuntu # c
    level: ubuntu-20261115-0123456789ab
    maxTargets: 12
`;

const documents: Parser = {
  name: "policy/documents",
  form: "text",
  covers: ["controller/policy/documents.ts readDocuments"],
  run(text) {
    const read = readDocuments("a.yaml", text);
    const places = read.documents.map((document) => [
      document.line,
      document.value,
      document.range,
      Object.keys(document.value)
        .slice(0, 5)
        .map((key) => [writePointer([key]), document.positionOf([key, 0]), document.positionOf([key], "key")]),
    ]);
    const salvage = createSalvage(text);
    const refs = read.problems.map(({ line, column }) => salvage(line, column));
    return [places, read.problems, refs];
  },
  check(text) {
    const { documents: found, problems } = readDocuments("a.yaml", text);
    const lines = text.split(/\r\n|\r|\n/).length;
    for (const { line, column } of [...problems, ...found.map((one) => one.positionOf([]))])
      if (!(line >= 1 && line <= lines && column >= 1)) return `a place at ${line}:${column} of ${lines} lines`;
    for (const { value } of found) if (!isDeepPlain(value)) return "a value is none that JSON could hold";
    return undefined;
  },
  grammar: yamlText,
  seeds: [
    RING,
    "# head\n---\na: 1\n---\n\n---\nb: [1, 2, {c: d}]\n...\n",
    "a: \"x\\u00e9\\n\"\nb: |\n  text\n  more\nc: >-\n  folded\n\n  line\nd: 'it''s'\ne:\n- f\n-\n",
    "a: &x 1\nb: *x\n<<: {c: 1}\n!!str d: 2\n? [e]\n: f\na: 3\n",
    "%YAML 1.1\n---\na: 1\n",
    "a:\n\t- b\n",
    "kind: RolloutRing\nmetadata:\n  labels: {}\n  name: x\nspec: [\n",
    '{"a": {"b": [true, null, -1.5e+3]}}',
  ],
  words: POLICY_WORDS,
};

/** JSON's values and nothing else: finite numbers, well-formed strings, own plain objects. */
function isDeepPlain(root: unknown): boolean {
  const waiting: unknown[] = [root];
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (typeof value === "number" ? !Number.isFinite(value) : typeof value === "string" && !value.isWellFormed())
      return false;
    if (typeof value !== "object" || value === null) continue;
    if (Object.hasOwn(value, "__proto__")) return false;
    waiting.push(...(Object.values(value) as unknown[]).filter((one) => one !== undefined));
  }
  return true;
}

const scalars: Parser = {
  name: "policy/scalars",
  form: "text",
  covers: ["controller/policy/scalars.ts readPlainScalar"],
  run: (text) => [readPlainScalar(text), refusePlainKey(text)],
  check(text) {
    const read = readPlainScalar(text);
    if (read.kind !== "Value" || typeof read.value !== "number") return undefined;
    return Number.isFinite(read.value) ? undefined : `is ${read.value}`;
  },
  grammar: oneOf(
    digits,
    seq(oneOf("-", "+", "0", "0x", "0o", "."), digits, maybe(seq(oneOf("e", ".", "_", ":"), digits))),
    "yes",
    "~",
    noise,
  ),
  seeds: [
    "~",
    "null",
    "yes",
    "off",
    "0644",
    "0o17",
    "0b11",
    "-0x1f",
    "0x1_f",
    "1_000.5",
    "1:30:00",
    "12e4567",
    "1.5e+3",
    ".inf",
    ".nan",
    "9007199254740993",
    "1e999",
    "-0",
    "true",
  ],
  words: ["0", "1", "_", ":", ".", "e", "E", "+", "-", "x", "o", "b", "inf", "nan", "yes", "no", "true"],
};

const validators = createValidators();

const load: Parser = {
  name: "policy/load",
  form: "text",
  covers: [],
  run(text) {
    const { objects, problems } = loadPolicy({
      files: [
        { path: "a.yaml", blob: "0", text },
        { path: "levels/b.yaml", blob: "1", text },
      ],
      validators,
    });
    return [objects.map(({ kind, spec }) => [kind, spec]), problems.map(formatFinding)];
  },
  grammar: seq("apiVersion: ringward.dev/v1alpha1\nkind: ", oneOf(...KINDS.map(({ kind }) => kind)), "\n", yamlText),
  seeds: [
    RING,
    "apiVersion: ringward.dev/v1alpha1\nkind: MaintenanceCalendar\nmetadata: {name: c}\nspec:\n  timeZone: Europe/Berlin\n  windows: [{schedule: 0 1 * * 2, duration: 4h}]\n  freezes: [{startTime: '2026-12-20T00:00:00Z', endTime: '2027-01-02T00:00:00Z', reason: x}]\n",
    "apiVersion: ringward.dev/v1alpha1\nkind: PatchBaseline\nmetadata: {name: b}\nspec:\n  target: Node\n  node:\n    product: {id: ubuntu, versionId: '22.04'}\n    minimum: {kernels: [{series: 5.15.0, flavour: generic, version: 5.15.0-101-generic}], kubelet: v1.33.6, packages: [{name: openssl, version: 3.0.2-0ubuntu1}]}\n    recipeRef: {name: apt}\n",
    "apiVersion: ringward.dev/v1alpha1\nkind: PatchBaseline\nmetadata: {name: i}\nspec:\n  target: Image\n  image: {images: [{repository: registry.example.com/a, tag: '1.2.3', mirrors: [b/c]}]}\n",
    "apiVersion: ringward.dev/v1alpha1\nkind: PatchException\nmetadata: {name: e}\nspec: {targets: {names: [n]}, owner: a, justification: b, expirationTime: '2026-12-01T00:00:00Z'}\n",
    "apiVersion: ringward.dev/v1alpha1\nkind: PatchLevel\nmetadata: {name: ubuntu-20261115-0123456789ab}\nspec: {baseline: ubuntu, target: Node, disruption: Reboot, components: [{name: kubelet, version: v1.33.6}]}\n",
    "apiVersion: ringward.dev/v1alpha1\nkind: RolloutRing\nmetadata: {name: a}\nspec: {}\n---\napiVersion: [x]\nkind: Pod\n---\napiVersion: apps/v1\nkind: RolloutRings\n",
  ],
  words: POLICY_WORDS,
  // A schema may have a sentence to say of every word.
  mostPerCharacter: 300,
};

/** What of an object's schema a file or the cluster breaks. */
const schema: Parser = {
  name: "api/validator",
  form: "json",
  covers: [],
  run(text) {
    // As a dump is read; files are read by policy/load, which knows a most of depth too.
    let value: unknown;
    createItemReader({ item: (one) => (value = one), problem: () => undefined }).write(Buffer.from(text));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const object = value as Readonly<Record<string, unknown>>;
    const definition = findKind(typeof object["kind"] === "string" ? object["kind"] : "");
    if (definition === undefined) return undefined;
    return [validators.closed(definition, object), validators.open(definition, object).problems];
  },
  grammar: fc.constantFrom(
    '{"apiVersion":"ringward.dev/v1alpha1","kind":"RolloutRing","metadata":{"name":"a"},"spec":{"members":{"nodes":{"selector":{"matchLabels":{"a":"b"}}}}}}',
  ),
  seeds: [
    '{"apiVersion":"ringward.dev/v1alpha1","kind":"RolloutRing","metadata":{"name":"early"},"spec":{"after":["x"],"members":{"nodes":{"selector":{"matchLabels":{"a":"b"}}},"workloads":{"selector":{"matchLabels":{"a":"b"}},"mode":"Patch"}},"budget":{"nodes":"10%","workloads":3},"gates":[{"name":"g","type":"Cel"}],"levels":[{"baseline":"b","level":"l","enforce":"Exact","maxTargets":3,"expedite":{"reason":"r","until":"2026-12-01T00:00:00Z","skip":["Soak"]}}]}}',
    '{"apiVersion":"ringward.dev/v1alpha1","kind":"DisruptionLedger","metadata":{"name":"cluster"},"spec":{"mode":"Observe","limits":{"nodes":"5%"}},"status":{"claims":[]}}',
    '{"apiVersion":"ringward.dev/v1alpha1","kind":"NodePatchState","metadata":{"name":"n"},"status":{"targetUID":"u","state":"Missing","components":[{"name":"kubelet","state":"Missing"}]}}',
    '{"apiVersion":"ringward.dev/v1alpha1","kind":"UpdateRecipe","metadata":{"name":"apt"},"spec":{"match":{"product":{"id":"ubuntu"}},"strategy":"InPlace","steps":{"inventory":{"image":"registry.example.com/a@sha256:0","command":["run"],"env":[{"name":"A","value":"b"}],"host":"ReadOnly","timeout":"5m"}}}}',
    '{"apiVersion":"ringward.dev/v1alpha1","kind":"PolicyRepository","metadata":{"name":"p"},"spec":{"url":"https://git.example.com/a.git","branch":"main","path":"x","auth":{"type":"Token","tokenFile":"/a"}}}',
  ],
  words: [
    "spec",
    "status",
    "metadata",
    "name",
    "a.b",
    "10%",
    "90m",
    "-1",
    "Exact",
    "Patch",
    "2026-12-01T00:00:00Z",
    "RolloutRing",
    "PatchBaseline",
  ],
  mostPerCharacter: 300,
};

const blobs: Parser = {
  name: "git/blobs",
  form: "bytes",
  covers: ["controller/git/snapshot-files.ts decodeBlob", "controller/git/snapshot-files.ts parseTree"],
  run(input) {
    const bytes = bytesOf(input);
    return [decodeBlob(bytes), nameProblem(bytes.toString("utf8")), parseTree(bytes)];
  },
  mayThrow: (error) => error instanceof Error && error.message === "git ls-tree answered in an unknown form",
  grammar: many(seq("100644 blob ", fc.stringMatching(/^[0-9a-f]{40}$/), "\t", name, "\u0000"), { most: 3 }),
  seeds: [
    `100644 blob ${"a".repeat(40)}\trings/early.yaml\u0000`,
    `120000 blob ${"a".repeat(40)}\tl\u00e9\u0000160000 commit ${"b".repeat(40)}\tsub\u0000`,
    "version https://git-lfs.github.com/spec/v1\noid",
    "a\u00c3\u00a9",
  ],
  words: [
    "100644 ",
    "120000 ",
    "160000 ",
    "blob ",
    "\t",
    "\u0000",
    "a.yaml",
    "..",
    "/",
    ".git",
    "\u00c3\u00a9",
    "\u00ff",
    "\u00e2\u0080\u00a8",
  ],
};

/** An edit is right or refused: a UserError RW1120. Anything else that it throws is a bug. */
const edit: Parser = {
  name: "git/edit",
  form: "text",
  covers: [],
  run(text) {
    const { documents: found } = readDocuments("a.yaml", text);
    return found
      .slice(0, 3)
      .map((document) => [
        attempt(() => setLevelEntry(text, document, "ubuntu", { level: "x", maxTargets: 3, expedite: undefined })),
        attempt(() => setLevelEntry(text, document, "new", { level: "y: #" })),
        attempt(() => removeLevelEntry(text, document, "ubuntu")),
        attempt(() => editDocument(text, document, [{ path: ["spec", "soak"], value: "1h" }])),
      ]);
  },
  grammar: seq(
    "spec:\n  levels:",
    oneOf("\n  - baseline: ubuntu\n    level: ", " [{baseline: ubuntu, level: "),
    scalarText,
    oneOf("\n", "}]\n"),
    yamlText,
  ),
  seeds: [
    RING,
    'spec: {"levels": [{"baseline": "ubuntu", "level": "a"}, {"baseline": "rocky"}]}\n',
    "spec:\n  levels: []\n",
    "spec:\n  soak: 1h # c\n  levels:\n\n    # before\n    -   baseline: ubuntu\n        level: >-\n          a\n          b\n        expedite: {reason: r}\n",
    "a: 1\r\n---\r\nspec:\r\n  levels:\r\n  - baseline: 'ubuntu'\r\n    level: \"b\"\r\n",
  ],
  words: [...YAML_WORDS, "spec:\n", "levels:", "baseline: ubuntu\n", "level: a\n", "expedite: ", "soak: ", "[]", "{}"],
  mostPerCharacter: 64,
};

function attempt(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof UserError) return `${error.code}`;
    throw error;
  }
}

const IMAGE = { repository: "registry.example.com/shop/web", tag: "1.27.4", valuePaths: { tag: "image.tag" } } as const;

function change(kind: ManifestChange["kind"], path: string): ManifestChange {
  return { kind, path, images: [IMAGE] };
}

/** Files of somebody else's, separated by lines `=== PATH`; edits of them are right or refused. */
const manifests: Parser = {
  name: "git/manifests",
  form: "text",
  covers: [
    "controller/git/manifests/manifest-file.ts readManifest",
    "controller/git/manifests/shape.ts readShape",
    "controller/git/manifests/diff.ts readShapes",
  ],
  run(input) {
    const files = input.split(/^=== /m).map((part, index) => {
      const end = part.indexOf("\n");
      return {
        path: index === 0 ? "k/kustomization.yaml" : part.slice(0, Math.max(0, end)),
        blob: "0",
        text: index === 0 ? part : part.slice(end + 1),
      };
    });
    const first = files[0]?.text ?? "";
    return [
      attemptValue(() => editManifests(files, change("Kustomize", "k"))),
      attemptValue(() => editManifests(files, change("PlainYaml", "k/kustomization.yaml"))),
      attemptValue(() => editManifests(files, change("HelmValues", "k/kustomization.yaml"))),
      attemptValue(() => findFolders(files, "k")),
      attemptValue(() => diffShapes(readShapes(first), readShapes(files[1]?.text ?? ""))),
    ];
  },
  grammar: many(
    seq(
      oneOf("", "=== k/base.yaml\n", "=== b/kustomization.yaml\n"),
      oneOf(
        "resources: [base.yaml, ../b]\nimages:\n- name: registry.example.com/shop/web\n  newTag: ",
        "image:\n  tag: ",
        "",
      ),
      scalarText,
      "\n",
      yamlText,
    ),
    { least: 1, most: 3 },
  ),
  seeds: [
    "resources: [base.yaml, ../b]\nimages:\n- name: registry.example.com/shop/web\n  newTag: 1.27.3\n=== k/base.yaml\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        image: registry.example.com/shop/web:1.27.3\n=== b/kustomization.yaml\nresources: []\n",
    "kind: List\nitems:\n- kind: Pod\n  spec:\n    containers:\n    - {name: web, image: 'registry.example.com/shop/web:1'}\n---\n{{ template }}\n",
    "image:\n  repository: registry.example.com/shop/web\n  tag: 1.27.3\n  digest: ''\n",
    "resources: [../b, ../b]\n=== b/kustomization.yaml\nresources: [../c, ../c]\n=== c/kustomization.yaml\nresources: []\n",
    "sops: {mac: x}\nimage: {tag: &a 1, repository: *a}\n",
  ],
  words: [
    ...YAML_WORDS,
    ...[
      "=== ",
      "=== b/kustomization.yaml\n",
      "resources: ",
      "bases: ",
      "components: ",
      "../b",
      "../k",
      "images:\n",
      "- name: registry.example.com/shop/web\n",
      "newTag: ",
      "newName: ",
      "digest: ",
    ],
    ...[
      "kind: Deployment\n",
      "kind: Pod\n",
      "containers:\n",
      "image: registry.example.com/shop/web:1\n",
      "spec:\n",
      "template:\n",
      "helmCharts:\n",
      "https://x?ref=a",
    ],
  ],
  mostPerCharacter: 64,
};

function attemptValue(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    // Two renderings are read with the errors of js-yaml, which their caller takes.
    if (error instanceof UserError || error instanceof YAMLException) return error.message;
    throw error;
  }
}

export const POLICY_PARSERS: readonly Parser[] = [documents, scalars, load, schema, blobs, edit, manifests];
