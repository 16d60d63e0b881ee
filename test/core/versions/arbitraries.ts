// Random well-formed versions that look like real ones: few letters and numbers, so that near misses are frequent.
import fc from "fast-check";
import type { VersionScheme } from "../../../controller/core/versions/index.ts";

const number = fc.oneof(
  fc.nat(3).map(String),
  fc.nat(120).map(String),
  fc.constantFrom("0", "00", "01", "010", "99999999999999999999"),
);
const plainNumber = fc.oneof(fc.nat(2), fc.nat(120)).map(String);

function words(parts: readonly string[], max: number): fc.Arbitrary<string> {
  return fc.array(fc.oneof(number, fc.constantFrom(...parts)), { maxLength: max }).map((list) => list.join(""));
}

function optional(text: fc.Arbitrary<string>, prefix = ""): fc.Arbitrary<string> {
  return fc.option(text, { nil: undefined }).map((one) => (one === undefined ? "" : prefix + one));
}

function join(...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.tuple(...parts).map((list) => list.join(""));
}

const dpkg = join(
  optional(fc.nat(2).map((epoch) => `${epoch}:`)),
  number,
  words([".", "+", "~", "-0", "a", "b", "rc", "Z", "dfsg", ".~"], 6),
  optional(join(number, words([".", "+", "~", "a", "ubuntu", "deb"], 4)), "-"),
);

const rpm = join(
  optional(fc.nat(2).map((epoch) => `${epoch}:`)),
  number,
  words([".", "_", "+", "~", "^", "a", "rc", "Z", "git", "é"], 6),
  optional(join(number, words([".", "_", "~", "^", "el", "fc"], 4)), "-"),
);

const suffix = join(
  fc.constantFrom("_alpha", "_beta", "_pre", "_rc", "_cvs", "_svn", "_git", "_hg", "_p"),
  optional(number),
);
const apk = join(
  number,
  fc.array(number, { maxLength: 3 }).map((list) => list.map((one) => `.${one}`).join("")),
  optional(
    fc.oneof(
      fc.constantFrom("a", "b", "p", "z"),
      number.map((one) => `p${one}`),
    ),
  ),
  fc.array(suffix, { maxLength: 2 }).map((list) => list.join("")),
  optional(fc.constantFrom("a", "ab", "b0", "0"), "~"),
  optional(number, "-r"),
);

const semver = join(
  optional(fc.constant("v")),
  plainNumber,
  fc.tuple(plainNumber, plainNumber).map(([minor, patch]) => `.${minor}.${patch}`),
  fc.constantFrom(
    "",
    "",
    "-rc.1",
    "-rc.2",
    "-rc1",
    "-alpha",
    "-1",
    "-gke.1",
    "-gke.10",
    "-eks-1a2b",
    "-eks-ff00",
    "-eks-1-29-3",
    "-aliyun.1",
  ),
).chain((text) =>
  /-(?:gke|eks|aliyun)/.test(text)
    ? fc.constant(text)
    : fc.constantFrom("", "+k3s1", "+k3s2", "+rke2r1", "+build", "+k0s.0").map((more) => text + more),
);

const kernel = fc.oneof(
  join(
    fc.constantFrom("5.15.0-", "6.8.0-"),
    plainNumber.map((n) => String(Number(n) + 1)),
    fc.constantFrom("-generic", "-aws"),
  ),
  join(fc.constant("6.1.0-"), plainNumber, fc.constantFrom("-amd64", "-cloud-amd64")),
  join(
    fc.constant("5.14.0-"),
    plainNumber,
    optional(fc.constantFrom("8.1", "18.1"), "."),
    fc.constantFrom(".el9", ".el9_3", ".el8_9"),
    fc.constantFrom(".x86_64", ".aarch64", ".x86_64+rt"),
  ),
  join(fc.constantFrom("6.1.", "6.6."), plainNumber, fc.constantFrom("", "+", "-flatcar", "-talos")),
);

const osimage = join(
  fc.constantFrom("Ubuntu ", "Talos (v", "Bottlerocket OS "),
  plainNumber,
  fc.array(plainNumber, { maxLength: 2 }).map((list) => list.map((one) => `.${one}`).join("")),
  fc.constantFrom("", "-rc.1", "-beta.0", " (aws-k8s-1.29)", " (aws-k8s-1.30)", " LTS"),
);

const tag = join(
  optional(fc.constant("v")),
  fc.array(plainNumber, { minLength: 1, maxLength: 3 }).map((list) => list.join(".")),
  fc.constantFrom("", "", "-rc1", "-rc.2", "-beta"),
  fc.constantFrom("", "", "-alpine", "-alpine3.18", "-debian-12"),
  fc.constantFrom("", "", "-r1", "-r10", "-k3s1", "-2"),
);

export const arbitraries: Readonly<Record<VersionScheme, fc.Arbitrary<string>>> = {
  dpkg,
  rpm,
  apk,
  semver,
  kernel,
  osimage,
  tag,
};
