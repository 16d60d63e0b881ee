// Kubernetes versions: semver 2.0 and the suffixes of managed Kubernetes.
import { describe, it } from "vitest";
import { expectAscending, expectEqualToItself, expectMalformed, expectRows } from "./rows.ts";

describe("semver versions", () => {
  it("orders prereleases as semver 2.0 §11 does", () => {
    expectAscending("semver", [
      "1.0.0-alpha",
      "1.0.0-alpha.1",
      "1.0.0-alpha.beta",
      "1.0.0-beta",
      "1.0.0-beta.2",
      "1.0.0-beta.11",
      "1.0.0-rc.1",
      "1.0.0",
    ]);
    expectRows(
      "semver",
      "1.2.3-r100 < 1.2.3-r2\n1.2.3-5-Foo < 1.2.3-5-foo\n1.2.3-5 < 1.2.3-5-foo\n1.2.3-a.b.c.5.d.100 < 1.2.3-a.b.c.10.d.5",
    );
  });

  it("allows a leading v, and numbers beyond 2^53", () => {
    expectRows("semver", "v1.29.3 = 1.29.3\nv1.29.3 < 1.29.10\n1.0.99999999999999999998 < 1.0.99999999999999999999");
  });

  it("ignores other build metadata, as semver 2.0 §10 says", () => {
    expectRows(
      "semver",
      "1.2.3+build = 1.2.3+otherbuild\n1.2.3-beta+a = 1.2.3-beta\nv1.27.10+c79e5e2 = v1.27.10\n2.7.2+asdf < 3.0.0",
    );
  });

  it("counts a provider's patches, and never takes them for a prerelease", () => {
    expectAscending("semver", [
      "v1.29.3-rc.1",
      "v1.29.3",
      "v1.29.3-gke.99",
      "v1.29.3-gke.1093000",
      "v1.29.3-gke.1282000",
      "v1.29.4-gke.1",
    ]);
    expectAscending("semver", [
      "v1.29.4-rc1+k3s1",
      "v1.29.4-rc1+k3s2",
      "v1.29.4",
      "v1.29.4+k3s1",
      "v1.29.4+k3s2",
      "v1.29.4+k3s10",
      "v1.29.5+k3s1",
    ]);
    expectAscending("semver", ["v1.29.4", "v1.29.4+rke2r1", "v1.29.4+rke2r2", "v1.30.0+rke2r1"]);
    expectAscending("semver", ["v1.28.3", "v1.28.3-aliyun.1", "v1.28.3-aliyun.2"]);
    expectAscending("semver", ["v1.29.2", "v1.29.2+k0s.0", "v1.29.2+k0s.1"]);
    expectAscending("semver", ["v1.29.4", "v1.29.4-eks-1-29-9", "v1.29.4-eks-1-29-10"]);
  });

  it("knows no order of two EKS hashes, but of their triples", () => {
    expectRows(
      "semver",
      `
      v1.29.0-eks-5e0fdde = v1.29.0-eks-5e0fdde
      v1.29.0-eks-5e0fdde ? v1.29.0-eks-a737599
      v1.29.0-eks-5e0fdde < v1.29.1-eks-a737599
      v1.29.0-eks-5e0fdde < v1.30.0-eks-036c24b
      v1.29.0 < v1.29.0-eks-5e0fdde
      `,
    );
  });

  it("knows no order of two providers on the same triple", () => {
    expectRows(
      "semver",
      `
      v1.29.3-gke.1 ? v1.29.3+k3s1
      v1.29.3-gke.1 ? v1.29.3-eks-5e0fdde
      v1.29.3+k3s1 ? v1.29.3+rke2r1
      v1.29.3+k3s9 < v1.29.4+rke2r1
      `,
    );
  });

  it("keeps provider-like words that are none as ordinary prereleases", () => {
    expectRows("semver", "1.2.3-gke < 1.2.3\n1.2.3-gke.x < 1.2.3\n1.2.3-eks-xyz < 1.2.3\n1.2.3+k3s = 1.2.3");
    expectEqualToItself("semver", ["1.0.0-0", "1.0.0--", "1.0.0-x.7.z.92", "1.0.0+001", "1.0.0-eks-012"]);
  });

  it("never orders what is no semver", () => {
    expectMalformed(
      "semver",
      [
        ..."|v|1|1.2|1.2.3.4|1.2.03|01.2.3|V1.2.3|vv1.2.3|1.2.3-|1.2.3+|1.2.3-a..b|1.2.3-01|1.2.3_1|1.2.3 |a.b.c".split(
          "|",
        ),
        ..."1.2.3-gke.1+k3s1|1.2.x|-1.2.3|1.2.3+a+b|1.2.3-ä".split("|"),
      ],
      "1.2.3",
    );
  });
});
