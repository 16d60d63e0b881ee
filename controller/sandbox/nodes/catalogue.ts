// What package sources have, and since when: the world outside the sandbox's machines. Plain data with one lookup.
// A snapshot id (as snapshot.ubuntu.com uses them) or a dated mirror shows the source as it was then; without one a
// machine sees what had been published by its own present time. A source never has what was published later.
import type { Instant } from "../../clock.ts";

/** One published version; lists are in publishing order, oldest first. */
export interface Offer {
  readonly version: string;
  readonly since: string;
  /** Its installation asks for a reboot. */
  readonly reboot?: true;
}

export interface KernelOffer {
  /** `uname -r`. */
  readonly release: string;
  /** Versions of the packages that bring it. */
  readonly packages: Readonly<Record<string, string>>;
  readonly since: string;
}

export interface ImageOffer {
  readonly version: string;
  readonly prettyName: string;
  readonly kernel: string;
  readonly containerRuntime: string;
  readonly digest: string;
  readonly since: string;
}

/** The source of one product, for example Ubuntu 22.04. */
export interface ProductSource {
  readonly packages: Readonly<Record<string, readonly Offer[]>>;
  readonly kernels: readonly KernelOffer[];
  readonly images: readonly ImageOffer[];
  readonly kubelet: readonly Offer[];
  readonly containerRuntime: readonly Offer[];
  /** Releases of the product (`9.4`) by which a mirror can be limited. */
  readonly releases?: Readonly<Record<string, { readonly until: string }>>;
}

/** By `<os-release ID>/<VERSION_ID or its first part>`, or by ID alone. */
export type Catalogue = Readonly<Record<string, ProductSource>>;

const EMPTY: ProductSource = { packages: {}, kernels: [], images: [], kubelet: [], containerRuntime: [] };

export function sourceOf(
  catalogue: Catalogue,
  osRelease: { readonly id: string; readonly versionId: string },
): ProductSource {
  const { id, versionId } = osRelease;
  const [major = ""] = versionId.split(".");
  return catalogue[`${id}/${versionId}`] ?? catalogue[`${id}/${major}`] ?? catalogue[id] ?? EMPTY;
}

/** Where a recipe says to look. */
export interface SourceChoice {
  readonly snapshot?: string | undefined;
  readonly mirror?: string | undefined;
  readonly releaseVersion?: string | undefined;
}

/**
 * The moment as of which a source is seen. A snapshot id that is no time (`YYYYMMDDTHHMMSSZ` or `YYYYMMDD`) is an error;
 * a mirror without a date in its path is seen as it is now.
 */
export function viewedAt(
  source: ProductSource,
  choice: SourceChoice,
  now: Instant,
): Instant | { readonly problem: string } {
  let at = now;
  if (choice.snapshot !== undefined && choice.snapshot !== "") {
    const time = parseStamp(choice.snapshot);
    if (time === undefined) return { problem: `snapshot "${choice.snapshot}" does not exist` };
    at = Math.min(at, time);
  } else if (choice.mirror !== undefined) {
    at = Math.min(at, parseStamp(choice.mirror) ?? now);
  }
  const { releaseVersion } = choice;
  if (releaseVersion === undefined || releaseVersion === "" || source.releases === undefined) return at;
  const release = source.releases[releaseVersion];
  if (release === undefined) return { problem: `release "${releaseVersion}" does not exist` };
  return Math.min(at, Date.parse(release.until));
}

function parseStamp(text: string): Instant | undefined {
  const match = /(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})Z)?/.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = "00", minute = "00", second = "00"] = match;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(time) ? undefined : time;
}

/** The part of a list that had been published. */
export function published<T extends { readonly since: string }>(
  offers: readonly T[] | undefined,
  at: Instant,
): readonly T[] {
  return (offers ?? []).filter(({ since }) => Date.parse(since) <= at);
}

/** Below 0 if `a` was published before `b`; a version that the list does not know counts as older than all. */
export function compareOffers(offers: readonly Offer[] | undefined, a: string, b: string): number {
  const place = (version: string): number => (offers ?? []).findIndex((offer) => offer.version === version);
  return place(a) - place(b);
}
