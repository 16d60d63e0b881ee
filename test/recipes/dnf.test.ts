// The dnf recipe on a root with real dnf 4 and rpm: what both recipes of rpm do, and what only dnf has.
import { describe, expect, it } from "vitest";
import { describeRpmRecipe, LEVEL, OLD, type RpmTool, rpmScene, versions, WANTED } from "./support/rpm-suite.ts";

const kernel = (build: string): RpmTool["kernels"][number] => ({
  release: `5.14.0-${build}.el9.x86_64`,
  rpm: {
    name: "kernel-core",
    version: `5.14.0-${build}.el9`,
    provides: ["installonlypkg(kernel)"],
    files: { [`lib/modules/5.14.0-${build}.el9.x86_64/vmlinuz`]: "kernel" },
  },
});

const DNF: RpmTool = {
  name: "dnf",
  osRelease: { id: "rocky", versionId: "9.4", prettyName: "Rocky Linux 9.4 (Blue Onyx)" },
  repositories: "etc/yum.repos.d",
  refresh: ["dnf", "-q", "makecache", "--refresh"],
  hold: (node, name) => node.write("etc/dnf/dnf.conf", `[main]\ngpgcheck=1\nexcludepkgs=${name}\n`),
  kernels: [kernel("427.13.1"), kernel("427.16.1")],
};

describeRpmRecipe(DNF);

describe("a package that is excluded on the node", () => {
  const scene = rpmScene(DNF);

  it("is changed where the recipe says that this is not meant for Ringward", async () => {
    const { node } = scene();
    DNF.hold(node, "openssl");

    const before = versions(node, "openssl");
    const updated = await node.run("update", { ...LEVEL, CHANGE_HELD: "openssl" });

    expect([before, updated.code, versions(node, "openssl")], updated.log).toEqual([OLD, 0, WANTED]);
  });
});
