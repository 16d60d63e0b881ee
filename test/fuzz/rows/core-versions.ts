// What nodes and registries say of versions and images, as core/ reads it. Nothing here may throw.
import fc from "fast-check";
import { coverageOf, parseImage, parseRepository } from "../../../controller/core/compliance/image-reference.ts";
import { parseProduct } from "../../../controller/core/compliance/product.ts";
import { kernelComponent, packageComponent, parseComponent } from "../../../controller/core/levels/components.ts";
import { isAllowedImage, readImagePrefix } from "../../../controller/core/recipe-images.ts";
import { parseContainerTag } from "../../../controller/core/versions/container-tag.ts";
import { compareVersions, isVersion, type VersionScheme } from "../../../controller/core/versions/index.ts";
import { kernelLine, parseKernel } from "../../../controller/core/versions/kernel.ts";
import { parseOsImage } from "../../../controller/core/versions/os-image.ts";
import { digits, many, maybe, name, noise, oneOf, seq } from "../grammar.ts";
import type { Parser } from "../parser.ts";

const CORE = "controller/core";

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

export const CORE_VERSION_PARSERS: readonly Parser[] = [versions, shapes, image, component];
