// The inventory report: what a recipe's `inventory` step prints on a node and Ringward reads back from the job's log.
// The text is framed, compressed and carries a checksum, because a log can be cut, mixed with other output, or hostile:
// anything that is not a whole, correct report is a named problem (Unknown), never an empty inventory.
//
//   ringward-inventory/v1
//   <base64 of gzip(JSON), lines of at most 76 characters>
//   ringward-inventory-end sha256:<hex of the compressed bytes> <number of compressed bytes>
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";

/** What a node says about itself. Times are not in it: the reader knows when it read. */
export interface InventoryReport {
  /** From os-release(5): ID, VERSION_ID, PRETTY_NAME. */
  readonly osRelease: { readonly id: string; readonly versionId: string; readonly prettyName?: string };
  /** `uname -r`, and the releases that are installed and could be booted. */
  readonly kernel: { readonly running: string; readonly installed: readonly string[] };
  /** Installed packages and the order their versions follow. */
  readonly packages: { readonly scheme: "dpkg" | "rpm" | "apk"; readonly installed: readonly PackageVersion[] };
  /** Versions that the node's own package source offers and that are newer than the installed ones. */
  readonly offered: readonly PackageVersion[];
  /** Whether the system asks for a reboot, with what it names as the cause. */
  readonly reboot: { readonly required: boolean; readonly causes: readonly string[] };
}

export interface PackageVersion {
  readonly name: string;
  readonly version: string;
}

export type ReportResult =
  | { readonly ok: true; readonly report: InventoryReport }
  | {
      readonly ok: false;
      readonly reason: "InventoryMissing" | "InventoryTruncated" | "InventoryMalformed";
      readonly message: string;
    };

const HEAD = "ringward-inventory/v1";
const END = /^ringward-inventory-end sha256:([0-9a-f]{64}) (\d{1,9})$/;
/** Compressed bytes. A full package list of 5,000 names compresses to about 100 kB. */
const MAX_COMPRESSED = 1024 * 1024;
const MAX_JSON = 16 * 1024 * 1024;
const MAX_PACKAGES = 20_000;

/** The framed text that a recipe prints. */
export function encodeReport(report: InventoryReport): string {
  const bytes = gzipSync(Buffer.from(JSON.stringify(report), "utf8"));
  const body = bytes.toString("base64").replace(/.{1,76}/g, "$&\n");
  const digest = createHash("sha256").update(bytes).digest("hex");
  return `${HEAD}\n${body}ringward-inventory-end sha256:${digest} ${bytes.length}\n`;
}

/** Finds the last whole report in a log. Lines before, between and after that do not belong to it are ignored. */
export function parseReport(log: string): ReportResult {
  const lines = log.split(/\r?\n/);
  const start = lines.lastIndexOf(HEAD);
  if (start < 0) return problem("InventoryMissing", "the job's log holds no inventory report");
  const body: string[] = [];
  for (const line of lines.slice(start + 1)) {
    const end = END.exec(line);
    if (end !== null) return decode(body.join(""), end[1] ?? "", Number(end[2]));
    if (/^[A-Za-z0-9+/]{1,76}={0,2}$/.test(line)) body.push(line);
  }
  return problem("InventoryTruncated", "the job's log ends before the end of the inventory report");
}

function decode(base64: string, digest: string, size: number): ReportResult {
  const bytes = Buffer.from(base64, "base64");
  if (size > MAX_COMPRESSED)
    return problem("InventoryMalformed", `the inventory report is over ${MAX_COMPRESSED} bytes`);
  if (bytes.length !== size)
    return problem("InventoryTruncated", `the inventory report has ${bytes.length} of ${size} bytes`);
  if (createHash("sha256").update(bytes).digest("hex") !== digest)
    return problem("InventoryMalformed", "the inventory report does not match its checksum");
  try {
    const value: unknown = JSON.parse(gunzipSync(bytes, { maxOutputLength: MAX_JSON }).toString("utf8"));
    return isReport(value)
      ? { ok: true, report: onlyKnown(value) }
      : problem("InventoryMalformed", "the inventory report lacks required fields");
  } catch (error) {
    return problem("InventoryMalformed", `the inventory report cannot be read: ${(error as Error).message}`);
  }
}

/** What we know of it and nothing more: a member that nobody asked for could be as large or as deep as its writer liked. */
function onlyKnown({ osRelease, kernel, packages, offered, reboot }: InventoryReport): InventoryReport {
  const plain = ({ name, version }: PackageVersion): PackageVersion => ({ name, version });
  const { id, versionId, prettyName } = osRelease;
  return {
    osRelease: { id, versionId, ...(typeof prettyName === "string" ? { prettyName } : {}) },
    kernel: { running: kernel.running, installed: kernel.installed },
    packages: { scheme: packages.scheme, installed: packages.installed.map(plain) },
    offered: offered.map(plain),
    reboot: { required: reboot.required, causes: reboot.causes },
  };
}

function problem(
  reason: "InventoryMissing" | "InventoryTruncated" | "InventoryMalformed",
  message: string,
): ReportResult {
  return { ok: false, reason, message };
}

function isReport(value: unknown): value is InventoryReport {
  if (typeof value !== "object" || value === null) return false;
  const { osRelease, kernel, packages, offered, reboot } = value as Record<string, Record<string, unknown> | undefined>;
  return (
    typeof osRelease?.["id"] === "string" &&
    typeof osRelease["versionId"] === "string" &&
    typeof kernel?.["running"] === "string" &&
    isStrings(kernel["installed"]) &&
    ["dpkg", "rpm", "apk"].some((scheme) => scheme === packages?.["scheme"]) &&
    isPackages(packages?.["installed"]) &&
    isPackages(offered) &&
    typeof reboot?.["required"] === "boolean" &&
    isStrings(reboot["causes"])
  );
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_PACKAGES && value.every((item) => typeof item === "string");
}

function isPackages(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= MAX_PACKAGES &&
    value.every((item: unknown) => {
      const { name, version } = (item ?? {}) as Record<string, unknown>;
      return typeof name === "string" && typeof version === "string" && name.length <= 256 && version.length <= 256;
    })
  );
}
