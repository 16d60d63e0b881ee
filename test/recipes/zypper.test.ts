// The zypper recipe on a root with real zypper and rpm: what both recipes of rpm do.
import { describeRpmRecipe, type RpmTool } from "./support/rpm-suite.ts";

const kernel = (build: string): RpmTool["kernels"][number] => ({
  release: `6.4.0-${build}-default`,
  rpm: {
    name: "kernel-default",
    // The package's release goes on where the kernel's ends.
    version: `6.4.0-${build}.1`,
    provides: ["multiversion(kernel)"],
    files: { [`lib/modules/6.4.0-${build}-default/vmlinuz`]: "kernel" },
  },
});

describeRpmRecipe({
  name: "zypper",
  osRelease: { id: "sles", versionId: "15.6", prettyName: "SUSE Linux Enterprise Server 15 SP6" },
  repositories: "etc/zypp/repos.d",
  refresh: ["zypper", "-n", "refresh"],
  hold: (node, name) => void node.chroot("zypper", "-n", "addlock", name),
  kernels: [kernel("150600.23.25"), kernel("150600.23.30")],
});
