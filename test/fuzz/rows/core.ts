// The parsers of core/: what people write in policy, what nodes and forges say of versions, images and proposals. Nothing here may throw.
import fc from "fast-check";
import { nextMatchingDay, parseCron } from "../../../controller/core/calendar/cron.ts";
import { zoneOf } from "../../../controller/core/calendar/zone.ts";
import { coverageOf, parseImage, parseRepository } from "../../../controller/core/compliance/image-reference.ts";
import { parseProduct } from "../../../controller/core/compliance/product.ts";
import { formatDuration, LONGEST_DURATION, parseDuration } from "../../../controller/core/duration.ts";
import { compileGateExpression } from "../../../controller/core/gates/expression.ts";
import { kernelComponent, packageComponent, parseComponent } from "../../../controller/core/levels/components.ts";
import { hashPath, parseManifestBranch, readManifestProposal } from "../../../controller/core/manifests/known.ts";
import { normalisePath } from "../../../controller/core/manifests/index.ts";
import { parseValuePath } from "../../../controller/core/manifests/value-path.ts";
import {
  branchPart,
  markClosed,
  parseGroupBranch,
  parseProposalBranch,
  readMarker,
  readProposals,
  writeMarker,
} from "../../../controller/core/promotion/known.ts";
import { type ProposalHistory, readPeople } from "../../../controller/core/promotion/people.ts";
import { isAllowedImage, readImagePrefix } from "../../../controller/core/recipe-images.ts";
import { disjoint, implies, matches } from "../../../controller/core/selectors.ts";
import { parseContainerTag } from "../../../controller/core/versions/container-tag.ts";
import { compareVersions, isVersion, type VersionScheme } from "../../../controller/core/versions/index.ts";
import { kernelLine, parseKernel } from "../../../controller/core/versions/kernel.ts";
import { parseOsImage } from "../../../controller/core/versions/os-image.ts";
import { digits, hex, many, maybe, name, noise, oneOf, seq } from "../grammar.ts";
import { type Parser, valueOf } from "../parser.ts";

const CORE = "controller/core";

const duration: Parser = {
  name: "core/duration",
  form: "text",
  covers: [`${CORE}/duration.ts parseDuration`],
  run: (text) => parseDuration(text),
  check(_text, answer) {
    if (answer === undefined) return undefined;
    if (typeof answer !== "number" || !(answer >= 0 && answer <= LONGEST_DURATION)) return `is ${String(answer)}`;
    const written = formatDuration(answer);
    return parseDuration(written) === answer ? undefined : `${written} is read as another duration`;
  },
  grammar: seq(digits, oneOf("s", "m", "h", "d", "ms", "")),
  seeds: ["0s", "90m", "36h", "7d"],
  words: ["s", "m", "h", "d", "ms", "µs", "-", ".", "3650", "87600", " "],
};

const cronField = many(
  seq(
    oneOf("*", digits, "MON", "jan", "L", "TUE#2", "FRI#L"),
    maybe(seq("-", oneOf(digits, "SUN", "DEC"))),
    maybe(seq("/", digits)),
  ),
  { least: 1, most: 3, by: "," },
);

const cron: Parser = {
  name: "core/cron",
  form: "text",
  covers: [`${CORE}/calendar/cron.ts parseCron`],
  run(text) {
    const read = parseCron(text);
    return typeof read === "string" ? read : [read.times, nextMatchingDay(read, 20_000) ?? "never"];
  },
  check(text, answer) {
    if (typeof answer === "string" || !Array.isArray(answer)) return undefined;
    const times = answer[0] as readonly number[];
    const ascending = times.every(
      (time, at) => time >= 0 && time < 86_400_000 && (at === 0 || time > (times[at - 1] ?? 0)),
    );
    return ascending ? undefined : `${text} fires at ${times.join(", ")}`;
  },
  grammar: many(cronField, { least: 4, most: 6, by: " " }),
  seeds: ["0 1 * * TUE-THU", "*/15 8-17 1,15 JAN-MAR 1-5", "0 0 L * *", "30 3 * * TUE#2,FRI#L", "0 0 31 2 *"],
  words: ["*", "/", "-", ",", "#", "L", "MON", "SUN", "JAN", "DEC", "59", "60", "0", "31", " "],
  // Each minute of a day may be named by two characters: `* *`.
  mostPerCharacter: 64,
};

const zone: Parser = {
  name: "core/zone",
  form: "text",
  covers: [],
  run: (text) => zoneOf(text)?.offsetAt(0),
  grammar: oneOf("UTC", "Europe/Berlin", seq(name, "/", name), noise),
  seeds: ["Europe/Berlin", "UTC", "+02:00", "Etc/GMT+12"],
  words: ["/", "+", "-", "Etc", "GMT", "America", "UTC", "02:00"],
};

const SCHEMES: readonly VersionScheme[] = ["dpkg", "rpm", "apk", "semver", "kernel", "osimage", "tag"];
const OPPOSITE = { "<": ">", ">": "<", "=": "=", "?": "?" } as const;

const version = oneOf(
  seq(
    maybe(seq(digits, ":")),
    many(digits, { least: 1, by: "." }),
    maybe(seq(oneOf("-", "~", "+", "^", "_"), name)),
    maybe(seq("-", digits)),
  ),
  seq("v", digits, ".", digits, ".", digits, maybe(seq(oneOf("-gke.", "-eks-", "+k3s", "+rke2r", "-rc."), digits))),
  seq(digits, ".", digits, ".0-", digits, "-", oneOf("generic", "amd64", "aws", "virt")),
  seq("5.14.0-", digits, ".", digits, ".el9", maybe("_3"), ".x86_64", maybe("+rt")),
);

/** Two versions on two lines, so that orders are judged and not only readers. */
const versions: Parser = {
  name: "core/versions",
  form: "text",
  covers: [],
  run(text) {
    const [a = "", b = ""] = text.split("\n");
    return SCHEMES.map((scheme) => [compareVersions(scheme, a, b), isVersion(scheme, a)]);
  },
  check(text) {
    const [a = "", b = ""] = text.split("\n");
    for (const scheme of SCHEMES) {
      const order = compareVersions(scheme, a, b);
      const back = compareVersions(scheme, b, a);
      if (OPPOSITE[order] !== back) return `${scheme}: a ${order} b, and b ${back} a`;
      const self = compareVersions(scheme, a, a);
      if (self !== "=" && self !== "?") return `${scheme}: a ${self} a`;
      if (isVersion(scheme, a) && self !== "=") return `${scheme}: may be required, and is not equal to itself`;
    }
    return undefined;
  },
  grammar: seq(version, "\n", version),
  seeds: [
    "1:2.36.1-8+deb12u1\n2.36.1-9",
    "1.27.3-r0_p1\n1.27.3_rc2-r1",
    "v1.33.6-gke.100\nv1.33.6-gke.99",
    "5.15.0-101-generic\n5.15.0-101-aws",
    "Ubuntu 22.04.5 LTS\nUbuntu 22.04.4 LTS",
    "1.25.3-alpine3.18\n1.25.3-rc.1",
    "5.14.0-362.8.1.el9_3.x86_64+rt\n6.12.43+deb13-cloud-amd64",
    "1.0~rc1^git1\n1.0",
  ],
  words: [
    ...[
      "~",
      "^",
      "-",
      "+",
      ":",
      ".",
      "_",
      "\n",
      "el9",
      "fc40",
      "deb13",
      "generic",
      "amd64",
      "_alpha",
      "_p",
      "-r1",
      "rc",
      "beta",
      "SP2",
    ],
    ...[
      "gke.",
      "eks-",
      "k3s",
      "rke2r",
      "x86_64",
      "0",
      "00",
      "1",
      "99999",
      "v",
      "LTS",
      "(",
      ")",
      "amzn2023",
      "azl3",
      "pve",
    ],
  ],
};

const shapes: Parser = {
  name: "core/shapes",
  form: "text",
  covers: [
    `${CORE}/versions/kernel.ts parseKernel`,
    `${CORE}/versions/os-image.ts parseOsImage`,
    `${CORE}/versions/container-tag.ts parseContainerTag`,
    `${CORE}/compliance/product.ts parseProduct`,
  ],
  run(text) {
    const kernel = parseKernel(text);
    return [kernel, kernel && kernelLine(kernel), parseOsImage(text), parseContainerTag(text), parseProduct(text)];
  },
  grammar: oneOf(
    version,
    seq(
      oneOf("Ubuntu ", "Rocky Linux ", "Flatcar Container Linux by Kinvolk ", "Bottlerocket OS ", "Talos (v"),
      version,
      maybe(" (Blue Onyx)"),
    ),
    seq("1.", digits, oneOf("-alpine", "-rc", "-r", "-k3s", ""), digits),
  ),
  seeds: [
    "6.1.112-122.189.amzn2023.x86_64",
    "5.14.21-150500.55.52-default",
    "6.1.0-0.deb11.21-amd64",
    "6.1.112+",
    "6.6.54-flatcar",
    "Bottlerocket OS 1.20.3 (aws-k8s-1.29)",
    "SUSE Linux Enterprise Server 15 SP5",
    "Red Hat Enterprise Linux CoreOS 417.94.202410",
    "1.27.3-rc.1-alpine3.18-r3",
    "v1.31.2-eksbuild.4",
  ],
  words: versions.words,
};

const imageText = seq(
  maybe(seq(oneOf("registry.example.com", "localhost", "[::1]", "ghcr.io"), maybe(seq(":", digits)), "/")),
  many(name, { least: 1, by: "/" }),
  maybe(seq(":", name)),
  maybe(seq("@sha256:", fc.stringMatching(/^[0-9a-f]{64}$/))),
);

const image: Parser = {
  name: "core/image",
  form: "text",
  covers: [
    `${CORE}/compliance/image-reference.ts parseImage`,
    `${CORE}/compliance/image-reference.ts parseRepository`,
    `${CORE}/recipe-images.ts readImagePrefix`,
  ],
  run(text) {
    const reference = parseImage(text);
    const wanted = { repository: text, mirrors: ["library/nginx", text.slice(text.indexOf("/") + 1)] };
    return [reference, parseRepository(text), readImagePrefix(text), reference && coverageOf(reference, wanted)];
  },
  check(text) {
    const reference = parseImage(text);
    const prefix = readImagePrefix(text);
    if (prefix !== undefined && isAllowedImage(`${prefix}-evil/x@sha256:0`, [prefix]))
      return "a prefix allows more than whole parts";
    if (reference === undefined) return undefined;
    const { registry, repository, tag, digest } = reference;
    // A host that only its capitals tell from a path on Docker Hub is written in small letters, and is none any more.
    if (!/[.:]|^localhost$/.test(registry)) return undefined;
    const written = `${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
    const again = parseImage(written);
    const same = again?.repository === repository && again.tag === tag && again.digest === digest;
    // What is filled in makes it longer, and there is a most.
    return same || written.length > 512 ? undefined : `${written} is read as ${again?.repository ?? "none"}`;
  },
  grammar: imageText,
  seeds: [
    "nginx",
    "docker-pullable://registry.example.com:5000/shop/web:1.27.3",
    `ghcr.io/a/b__c@sha256:${"ab".repeat(32)}`,
    "localhost/x:latest",
    "[::1]:5000/a/b",
    "INDEX.docker.io/library/nginx",
  ],
  words: [
    "/",
    ":",
    "@",
    "sha256:",
    "docker://",
    "docker.io",
    "library",
    "localhost",
    "registry-1.docker.io",
    "[",
    "]",
    "__",
    ".",
    "-",
    "5000",
  ],
};

const component: Parser = {
  name: "core/component",
  form: "text",
  covers: [`${CORE}/levels/components.ts parseComponent`],
  run: (text) => parseComponent(text),
  check(text) {
    const read = parseComponent(text);
    if (read?.kind === "Package")
      return packageComponent(read.name) === text ? undefined : "a package is written otherwise";
    if (read?.kind !== "Kernel") return undefined;
    const again = parseComponent(kernelComponent(read.series, read.flavour));
    return again?.kind === "Kernel" && again.series === read.series && again.flavour === read.flavour
      ? undefined
      : "a kernel is read otherwise";
  },
  grammar: oneOf("kubelet", "osImage", seq("package:", noise), seq("kernel/", name, maybe(seq("/", name)))),
  seeds: ["kubelet", "containerRuntime", "osImage", "package:openssl", "kernel/5.15.0/generic", "kernel/6.1/"],
  words: ["kernel", "/", "package:", ":", "kubelet", "osImage"],
};

const valuePath: Parser = {
  name: "core/value-path",
  form: "text",
  covers: [`${CORE}/manifests/value-path.ts parseValuePath`],
  run: (text) => [parseValuePath(text), normalisePath(text)],
  check(text) {
    const path = parseValuePath(text);
    if (path === undefined) return undefined;
    const written = path
      .map((part, at) =>
        typeof part === "number" ? `[${part}]` : `${at === 0 ? "" : "."}${part.replaceAll(/[.[\]\\]/g, "\\$&")}`,
      )
      .join("");
    return JSON.stringify(parseValuePath(written)) === JSON.stringify(path)
      ? undefined
      : `${written} is read as another path`;
  },
  grammar: many(oneOf(name, seq("[", digits, "]"), "\\.", ".", seq(".", name)), { most: 6 }),
  seeds: ["image.tag", "sidecars[0].image", "a\\.b.tag", "a\\\\b[12][3].c"],
  words: [".", "[", "]", "\\", "0", "9999", "image", "\\.", "\\["],
};

const branchText = oneOf(
  seq("ringward/", name, "/", name, "/", hex, maybe(seq("-scope-", digits))),
  seq("ringward/", name, "/_all"),
  seq("ringward/manifests/", name, "/", name, "/", hex, "-", fc.stringMatching(/^[0-9a-f]{8}$/)),
);

const branch: Parser = {
  name: "core/branch",
  form: "text",
  covers: [
    `${CORE}/promotion/known.ts parseProposalBranch`,
    `${CORE}/promotion/known.ts parseGroupBranch`,
    `${CORE}/manifests/known.ts parseManifestBranch`,
  ],
  run: (text) => [
    parseProposalBranch(text),
    parseGroupBranch(text),
    parseManifestBranch(text),
    branchPart(text),
    hashPath(text),
  ],
  check(text) {
    const read = parseProposalBranch(text);
    if (read !== undefined) {
      const written = `ringward/${read.ring}/${read.baseline}/${read.digest}${read.scope === undefined ? "" : `-scope-${read.scope}`}`;
      if (written !== text) return `is read as ${written}`;
      if (parseGroupBranch(text) !== undefined || parseManifestBranch(text) !== undefined)
        return "is two kinds of branches";
    }
    const part = branchPart(text);
    return part.length <= 63 || part === text ? undefined : `the part ${part} is too long`;
  },
  grammar: branchText,
  seeds: [
    "ringward/early/ubuntu/0123456789ab",
    "ringward/early/ubuntu/0123456789ab-scope-12",
    "ringward/early/_all",
    "ringward/manifests/early/web/0123456789ab-01234567",
    "a".repeat(64),
  ],
  words: ["ringward/", "/", "_all", "-scope-", "manifests", "0123456789ab", ".lock", "..", "0"],
};

const markerBody = seq(
  noise,
  "<!-- ringward: ",
  fc.jsonValue().map((value) => JSON.stringify(value)),
  " -->",
  noise,
);

const marker: Parser = {
  name: "core/marker",
  form: "text",
  covers: [
    `${CORE}/promotion/known.ts readMarker`,
    `${CORE}/promotion/known.ts readProposals`,
    `${CORE}/manifests/known.ts readManifestProposal`,
  ],
  run(body) {
    const pull = { number: 1, state: "closed", body } as const;
    return [
      readMarker(body),
      ...["ringward/early/_all", "ringward/early/ubuntu/0123456789ab"].map((head) => readProposals({ ...pull, head })),
      readManifestProposal({ ...pull, head: "ringward/manifests/early/web/0123456789ab-01234567" }),
    ];
  },
  check(body) {
    const closed = markClosed(body, "x-->y");
    if (readMarker(closed)?.closed !== "x-->y") return "what was closed is not read as closed";
    const written = writeMarker({ ring: body });
    return readMarker(written)?.ring === body || !body.isWellFormed() ? undefined : "a marker is read as another one";
  },
  grammar: markerBody,
  seeds: [
    'text\n<!-- ringward: {"cluster":"c","ring":"early","baseline":"ubuntu","level":"l","digest":"0123456789abcdef","maxTargets":12,"evidence":"e"} -->\n',
    '<!-- ringward: {"entries":[{"baseline":"ubuntu","digest":"0123456789ab","maxTargets":3,"scope":4},null,{"baseline":1}],"closed":"why"} -->',
    "<!-- ringward: null -->",
  ],
  words: [
    "<!-- ringward: ",
    " -->",
    "\\u003e",
    '"entries"',
    '"closed"',
    '"maxTargets"',
    '"__proto__"',
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
  ],
};

const people: Parser = {
  name: "core/people",
  form: "json",
  covers: [`${CORE}/promotion/people.ts readPeople`],
  run(text) {
    // The forge's readers give it this shape; what people wrote are the strings in it.
    const said = (Array.isArray(valueOf(text)) ? (valueOf(text) as readonly unknown[]) : []).map(shown);
    const history: ProposalHistory = {
      merged: undefined,
      closed: { by: said[0], time: "2026-11-21T12:00:00Z" },
      reviews: said.map((author) => ({ author, state: author.length % 2 === 0 ? "Approved" : "ChangesRequested" })),
      comments: said.map((body) => ({ author: body, body, time: body, mine: false })),
    };
    return readPeople(history, { labels: said, author: said[0] ?? "" });
  },
  check(_text, answer) {
    const { why } = answer as ReturnType<typeof readPeople>;
    return why === undefined || (Array.from(why).length <= 200 && !why.includes("\n"))
      ? undefined
      : `why has ${why.length} characters`;
  },
  grammar: fc
    .array(oneOf("/ringward propose", " /RINGWARD PROPOSE\r\n", noise, "no\nthanks"), { maxLength: 5 })
    .map((list) => JSON.stringify(list)),
  seeds: ['["/ringward propose","not now\\nplease","__proto__"]', '["ringward/propose-again"]'],
  words: ["/ringward propose", "\n", "\r", "ringward/propose-again", "\u0000"],
};

function shown(value: unknown): string {
  return typeof value === "string" ? value : "";
}

const selectors: Parser = {
  name: "core/selectors",
  form: "json",
  covers: [],
  run(text) {
    const [a, b, labels] = parts(text);
    return [matches(a, labels), implies(a, b), implies(b, a), disjoint(a, b), disjoint(b, a)];
  },
  check(text) {
    const [a, b, labels] = parts(text);
    if (implies(a, b) === "yes" && matches(a, labels) && !matches(b, labels))
      return "implies, and labels match only the first";
    return disjoint(a, b) === "yes" && matches(a, labels) && matches(b, labels)
      ? "disjoint, and labels match both"
      : undefined;
  },
  grammar: fc.constantFrom(
    '[{"matchLabels":{"a":"b"}},{"matchExpressions":[{"key":"a","operator":"In","values":["b","c"]}]},{"a":"b"}]',
    '[{},{"matchExpressions":[{"key":"__proto__","operator":"Exists"}]},{}]',
  ),
  seeds: [
    '[{"matchLabels":{"a":"b"}},{"matchExpressions":[{"key":"a","operator":"In","values":["b","c"]},{"key":"d","operator":"DoesNotExist"}]},{"a":"b"}]',
    '[{"matchExpressions":[{"key":"a","operator":"NotIn","values":["x"]},{"key":"b","operator":"Exists"}]},{"matchLabels":{"a":"x"}},{"b":""}]',
  ],
  words: [
    "a",
    "b",
    "In",
    "NotIn",
    "Exists",
    "DoesNotExist",
    "matchLabels",
    "matchExpressions",
    "key",
    "operator",
    "values",
  ],
};

type Selector = Parameters<typeof matches>[0];

/** Two selectors as their schema lets them through, and labels; everything else in the value is left out. */
function parts(text: string): [Selector, Selector, Record<string, string>] {
  const [a, b, labels] = Array.isArray(valueOf(text)) ? (valueOf(text) as readonly unknown[]) : [];
  return [selectorOf(a), selectorOf(b), stringsOf(labels)];
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function stringsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).flatMap(([key, one]) => (typeof one === "string" ? [[key, one]] : [])),
  );
}

function selectorOf(value: unknown): Selector {
  const { matchLabels, matchExpressions } = fieldsOf(value);
  const terms = (Array.isArray(matchExpressions) ? (matchExpressions as readonly unknown[]) : []).flatMap((one) => {
    const { key, operator, values } = fieldsOf(one);
    if (typeof key !== "string" || typeof operator !== "string") return [];
    return [{ key, operator, values: Array.isArray(values) ? values.filter((text) => typeof text === "string") : [] }];
  });
  return { matchLabels: stringsOf(matchLabels), matchExpressions: terms } as Selector;
}

const expression: Parser = {
  name: "core/gate-expression",
  form: "text",
  covers: [],
  run(text) {
    const data = {
      object: { metadata: { name: "n", labels: { a: "b" } }, status: { replicas: 3, items: [1, 2.5, "x", null] } },
    };
    return (["object", "objects"] as const).map((variable) => {
      const compiled = compileGateExpression(text, variable);
      return compiled.ok ? compiled.evaluate(variable === "object" ? data.object : [data.object, {}]) : compiled;
    });
  },
  grammar: seq(
    oneOf(
      "object.status.replicas",
      "objects.all(o, o.status.replicas > 1)",
      "has(object.metadata.name)",
      "size(objects)",
      noise,
    ),
    maybe(seq(oneOf(" == ", " && ", " > ", " in ", " ? "), oneOf("3", "'x'", "true", "[1, 2]", "object", noise))),
  ),
  seeds: [
    "object.status.replicas == 3",
    "objects.all(o, has(o.status) && o.status.items.exists(i, i == 'x'))",
    "object.metadata.labels['a'].startsWith('b') || size(object.status.items) > 2",
    "object.?status.?missing.orValue(0) < 1 ? true : duration('1h') > duration('90m')",
  ],
  words: [
    ...[
      "object",
      "objects",
      ".status",
      ".items",
      "has(",
      "size(",
      ".all(o, ",
      ".exists(i, ",
      ")",
      "&&",
      "||",
      "!",
      "==",
      "<",
      ">",
      "?",
      ":",
    ],
    ...[
      "[",
      "]",
      "'",
      '"',
      "in",
      "true",
      "null",
      "int(",
      "timestamp(",
      "duration(",
      ".matches('a')",
      "9223372036854775807",
      "0x",
      "u",
      "r'",
      "b'",
      ".map(x, ",
      "__proto__",
    ],
  ],
};

export const CORE_PARSERS: readonly Parser[] = [
  duration,
  cron,
  zone,
  versions,
  shapes,
  image,
  component,
  valuePath,
  branch,
  marker,
  people,
  selectors,
  expression,
];
