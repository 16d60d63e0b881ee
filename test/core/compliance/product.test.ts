// Which operating system a node runs, by os-release or by the name that the kubelet reports.
import { describe, expect, it } from "vitest";
import {
  isNodeTarget,
  isProduct,
  parseImage,
  parseProduct,
  productOf,
} from "../../../controller/core/compliance/index.ts";
import { nodeBaseline } from "../levels/fixtures.ts";
import { DIGEST, HOUR, inventoried, iso, node, NOW } from "./fixtures.ts";

describe("parseProduct", () => {
  it.each([
    ["Ubuntu 22.04.4 LTS", "ubuntu", "22.04.4"],
    ["Ubuntu 24.04 LTS", "ubuntu", "24.04"],
    ["Flatcar Container Linux by Kinvolk 3975.2.2 (Oklo)", "flatcar", "3975.2.2"],
    ["Rocky Linux 9.4 (Blue Onyx)", "rocky", "9.4"],
    ["AlmaLinux 9.4 (Seafoam Ocelot)", "almalinux", "9.4"],
    ["Red Hat Enterprise Linux 9.4 (Plow)", "rhel", "9.4"],
    ["Red Hat Enterprise Linux CoreOS 417.94.202410160352-0", "rhcos", "4.17"],
    ["CentOS Stream 9", "centos", "9"],
    ["CentOS Linux 7 (Core)", "centos", "7"],
    ["Oracle Linux Server 9.4", "ol", "9.4"],
    ["Fedora CoreOS 40.20241019.3.0", "fedora", "40.20241019.3.0"],
    ["Debian GNU/Linux 12 (bookworm)", "debian", "12"],
    ["Amazon Linux 2023.6.20241010", "amzn", "2023.6.20241010"],
    ["Amazon Linux 2", "amzn", "2"],
    ["Bottlerocket OS 1.20.0 (aws-k8s-1.30)", "bottlerocket", "1.20.0"],
    ["Talos (v1.7.5)", "talos", "1.7.5"],
    ["SUSE Linux Enterprise Server 15 SP5", "sles", "15.5"],
    ["SUSE Linux Enterprise Micro 5.5", "sle-micro", "5.5"],
    ["openSUSE Leap 15.6", "opensuse-leap", "15.6"],
    ["Alpine Linux v3.20", "alpine", "3.20"],
    ["Container-Optimized OS from Google", "cos", undefined],
    ["Microsoft Azure Linux 3.0", "azurelinux", "3.0"],
    ["CBL-Mariner/Linux", "mariner", undefined],
  ])("%s", (text, id, versionId) => {
    expect(parseProduct(text)).toEqual(versionId === undefined ? { id } : { id, versionId });
  });

  it.each(["", "Hannah Montana Linux 1", "22.04", "not ubuntu 22.04", "x".repeat(5000)])("knows no %j", (text) => {
    expect(parseProduct(text)).toBeUndefined();
  });
});

describe("productOf", () => {
  const rocky = { osId: "rocky", osVersionId: "9.4" };

  it("believes fresh inventory, then the kubelet, then stale inventory", () => {
    const fresh = inventoried({}, rocky);
    const stale = inventoried({}, { ...rocky, time: iso(NOW - 25 * HOUR) });
    expect(productOf(node(), fresh, NOW)).toEqual({ id: "rocky", versionId: "9.4" });
    expect(productOf(node(), stale, NOW)).toEqual({ id: "ubuntu", versionId: "22.04.5" });
    expect(productOf(node({ osImage: "" }), stale, NOW)).toEqual({ id: "rocky", versionId: "9.4" });
    expect(productOf(node({ osImage: "" }))).toBeUndefined();
  });
});

describe("isProduct", () => {
  it.each([
    ["22.04", "22.04.4", true],
    ["9", "9.4", true],
    ["9.4", "9.4", true],
    ["9", "90", false],
    ["9.4", "9", false],
    ["2", "2023", false],
    ["v1.7", "1.7.5", true],
    ["1.7", "v1.7.5", true],
  ])("wanted %s, running %s: %s", (wanted, running, expected) => {
    expect(isProduct({ id: "x", versionId: running }, { id: "x", versionId: wanted })).toBe(expected);
  });

  it("takes no version for every version, and an unknown one for none", () => {
    expect(isProduct({ id: "cos" }, { id: "cos" })).toBe(true);
    expect(isProduct({ id: "cos" }, { id: "cos", versionId: "113" })).toBe(false);
    expect(isProduct({ id: "ubuntu" }, { id: "debian" })).toBe(false);
  });
});

describe("isNodeTarget", () => {
  it("needs the product and the labels", () => {
    expect(isNodeTarget(nodeBaseline(), node())).toBe(true);
    expect(isNodeTarget(nodeBaseline({ nodeSelector: { matchLabels: { pool: "blue" } } }), node())).toBe(true);
    expect(isNodeTarget(nodeBaseline({ nodeSelector: { matchLabels: { pool: "red" } } }), node())).toBe(false);
    expect(isNodeTarget(nodeBaseline(), node({ osImage: "Debian GNU/Linux 12 (bookworm)" }))).toBe(false);
    expect(isNodeTarget(nodeBaseline(), node({ osImage: "" }))).toBe(false);
  });
});

describe("parseImage", () => {
  it.each([
    ["nginx", "docker.io/library/nginx", "latest", undefined],
    ["nginx:1.25", "docker.io/library/nginx", "1.25", undefined],
    ["bitnami/nginx:1.25", "docker.io/bitnami/nginx", "1.25", undefined],
    ["localhost/nginx", "localhost/nginx", "latest", undefined],
    ["localhost:5000/nginx", "localhost:5000/nginx", "latest", undefined],
    ["registry.example.com:5000/a/b/c:v1", "registry.example.com:5000/a/b/c", "v1", undefined],
    [`registry.example.com/a@${DIGEST}`, "registry.example.com/a", undefined, DIGEST],
    [`registry.example.com/a:1@${DIGEST}`, "registry.example.com/a", "1", DIGEST],
    [`docker-pullable://registry.example.com/a@${DIGEST}`, "registry.example.com/a", undefined, DIGEST],
    ["[fd00::1]:5000/a:1", "[fd00::1]:5000/a", "1", undefined],
    ["Registry.Example.com/a:1", "registry.example.com/a", "1", undefined],
  ])("%s", (text, repository, tag, digest) => {
    expect(parseImage(text)).toMatchObject({ repository, tag, digest });
  });

  it.each([
    "",
    ":",
    "@",
    "a b",
    "docker.io/A/b",
    "a//b",
    "a:",
    "a@sha256:xyz",
    "a:b c",
    `sha256:${"0".repeat(64)}@x`,
    "../etc",
    "x".repeat(600),
  ])("refuses %j", (text) => {
    expect(parseImage(text)).toBeUndefined();
  });
});
