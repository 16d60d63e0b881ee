// Kernel strings: ordered inside one line, never across.
import { describe, expect, it } from "vitest";
import { compareVersions, kernelLine, parseKernel } from "../../../controller/core/versions/index.ts";
import { expectAscending, expectMalformed } from "./rows.ts";

/** Each row is one line, its kernels in ascending order. */
const lines: Readonly<Record<string, readonly string[]>> = {
  "ubuntu  5.15.0 generic": ["5.15.0-9-generic", "5.15.0-101-generic", "5.15.0-102-generic"],
  "ubuntu  5.15.0 aws": ["5.15.0-1056-aws", "5.15.0-1057-aws"],
  "ubuntu  5.15.0 azure": ["5.15.0-1058-azure", "5.15.0-1059-azure"],
  "ubuntu  6.8.0 generic": ["6.8.0-31-generic", "6.8.0-35-generic"],
  "ubuntu  6.8.0 generic-64k": ["6.8.0-31-generic-64k"],
  "debian  6.1 amd64": ["6.1.0-9-amd64", "6.1.0-21-amd64", "6.1.0-22-amd64"],
  "debian  6.1 cloud-amd64": ["6.1.0-21-cloud-amd64"],
  "debian deb11 6.1 amd64": ["6.1.0-0.deb11.17-amd64", "6.1.0-0.deb11.21-amd64"],
  "debian deb13 6.12 amd64": ["6.12.9+deb13-amd64", "6.12.43+deb13-amd64", "6.12.43+deb13+1-amd64"],
  "rhel el9 5.14.0 x86_64": [
    "5.14.0-70.13.1.el9_0.x86_64",
    "5.14.0-362.el9.x86_64",
    "5.14.0-362.8.1.el9_3.x86_64",
    "5.14.0-362.18.1.el9_3.x86_64",
    "5.14.0-427.13.1.el9_4.x86_64",
  ],
  "rhel el9 5.14.0 aarch64": ["5.14.0-427.13.1.el9_4.aarch64"],
  "rhel el9 5.14.0 x86_64+rt": ["5.14.0-427.13.1.el9_4.x86_64+rt"],
  "rhel el8 4.18.0 x86_64": ["4.18.0-513.5.1.el8_9.x86_64", "4.18.0-553.el8_10.x86_64"],
  "rhel el8 4.18.0 x86_64+rt": ["4.18.0-513.5.1.rt7.307.el8_9.x86_64"],
  "rhel el7 3.10.0 x86_64": ["3.10.0-1160.el7.x86_64", "3.10.0-1160.119.1.el7.x86_64"],
  "rhel el9 6.8.1 x86_64+elrepo": ["6.8.1-1.el9.elrepo.x86_64"],
  "oracle-uek el9uek 5.15.0 x86_64": ["5.15.0-200.131.27.el9uek.x86_64", "5.15.0-207.156.6.el9uek.x86_64"],
  "fedora fc40 fc40 x86_64": ["6.8.9-300.fc40.x86_64", "6.9.4-200.fc40.x86_64"],
  "amazon amzn2023 6.1 x86_64": ["6.1.102-108.177.amzn2023.x86_64", "6.1.112-122.189.amzn2023.x86_64"],
  "amazon amzn2 5.10 x86_64": ["5.10.210-201.852.amzn2.x86_64", "5.10.215-203.850.amzn2.x86_64"],
  "azurelinux azl3 5.15 ": ["5.15.173.1-1.azl3", "5.15.173.1-2.azl3", "5.15.176.3-1.azl3"],
  "azurelinux cm2 5.15 ": ["5.15.167.1-2.cm2"],
  "photon ph5 6.1 esx": ["6.1.83-2.ph5-esx"],
  "flatcar  6.6 ": ["6.6.60-flatcar", "6.6.100-flatcar"],
  "flatcar  6.1 ": ["6.1.96-flatcar"],
  "talos  6.6 ": ["6.6.60-talos", "6.6.64-talos"],
  "cos  6.1 ": ["6.1.100+", "6.1.112+"],
  "vanilla  6.1 ": ["6.1.109", "6.1.112"],
  "suse 150500 5.14.21-150500 default": ["5.14.21-150500.55.9-default", "5.14.21-150500.55.52-default"],
  "alpine  6.6 lts": ["6.6.31-0-lts", "6.6.31-1-lts", "6.6.40-0-lts"],
  "proxmox  6.8 pve": ["6.8.4-2-pve", "6.8.12-1-pve"],
};

describe("kernel strings", () => {
  it("tells distribution, release, series and flavour apart", () => {
    const found = Object.values(lines).map((kernels) => [...new Set(kernels.map((text) => lineOf(text)))]);
    expect(found).toEqual(Object.keys(lines).map((line) => [line]));
  });

  it("orders kernels of one line", () => {
    for (const kernels of Object.values(lines)) expectAscending("kernel", kernels);
  });

  it("never orders kernels of two lines", () => {
    const all = Object.entries(lines).flatMap(([line, kernels]) => kernels.map((text) => ({ line, text })));
    const ordered = all.flatMap((a) =>
      all
        .filter((b) => (compareVersions("kernel", a.text, b.text) === "?") === (a.line === b.line))
        .map((b) => `${a.text} ${b.text}`),
    );
    expect(ordered).toEqual([]);
  });

  it("never orders unknown shapes, mainline builds among them", () => {
    expectMalformed(
      "kernel",
      [
        ..."|foo|6|6.1|6.1.|v6.1.2|6.8.0-060800-generic|5.15.0-101|5.15.0-generic|5.15.3-101-generic|6.9.1-arch1-1".split(
          "|",
        ),
        ..."6.1.0-21-amd64 |6.1.112-|6.1.112.4|5.14.0-a.el9.x86_64|5.15.0-101-Generic|6.6.60-flatcar-|1.2.3.4.5".split(
          "|",
        ),
        `6.1.${"9".repeat(200)}`,
      ],
      "5.15.0-101-generic",
    );
  });
});

function lineOf(text: string): string {
  const kernel = parseKernel(text);
  return kernel === undefined ? `${text} is unknown` : kernelLine(kernel);
}
