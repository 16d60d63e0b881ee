// Hostile repositories, a line each: what somebody put into one, and what must come of it. All of it is planted below the reach of git's own
// checks; `marker` is a file that nothing may ever make.
import { LINK, FILE, FOLDER, SUBMODULE, WHO, type Planting } from "./planting.ts";
import { ring } from "../../../policy/support/policy.ts";

export interface HostileRepository {
  readonly name: string;
  /** Answers what the branch is at. */
  readonly plant: (make: Planting, marker: string) => string;
  /** The whole is refused with this code; `noFolder`: the path is said to be none. */
  readonly refused?: string;
  /** What a person is told: the refusal, or what is found about the files. */
  readonly says?: RegExp;
  /** These files are refused by themselves, with these codes. */
  readonly problems?: Readonly<Record<string, string>>;
  /** These are read, as plain text. Unless something is refused as a whole, RING always is. */
  readonly read?: readonly string[];
  /** Policy objects beside RING's; with a minus, that one is not there. */
  readonly objects?: readonly string[];
  readonly path?: string;
}

export const RING = "policies/ring.yaml";
const good = ring("good");
const run = (marker: string): string => `#!/bin/sh\ntouch ${marker}\n`;

const rootWith =
  (
    lines: (
      make: Planting,
      marker: string,
    ) => readonly { readonly mode: string; readonly name: string | Uint8Array; readonly id: string }[],
  ) =>
  (make: Planting, marker: string): string => {
    const policies = make.tree([{ mode: FILE, name: "ring.yaml", id: make.blob(good) }]);
    const all = [...lines(make, marker), { mode: FOLDER, name: "policies", id: policies }];
    const key = ({ mode, name }: (typeof all)[number]): Buffer =>
      Buffer.concat([Buffer.from(name), Buffer.from(mode === FOLDER ? "/" : "")]);
    return make.commit(make.tree(all.toSorted((a, b) => Buffer.compare(key(a), key(b)))));
  };
const withFiles =
  (files: (marker: string) => Readonly<Record<string, string | Uint8Array>>) =>
  (make: Planting, marker: string): string =>
    make.commit(make.files({ [RING]: good, ...files(marker) }));
const named = (name: string | Uint8Array, mode = FILE) =>
  rootWith((make, marker) => [
    {
      mode,
      name,
      id: mode === FOLDER ? make.files({ config: `[core]\nfsmonitor = "touch ${marker}"\n` }) : make.blob("a: 1\n"),
    },
  ]);
const treeOf =
  (lines: (make: Planting) => Parameters<Planting["tree"]>[0]) =>
  (make: Planting): string =>
    make.commit(make.tree(lines(make)));

/** Names that some file system takes for .git. */
const gitNames: readonly HostileRepository[] = [
  ".git",
  ".GIT",
  ".giT",
  "git~1",
  "GIT~1",
  ".git.",
  ".git ",
  ".git...",
  ".git::$INDEX_ALLOCATION",
  ".g\u200cit",
  ".gi\u200dt",
  "\ufeff.git",
].map((name) => ({
  name: `a folder that a file system takes for .git: ${JSON.stringify(name)}`,
  plant: named(name, FOLDER),
  refused: "RW1118",
  says: /hasDotgit/,
}));

const trees: readonly HostileRepository[] = [
  { name: "a file named ..", plant: named(".."), refused: "RW1118" },
  { name: "a folder named ..", plant: named("..", FOLDER), refused: "RW1118" },
  { name: "a file named .", plant: named("."), refused: "RW1118" },
  { name: "a file without a name", plant: named(""), refused: "RW1118" },
  { name: "a file whose name is a path", plant: named("../../evil.yaml"), refused: "RW1118" },
  { name: "a file whose name is absolute", plant: named("/etc/cron.d/evil.yaml"), refused: "RW1118" },
  { name: "a file whose name leads into .git", plant: named(".git/hooks/post-checkout"), refused: "RW1118" },
  {
    name: "one name twice",
    plant: treeOf((make) => [
      { mode: FILE, name: "a.yaml", id: make.blob("a: 1\n") },
      { mode: FILE, name: "a.yaml", id: make.blob("a: 2\n") },
    ]),
    refused: "RW1118",
  },
  {
    name: "one name as a file and as a folder",
    plant: treeOf((make) => [
      { mode: FILE, name: "a", id: make.blob("a: 1\n") },
      { mode: FOLDER, name: "a", id: make.files({ "b.yaml": "b: 1\n" }) },
    ]),
    refused: "RW1118",
  },
  {
    name: "names out of order",
    plant: treeOf((make) => [
      { mode: FILE, name: "b.yaml", id: make.blob("b: 1\n") },
      { mode: FILE, name: "a.yaml", id: make.blob("a: 1\n") },
    ]),
    refused: "RW1118",
  },
  {
    name: "a tree that is cut off",
    plant: (make) => make.commit(make.object("tree", Buffer.from("100644 a.yaml\0abc"))),
    refused: "RW1118",
  },
  {
    name: "a mode that is none",
    plant: treeOf((make) => [{ mode: "777777", name: "a.yaml", id: make.blob("a: 1\n") }]),
    problems: { "a.yaml": "FileIsSubmodule" },
    objects: ["-RolloutRing/good"],
  },
  {
    name: "a file that is a folder by its mode",
    plant: treeOf((make) => [{ mode: FOLDER, name: "a.yaml", id: make.blob("a: 1\n") }]),
    refused: "RW1118",
  },
  {
    name: "a folder that is a file by its mode",
    plant: treeOf((make) => [{ mode: FILE, name: "a.yaml", id: make.files({ b: "1" }) }]),
    refused: "RW1118",
  },
  {
    name: "a folder that contains itself by its name only, a thousand deep",
    plant: (make) => make.commit(deep(make, 1000)),
    read: [`${"d/".repeat(1000)}ring.yaml`],
  },
  { name: "a name of 5,000 bytes", plant: named(`${"a".repeat(5000)}.yaml`), read: [`${"a".repeat(5000)}.yaml`] },
  {
    name: "a file of nothing: the null id",
    plant: treeOf(() => [{ mode: FILE, name: "a.yaml", id: "0".repeat(40) }]),
    refused: "RW1118",
  },
  {
    name: "a file that the server does not have",
    plant: treeOf(() => [{ mode: FILE, name: "a.yaml", id: "1".repeat(40) }]),
    refused: "GitExit",
    says: /not our ref/,
  },
  {
    name: "a folder that the server does not have",
    plant: treeOf(() => [{ mode: FOLDER, name: "a", id: "1".repeat(40) }]),
    refused: "RW1118",
  },
];

function deep(make: Planting, levels: number): string {
  let tree = make.tree([{ mode: FILE, name: "ring.yaml", id: make.blob(good) }]);
  for (let level = 0; level < levels; level++) tree = make.tree([{ mode: FOLDER, name: "d", id: tree }]);
  return tree;
}

const commits: readonly HostileRepository[] = [
  ...(
    [
      ["without an author", (tree) => `tree ${tree}\ncommitter ${WHO}\n\nx\n`],
      ["without an address", (tree) => `tree ${tree}\nauthor A 1767225600 +0000\ncommitter ${WHO}\n\nx\n`],
      ["with two authors", (tree) => `tree ${tree}\nauthor ${WHO}\nauthor ${WHO}\ncommitter ${WHO}\n\nx\n`],
      [
        "with a date that is no number",
        (tree) => `tree ${tree}\nauthor ${WHO}\ncommitter A <a@example.test> yesterday +0000\n\nx\n`,
      ],
      [
        "with a date that overflows",
        (tree) => `tree ${tree}\nauthor ${WHO}\ncommitter A <a@example.test> 99999999999999999999 +0000\n\nx\n`,
      ],
      ["with a negative date", (tree) => `tree ${tree}\nauthor ${WHO}\ncommitter A <a@example.test> -1 +0000\n\nx\n`],
      [
        "with a parent that the server does not have",
        (tree) => `tree ${tree}\nparent ${"1".repeat(40)}\nauthor ${WHO}\ncommitter ${WHO}\n\nx\n`,
      ],
      [
        "with a zero byte in its header",
        (tree) => `tree ${tree}\nauthor A\0 <a@example.test> 1767225600 +0000\ncommitter ${WHO}\n\nx\n`,
      ],
    ] as readonly (readonly [string, (tree: string) => string])[]
  ).map(([what, text]): HostileRepository => ({
    name: `a commit ${what}`,
    plant: (make) => make.object("commit", text(make.files({ [RING]: good }))),
    refused: "RW1118",
  })),
  {
    name: "a commit with a parent that is none",
    plant: (make) =>
      make.object(
        "commit",
        `tree ${make.files({ [RING]: good })}\nparent nothing\nauthor ${WHO}\ncommitter ${WHO}\n\nx\n`,
      ),
    refused: "GitExit",
    says: /not our ref/,
  },
  { name: "a commit whose tree is a file", plant: (make) => make.commit(make.blob(good)), refused: "RW1118" },
  {
    name: "a commit in the year 9999",
    plant: (make) =>
      make.object(
        "commit",
        `tree ${make.files({ [RING]: good })}\nauthor ${WHO}\ncommitter A <a@example.test> 253402300799 +0000\n\nx\n`,
      ),
  },
  {
    name: "a branch that is a tag",
    plant: (make) =>
      make.object(
        "tag",
        `object ${make.commit(make.files({ [RING]: good }))}\ntype commit\ntag v1\ntagger ${WHO}\n\nx\n`,
      ),
    refused: "RW1111",
  },
  { name: "a branch that is a file", plant: (make) => make.blob(good), refused: "RW1111" },
  { name: "a branch that is a tree", plant: (make) => make.files({ [RING]: good }), refused: "RW1111" },
  {
    name: "a message of escape sequences and trailers that are none of ours",
    plant: (make) =>
      make.commit(
        make.files({ [RING]: good }),
        "\u001b]0;evil\u0007\u001b[2J\n\nRingward-Level: forged\nSigned-off-by: x",
      ),
  },
];

const links: readonly HostileRepository[] = [
  ...(
    [
      ["a password file", "../../../../etc/passwd"],
      ["a mounted secret", "/var/run/secrets/kubernetes.io/serviceaccount/token"],
      ["itself", "link.yaml"],
      ["another file of the repository", "ring.yaml"],
      ["git's own configuration", "../.git/config"],
      ["a command", "|touch /tmp/x"],
    ] as const
  ).map(([what, target]): HostileRepository => ({
    name: `a link to ${what}`,
    plant: rootWith((make) => [{ mode: LINK, name: "link.yaml", id: make.blob(target) }]),
    problems: { "link.yaml": "FileIsSymlink" },
  })),
  {
    name: "a folder that is a link",
    plant: rootWith((make) => [{ mode: LINK, name: "more", id: make.blob("/etc") }]),
    problems: { more: "FileIsSymlink" },
  },
  {
    name: "the policy's own folder is a link",
    plant: rootWith((make) => [{ mode: LINK, name: "linked", id: make.blob("policies") }]),
    path: "linked",
    refused: "noFolder",
  },
  {
    name: "a link of a megabyte",
    plant: rootWith((make) => [{ mode: LINK, name: "link.yaml", id: make.blob("a/".repeat(500_000)) }]),
    problems: { "link.yaml": "FileIsSymlink" },
  },
  { name: ".gitmodules is a link", plant: named(".gitmodules", LINK), refused: "RW1118" },
  {
    name: ".gitattributes is a link",
    plant: named(".gitattributes", LINK),
    problems: { ".gitattributes": "FileIsSymlink" },
  },
  { name: ".gitignore is a link", plant: named(".gitignore", LINK), problems: { ".gitignore": "FileIsSymlink" } },
];

// Nothing ever asks for the content of a .gitmodules: it is neither fetched nor read.
const modules = (name: string, text: string): HostileRepository => ({
  name: `.gitmodules with ${name}`,
  plant: rootWith((make) => [
    { mode: FILE, name: ".gitmodules", id: make.blob(text) },
    { mode: SUBMODULE, name: "vendor", id: "1".repeat(40) },
  ]),
  problems: { vendor: "FileIsSubmodule" },
});

const submodules: readonly HostileRepository[] = [
  modules("an address that is an option", '[submodule "v"]\n\tpath = vendor\n\turl = --upload-pack=touch /tmp/x\n'),
  modules("a path that is an option", '[submodule "v"]\n\tpath = --exec=x\n\turl = https://example.test/x\n'),
  modules("a name that climbs", '[submodule "../../hooks"]\n\tpath = vendor\n\turl = https://example.test/x\n'),
  modules(
    "a command for updates",
    '[submodule "v"]\n\tpath = vendor\n\turl = https://example.test/x\n\tupdate = !touch /tmp/x\n',
  ),
  modules("an ext:: address", '[submodule "v"]\n\tpath = vendor\n\turl = "ext::sh -c touch% /tmp/x"\n'),
  modules(
    "a line break in its address",
    '[submodule "v"]\n\tpath = vendor\n\turl = "https://example.test/x%0ahost=evil"\n',
  ),
  modules("nothing but a submodule of policy", '[submodule "v"]\n\tpath = vendor\n\turl = https://example.test/x\n'),
  {
    name: "a submodule where a policy file would stand",
    plant: rootWith(() => [{ mode: SUBMODULE, name: "more.yaml", id: "1".repeat(40) }]),
    problems: { "more.yaml": "FileIsSubmodule" },
  },
];

const settings: readonly HostileRepository[] = [
  {
    name: ".gitattributes with filters, drivers and encodings",
    plant: withFiles((marker) => ({
      ".gitattributes":
        "*.yaml filter=evil diff=evil merge=evil textconv=evil working-tree-encoding=UTF-7 ident export-subst text eol=crlf\n",
      ".gitconfig": `[filter "evil"]\n\tsmudge = touch ${marker}\n\tclean = touch ${marker}\n\tprocess = touch ${marker}\n\trequired\n[diff "evil"]\n\tcommand = touch ${marker}\n\ttextconv = touch ${marker}\n[merge "evil"]\n\tdriver = touch ${marker}\n`,
      "policies/ident.yaml": "a: $Id$\n",
    })),
    read: ["policies/ident.yaml"],
  },
  {
    name: "configuration that a bare repository would have at its root",
    plant: withFiles((marker) => ({
      HEAD: "ref: refs/heads/main\n",
      config: `[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tfsmonitor = "touch ${marker}"\n\tsshCommand = "touch ${marker}"\n\thooksPath = hooks\n`,
      "hooks/post-checkout": run(marker),
      "objects/info/alternates": "/etc\n",
      "refs/heads/main": "1\n",
    })),
  },
  {
    name: "hooks, an editor's settings and files that other tools run",
    plant: withFiles((marker) => ({
      ".githooks/pre-push": run(marker),
      ".husky/post-merge": run(marker),
      ".envrc": run(marker),
      ".npmrc": "script-shell=./x\n",
      "package.json": JSON.stringify({ scripts: { preinstall: `touch ${marker}` } }),
      ".vscode/settings.json": JSON.stringify({ "git.path": "./evil" }),
      "kustomization.yaml": `generators: [./evil]\n`,
      Makefile: `all:\n\ttouch ${marker}\n`,
    })),
    read: ["package.json", ".vscode/settings.json", "kustomization.yaml"],
  },
  {
    name: "a file in Git LFS",
    plant: withFiles(() => ({
      ".lfsconfig": "[lfs]\n\turl = https://evil.example/lfs\n",
      ".gitattributes": "*.yaml filter=lfs diff=lfs merge=lfs\n",
      "policies/big.yaml": `version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\nsize 12345\n`,
    })),
    problems: { "policies/big.yaml": "FileInLfs" },
  },
];

const contents: readonly HostileRepository[] = [
  {
    name: "a file of 64 MiB of nothing",
    plant: withFiles(() => ({ "policies/zeros.yaml": Buffer.alloc(64 << 20) })),
    problems: { "policies/zeros.yaml": "FileTooLarge" },
  },
  {
    name: "a file of 4 MiB of text",
    plant: withFiles(() => ({ "policies/long.yaml": `a: ${"x".repeat(4 << 20)}\n` })),
    problems: { "policies/long.yaml": "FileTooLarge" },
  },
  {
    name: "a file with a zero byte",
    plant: withFiles(() => ({ "policies/zero.yaml": "kind: RolloutRing\0\n" })),
    problems: { "policies/zero.yaml": "FileBinary" },
  },
  {
    name: "UTF-16",
    plant: withFiles(() => ({ "policies/wide.yaml": Buffer.from("\ufeffkind: RolloutRing\n", "utf16le") })),
    problems: { "policies/wide.yaml": "FileBinary" },
  },
  {
    name: "an encoding that is none",
    plant: withFiles(() => ({ "policies/latin.yaml": Buffer.from([0x61, 0x3a, 0x20, 0xe4, 0x0a]) })),
    problems: { "policies/latin.yaml": "FileNotUtf8" },
  },
  {
    name: "an overlong spelling of a slash",
    plant: withFiles(() => ({ "policies/long.yaml": Buffer.from([0x61, 0x3a, 0x20, 0xc0, 0xaf, 0x0a]) })),
    problems: { "policies/long.yaml": "FileNotUtf8" },
  },
  {
    name: "half of a character",
    plant: withFiles(() => ({ "policies/half.yaml": Buffer.from([0x61, 0x3a, 0x20, 0xed, 0xa0, 0x80, 0x0a]) })),
    problems: { "policies/half.yaml": "FileNotUtf8" },
  },
  {
    name: "an executable file",
    plant: rootWith((make, marker) => [{ mode: "100755", name: "run.yaml", id: make.blob(run(marker)) }]),
    read: ["run.yaml"],
  },
];

const names: readonly HostileRepository[] = [
  {
    name: "names that differ in case alone",
    plant: withFiles(() => ({ "policies/Ring.yaml": ring("upper"), "POLICIES/ring.yaml": ring("elsewhere") })),
    read: ["policies/Ring.yaml", "POLICIES/ring.yaml"],
    objects: ["RolloutRing/upper", "RolloutRing/elsewhere"],
  },
  {
    name: "one object in two files whose names differ in case alone",
    plant: withFiles(() => ({ "policies/RING.yaml": good })),
    objects: ["-RolloutRing/good"],
  },
  {
    name: "names that look the same: composed and decomposed",
    plant: withFiles(() => ({ "policies/\u00e4.yaml": ring("one"), "policies/a\u0308.yaml": ring("two") })),
    read: ["policies/\u00e4.yaml", "policies/a\u0308.yaml"],
    objects: ["RolloutRing/one", "RolloutRing/two"],
  },
  {
    name: "two names of which one holds a joiner that nobody sees",
    plant: withFiles(() => ({ "policies/ri\u200dng.yaml": ring("hidden") })),
    problems: { "policies/ri\u200dng.yaml": "PathNotPrintable" },
  },
  {
    name: "a folder that looks like the policy's",
    plant: withFiles(() => ({ "polici\u0435s/ring.yaml": ring("lookalike") })),
    path: "policies",
  },
  {
    name: "a name that is written backwards",
    plant: withFiles(() => ({ "policies/\u202elmay.gnir": "x", "policies/x\u202e.yaml": ring("hidden") })),
    problems: { "policies/x\u202e.yaml": "PathNotPrintable" },
    says: /^policies\/x\\u\{202e\}\.yaml:1:1: /,
  },
  {
    name: "names with line breaks, tabs, quotes and escapes",
    plant: withFiles(() => ({ 'policies/a\n"b\t\\\u001b[31m.yaml': "apiVersion: ringward.dev/v1alpha1\nkind: [\n" })),
    problems: { 'policies/a\n"b\t\\\u001b[31m.yaml': "PathNotPrintable" },
    says: /^\P{Cc}+$/u,
  },
  {
    name: "names that are options, patterns and revisions",
    plant: withFiles(() => ({
      "--output=x.yaml": "a: 1\n",
      ":(exclude)policies.yaml": "a: 1\n",
      "*.yaml": "a: 1\n",
      "HEAD:ring.yaml": "a: 1\n",
      "@{-1}.yaml": "a: 1\n",
    })),
    read: ["--output=x.yaml", ":(exclude)policies.yaml", "*.yaml", "HEAD:ring.yaml", "@{-1}.yaml"],
  },
  {
    name: "names that a shell would run",
    plant: withFiles((marker) => ({
      [`$(touch ${marker.replaceAll("/", "\u2215")}).yaml`]: "a: 1\n",
      "`id`.yaml": "a: 1\n",
      "x;id.yaml": "a: 1\n",
    })),
    read: ["`id`.yaml", "x;id.yaml"],
  },
  {
    name: "names of devices",
    plant: withFiles(() => ({
      "policies/CON.yaml": "a: 1\n",
      "policies/aux": "x",
      "policies/NUL": "x",
      "policies/COM1.yaml": "a: 1\n",
    })),
    read: ["policies/CON.yaml", "policies/COM1.yaml"],
  },
  {
    name: "names of an object's own prototype",
    plant: withFiles(() => ({
      "policies/__proto__.yaml": "a: 1\n",
      "policies/constructor.yaml": "a: 1\n",
      __proto__: "x",
    })),
    read: ["policies/__proto__.yaml", "policies/constructor.yaml"],
  },
  {
    name: "a name that is not UTF-8",
    plant: rootWith((make) => [
      { mode: FILE, name: Buffer.from([0x62, 0xff, 0x2e, 0x79, 0x61, 0x6d, 0x6c]), id: make.blob("a: 1\n") },
    ]),
    problems: { "b\ufffd.yaml": "PathNotUtf8" },
  },
];

export const REPOSITORIES: readonly HostileRepository[] = [
  ...gitNames,
  ...trees,
  ...commits,
  ...links,
  ...submodules,
  ...settings,
  ...contents,
  ...names,
];
