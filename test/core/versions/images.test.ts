// OS image names and container tags.
import { describe, expect, it } from "vitest";
import { parseOsImage } from "../../../controller/core/versions/index.ts";
import { compareUapi } from "../../../controller/core/versions/os-image.ts";
import { expectAscending, expectEqualToItself, expectMalformed, expectRows } from "./rows.ts";

describe("OS image names", () => {
  it("orders versions of one product and variant", () => {
    expectAscending("osimage", ["Ubuntu 20.04.6 LTS", "Ubuntu 22.04.3 LTS", "Ubuntu 22.04.10 LTS"]);
    expectAscending("osimage", [
      "Flatcar Container Linux by Kinvolk 3815.2.0 (Oklo)",
      "Flatcar Container Linux by Kinvolk 3975.2.1 (Oklo)",
    ]);
    expectAscending("osimage", ["Bottlerocket OS 1.9.2 (aws-k8s-1.29)", "Bottlerocket OS 1.19.2 (aws-k8s-1.29)"]);
    expectAscending("osimage", ["Talos (v1.7.0-beta.0)", "Talos (v1.7.0)", "Talos (v1.7.1)"]);
    expectAscending("osimage", ["Amazon Linux 2023.4.20240416", "Amazon Linux 2023.5.20240624"]);
    expectAscending("osimage", ["SUSE Linux Enterprise Server 15 SP4", "SUSE Linux Enterprise Server 15 SP5"]);
    expectAscending("osimage", [
      "Red Hat Enterprise Linux CoreOS 415.92.202402201450-0 (Plow)",
      "Red Hat Enterprise Linux CoreOS 416.94.202405291527-0 (Plow)",
    ]);
  });

  it("ignores code names, never the product or the variant", () => {
    expectRows(
      "osimage",
      `
      Rocky Linux 9.3 (Blue Onyx) < Rocky Linux 9.4 (Other Name)
      Rocky Linux 9.3 (Blue Onyx) ? AlmaLinux 9.4 (Seafoam Ocelot)
      Bottlerocket OS 1.19.2 (aws-k8s-1.29) ? Bottlerocket OS 1.20.0 (aws-k8s-1.30)
      `,
    );
    expect(parseOsImage("Debian GNU/Linux 12 (bookworm)")).toEqual({
      product: "debian gnu/linux",
      version: "12",
      variant: "",
    });
  });

  it("never orders a name without a version", () => {
    expectMalformed(
      "osimage",
      ["", "Container-Optimized OS from Google", "CBL-Mariner/Linux", "x".repeat(300)],
      "Ubuntu 22.04.4 LTS",
    );
  });

  it("follows the UAPI.10 rules", () => {
    const ascending = [
      "122~rc1",
      "122",
      "123~rc1-1",
      "123",
      "123-a",
      "123-a.1",
      "123-3",
      "123-3.1",
      "123^",
      "123^1",
      "123.1",
      "123a",
      "123a-1",
      "124",
      "124-1",
    ];
    const wrong = ascending.flatMap((a, i) =>
      ascending
        .slice(i + 1)
        .filter((b) => compareUapi(a, b) >= 0 || compareUapi(b, a) <= 0)
        .map((b) => `${a} ${b}`),
    );
    expect(wrong).toEqual([]);
    expect([compareUapi("11", "11"), compareUapi("123", "0123"), compareUapi("1_", "1")]).toEqual([0, 0, 0]);
  });
});

describe("container tags", () => {
  it("orders tags of one variant: numbers, prerelease, revision", () => {
    expectAscending("tag", [
      "1.25.3-alpha1",
      "1.25.3-beta.2",
      "1.25.3-rc1",
      "1.25.3-rc.2",
      "1.25.3-rc10",
      "1.25.3",
      "v1.25.4",
      "1.25.10",
    ]);
    expectAscending("tag", ["1.25.3-debian-12-r5", "1.25.3-debian-12-r10", "1.25.4-debian-12-r0"]);
    expectAscending("tag", ["v1.29.3-rc1-k3s1", "v1.29.3", "v1.29.3-k3s1", "v1.29.3-k3s2", "v1.29.4-k3s1"]);
    expectAscending("tag", ["v1.11.1", "v1.11.1-eksbuild.4", "v1.11.1-eksbuild.10"]);
    expectAscending("tag", ["20240401", "20240515"]);
    expectRows("tag", "1.25.3-alpine < 1.25.4-alpine\nv1.2.3 = 1.2.3");
  });

  it("never orders across variants", () => {
    expectRows("tag", "1.25.3-alpine3.18 ? 1.25.3-alpine3.19\n1.25.3 ? 1.25.4-alpine\n1.29.3-k3s1 ? 1.29.3-r1");
  });

  it("gives a floating tag no order against what it may point to", () => {
    expectRows("tag", "1.25 ? 1.25.3\n1 ? 1.25.3\n1.24 < 1.25.3\n2 > 1.25.3");
    expectEqualToItself("tag", ["1.25", "1"]);
  });

  it("never orders what is no version", () => {
    expectMalformed(
      "tag",
      ["", "latest", "stable", "sha256-abc", "7e3f1aa", "v", "1.25.", "1..2", "alpine-3.18", "1.2.3!", "1".repeat(200)],
      "1.25.3",
    );
  });
});
