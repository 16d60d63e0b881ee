// The machine images that fleets are made of, and the package sources around them: Ubuntu 22.04, Rocky 9 and Flatcar as they
// stood in the second half of 2024. Versions and dates are close to the published ones; the sandbox needs them to be
// consistent, not complete. The oldest version of each list is what old machines have.
import { createHash } from "node:crypto";
import type { Catalogue, ImageOffer, KernelOffer, Offer } from "../nodes/catalogue.ts";
import type { MachineImage } from "../nodes/machine.ts";

/** `version@date` pairs, oldest first; a trailing `!` asks for a reboot. */
function offers(...entries: readonly string[]): readonly Offer[] {
  return entries.map((entry) => {
    const reboot = entry.endsWith("!");
    const at = entry.lastIndexOf("@");
    const since = `${entry.slice(at + 1, reboot ? -1 : undefined)}T00:00:00Z`;
    return { version: entry.slice(0, at), since, ...(reboot ? { reboot: true } : {}) };
  });
}

const KUBELET = offers(
  "1.31.0@2024-08-13",
  "1.31.1@2024-09-11",
  "1.31.2@2024-10-22",
  "1.31.3@2024-11-20",
  "1.31.4@2024-12-10",
);
const CONTAINERD = offers(
  "1.7.20@2024-07-19",
  "1.7.21@2024-08-27",
  "1.7.22@2024-09-10",
  "1.7.23@2024-10-14",
  "1.7.24@2024-11-21",
);

function numbered(list: readonly Offer[], suffix: string): readonly Offer[] {
  return list.map((offer) => ({ ...offer, version: `${offer.version}${suffix}` }));
}

function ubuntuKernel(abi: number, upload: number, meta: string, date: string): KernelOffer {
  const release = `5.15.0-${abi}-generic`;
  const version = `5.15.0-${abi}.${upload}`;
  const packages = {
    [`linux-image-${release}`]: version,
    [`linux-modules-${release}`]: version,
    "linux-generic": meta,
    "linux-image-generic": meta,
  };
  return { release, packages, since: `${date}T00:00:00Z` };
}

const UBUNTU_KERNELS = [
  ubuntuKernel(119, 129, "5.15.0.119.119", "2024-08-12"),
  ubuntuKernel(122, 132, "5.15.0.122.122", "2024-09-18"),
  ubuntuKernel(124, 134, "5.15.0.124.124", "2024-10-16"),
  ubuntuKernel(125, 135, "5.15.0.125.124", "2024-11-11"),
];

const UBUNTU_PACKAGES: Readonly<Record<string, readonly Offer[]>> = {
  "base-files": offers("12ubuntu4.6@2024-02-22", "12ubuntu4.7@2024-09-12"),
  "ca-certificates": offers("20230311ubuntu0.22.04.1@2023-06-01", "20240203~22.04.1@2024-09-16"),
  "containerd.io": numbered(CONTAINERD, "-1"),
  curl: offers("7.81.0-1ubuntu1.17@2024-08-01", "7.81.0-1ubuntu1.18@2024-09-12", "7.81.0-1ubuntu1.19@2024-11-06"),
  "intel-microcode": offers(
    "3.20240514.0ubuntu0.22.04.1@2024-05-29",
    "3.20240910.0ubuntu0.22.04.1@2024-10-01!",
    "3.20241112.0ubuntu0.22.04.1@2024-11-28!",
  ),
  kubelet: numbered(KUBELET, "-1.1"),
  libarchive13: offers("3.6.0-1ubuntu1.1@2024-06-05", "3.6.0-1ubuntu1.3@2024-10-30"),
  libc6: offers("2.35-0ubuntu3.8@2024-05-31"),
  libcurl4: offers("7.81.0-1ubuntu1.17@2024-08-01", "7.81.0-1ubuntu1.18@2024-09-12", "7.81.0-1ubuntu1.19@2024-11-06"),
  libexpat1: offers("2.4.7-1ubuntu0.3@2024-03-14", "2.4.7-1ubuntu0.4@2024-09-11", "2.4.7-1ubuntu0.5@2024-11-21"),
  "libgssapi-krb5-2": offers("1.19.2-2ubuntu0.3@2023-11-01", "1.19.2-2ubuntu0.4@2024-08-08"),
  "libpython3.10-stdlib": offers(
    "3.10.12-1~22.04.5@2024-08-21",
    "3.10.12-1~22.04.6@2024-09-19",
    "3.10.12-1~22.04.7@2024-11-19",
  ),
  libssl3: offers("3.0.2-0ubuntu1.17@2024-07-31", "3.0.2-0ubuntu1.18@2024-09-03!"),
  "linux-firmware": offers(
    "20220329.git681281e4-0ubuntu3.33@2024-07-23",
    "20220329.git681281e4-0ubuntu3.35@2024-10-30!",
  ),
  "linux-generic": UBUNTU_KERNELS.map(({ packages, since }) => ({
    version: packages["linux-generic"] ?? "",
    since,
    reboot: true,
  })),
  "linux-image-generic": UBUNTU_KERNELS.map(({ packages, since }) => ({
    version: packages["linux-image-generic"] ?? "",
    since,
    reboot: true,
  })),
  "openssh-server": offers("1:8.9p1-3ubuntu0.10@2024-07-01"),
  openssl: offers("3.0.2-0ubuntu1.17@2024-07-31", "3.0.2-0ubuntu1.18@2024-09-03"),
  "python3.10": offers("3.10.12-1~22.04.5@2024-08-21", "3.10.12-1~22.04.6@2024-09-19", "3.10.12-1~22.04.7@2024-11-19"),
  snapd: offers("2.63+22.04@2024-06-06", "2.63+22.04ubuntu0.1@2024-08-01", "2.65.3+22.04@2024-10-21"),
  tzdata: offers("2024a-0ubuntu0.22.04.1@2024-03-18", "2024b-0ubuntu0.22.04@2024-11-11"),
  vim: offers(
    "2:8.2.3995-1ubuntu2.17@2024-07-10",
    "2:8.2.3995-1ubuntu2.19@2024-10-10",
    "2:8.2.3995-1ubuntu2.21@2024-11-19",
  ),
};

/** Installed everywhere and not updated in the period. */
const UBUNTU_STABLE = {
  apparmor: "3.0.4-2ubuntu2.4",
  bash: "5.1-6ubuntu1.1",
  bsdutils: "1:2.37.2-4ubuntu3.4",
  chrony: "4.2-2ubuntu2",
  coreutils: "8.32-4.1ubuntu1.2",
  dbus: "1.12.20-2ubuntu4.1",
  e2fsprogs: "1.46.5-2ubuntu1.2",
  gpgv: "2.2.27-3ubuntu2.1",
  iproute2: "5.15.0-1ubuntu2",
  iptables: "1.8.7-1ubuntu5.2",
  kmod: "29-1ubuntu1",
  libsystemd0: "249.11-0ubuntu3.12",
  needrestart: "3.5-5ubuntu2.2",
  rsyslog: "8.2112.0-2ubuntu2.2",
  sudo: "1.9.9-1ubuntu2.4",
  systemd: "249.11-0ubuntu3.12",
  udev: "249.11-0ubuntu3.12",
  "util-linux": "2.37.2-4ubuntu3.4",
  "xz-utils": "5.2.5-2ubuntu1",
  zlib1g: "1:1.2.11.dfsg-2ubuntu9.2",
};

function rockyKernel(build: string, date: string): KernelOffer {
  const version = `5.14.0-${build}.el9_4`;
  const packages = {
    kernel: version,
    "kernel-core": version,
    "kernel-modules": version,
    "kernel-modules-core": version,
  };
  return { release: `${version}.x86_64`, packages, since: `${date}T00:00:00Z` };
}

const ROCKY_KERNELS = [
  rockyKernel("427.28.1", "2024-08-05"),
  rockyKernel("427.33.1", "2024-09-03"),
  rockyKernel("427.40.1", "2024-10-16"),
  rockyKernel("427.42.1", "2024-11-01"),
];

const ROCKY_PACKAGES: Readonly<Record<string, readonly Offer[]>> = {
  bubblewrap: offers("0.4.1-6.el9@2023-05-01", "0.4.1-7.el9_4@2024-09-09"),
  "containerd.io": numbered(CONTAINERD, "-3.1.el9"),
  "cups-libs": offers("2.3.3op2-27.el9_4@2024-07-01", "2.3.3op2-27.el9_4.1@2024-10-03"),
  curl: offers("7.76.1-29.el9_4@2024-05-01", "7.76.1-29.el9_4.1@2024-08-26"),
  expat: offers("2.5.0-2.el9_4@2024-05-15", "2.5.0-2.el9_4.1@2024-09-19"),
  glibc: offers("2.34-100.el9_4.2@2024-05-23", "2.34-100.el9_4.3@2024-08-28!", "2.34-100.el9_4.4@2024-10-30!"),
  glib2: offers("2.68.4-14.el9_4.1@2024-08-01"),
  kernel: ROCKY_KERNELS.map(({ packages, since }) => ({ version: packages["kernel"] ?? "", since, reboot: true })),
  "krb5-libs": offers("1.21.1-1.el9@2023-11-01", "1.21.1-2.el9_4@2024-09-05", "1.21.1-2.el9_4.1@2024-11-05"),
  kubelet: numbered(KUBELET, "-150500.1.1"),
  libnghttp2: offers("1.43.0-5.el9_4.3@2024-06-01"),
  "openssh-server": offers("8.7p1-38.el9_4.4@2024-07-09"),
  openssl: offers("1:3.0.7-27.el9@2024-05-01", "1:3.0.7-28.el9_4@2024-09-17"),
  "openssl-libs": offers("1:3.0.7-27.el9@2024-05-01", "1:3.0.7-28.el9_4@2024-09-17!"),
  python3: offers("3.9.18-3.el9_4.1@2024-06-20", "3.9.18-3.el9_4.5@2024-08-28", "3.9.18-3.el9_4.6@2024-10-22"),
  "python3-setuptools": offers("53.0.0-12.el9@2023-05-01", "53.0.0-12.el9_4.1@2024-08-20"),
  systemd: offers("252-32.el9_4@2024-05-01", "252-32.el9_4.7@2024-09-17!"),
  "tpm2-tss": offers("3.2.2-2.el9@2023-11-01"),
  tzdata: offers("2024a-1.el9@2024-02-13", "2024b-2.el9@2024-10-14"),
  wget: offers("1.21.1-7.el9@2023-05-01", "1.21.1-8.el9_4@2024-09-05"),
};

const ROCKY_STABLE = {
  audit: "3.1.2-2.el9",
  bash: "5.1.8-9.el9",
  chrony: "4.5-1.el9",
  coreutils: "8.32-35.el9",
  "device-mapper": "9:1.02.197-2.el9",
  e2fsprogs: "1.46.5-5.el9",
  gnupg2: "2.3.3-4.el9",
  iproute: "6.2.0-6.el9_4",
  "iptables-nft": "1.8.10-4.el9_4",
  kmod: "28-9.el9",
  libxml2: "2.9.13-6.el9_4",
  NetworkManager: "1:1.46.0-13.el9_4",
  "rocky-release": "9.4-1.7.el9",
  rsyslog: "8.2310.0-4.el9",
  "selinux-policy": "38.1.35-2.el9_4.2",
  "sqlite-libs": "3.34.1-7.el9_3",
  sudo: "1.9.5p2-10.el9_3",
  "util-linux": "2.37.4-18.el9",
  xz: "5.2.5-8.el9_0",
  zlib: "1.2.11-40.el9",
};

function flatcarImage(version: string, kernel: string, containerd: string, date: string): ImageOffer {
  return {
    version,
    prettyName: `Flatcar Container Linux by Kinvolk ${version} (Oklo)`,
    kernel: `${kernel}-flatcar`,
    containerRuntime: `containerd://${containerd}`,
    digest: `sha256:${createHash("sha256").update(`flatcar-image ${version}`).digest("hex")}`,
    since: `${date}T00:00:00Z`,
  };
}

const FLATCAR_IMAGES = [
  flatcarImage("3815.2.5", "6.1.96", "1.7.15", "2024-07-02"),
  flatcarImage("3975.2.0", "6.6.43", "1.7.18", "2024-08-07"),
  flatcarImage("3975.2.1", "6.6.48", "1.7.18", "2024-09-05"),
  flatcarImage("3975.2.2", "6.6.54", "1.7.18", "2024-10-22"),
];

/** Everything that the machines of the sandbox's fleets can get. */
export function quickstartCatalogue(): Catalogue {
  const shared = { kubelet: KUBELET, containerRuntime: CONTAINERD };
  return {
    "ubuntu/22.04": { ...shared, packages: UBUNTU_PACKAGES, kernels: UBUNTU_KERNELS, images: [] },
    "rocky/9": {
      ...shared,
      packages: ROCKY_PACKAGES,
      kernels: ROCKY_KERNELS,
      images: [],
      releases: { "9.3": { until: "2024-05-09T00:00:00Z" }, "9.4": { until: "2024-11-19T00:00:00Z" } },
    },
    flatcar: { packages: {}, kernels: [], images: FLATCAR_IMAGES, kubelet: KUBELET, containerRuntime: [] },
  };
}

function oldest(packages: Readonly<Record<string, readonly Offer[]>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(packages).flatMap(([name, [first]]) => (first === undefined ? [] : [[name, first.version]])),
  );
}

/** A machine image of summer 2024, before every update that the catalogue has. */
export function oldImage(product: "ubuntu" | "rocky" | "flatcar"): MachineImage {
  switch (product) {
    case "ubuntu":
      return {
        family: "debian",
        osRelease: { id: "ubuntu", versionId: "22.04", prettyName: "Ubuntu 22.04.4 LTS" },
        kernel: "5.15.0-119-generic",
        kubelet: "1.31.0",
        containerRuntime: "containerd://1.7.20",
        packages: { ...UBUNTU_STABLE, ...oldest(UBUNTU_PACKAGES), ...UBUNTU_KERNELS[0]?.packages },
      };
    case "rocky":
      return {
        family: "rhel",
        osRelease: { id: "rocky", versionId: "9.4", prettyName: "Rocky Linux 9.4 (Blue Onyx)" },
        kernel: "5.14.0-427.28.1.el9_4.x86_64",
        kubelet: "1.31.0",
        containerRuntime: "containerd://1.7.20",
        packages: { ...ROCKY_STABLE, ...oldest(ROCKY_PACKAGES), ...ROCKY_KERNELS[0]?.packages },
      };
    case "flatcar":
      return {
        family: "flatcar",
        osRelease: {
          id: "flatcar",
          versionId: "3815.2.5",
          prettyName: "Flatcar Container Linux by Kinvolk 3815.2.5 (Oklo)",
        },
        kernel: "6.1.96-flatcar",
        kubelet: "1.31.0",
        containerRuntime: "containerd://1.7.15",
        packages: {},
      };
  }
}
