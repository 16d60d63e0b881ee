// What `ringward init` has to know, asked of a person or given by flags: each question with its flag, its default, and what an answer means.
// An answer that is none says what one looks like. Pure.
import type { Product } from "../../api/patch-baseline.ts";
import { parseCron } from "../../core/calendar/cron.ts";
import { zoneOf } from "../../core/calendar/zone.ts";
import { parseImage } from "../../core/compliance/image-reference.ts";
import { parseDuration } from "../../core/duration.ts";
import { UserError } from "../../errors.ts";

export interface Answers {
  readonly clusterName: string;
  readonly products: readonly StartProduct[];
  readonly rings: readonly string[];
  readonly soak: string;
  readonly timeZone: string;
  readonly window: string;
  readonly duration: string;
  readonly images: readonly StartImage[];
  readonly owners: string;
  readonly recipeOwners: string;
  /** Undefined: the recipes keep their placeholder, and a person puts it in. */
  readonly recipeImage: string | undefined;
}

/** An operating system that there is a recipe for. */
export interface StartProduct extends Product {
  readonly recipe: string;
  /** As it was asked for: `9.5` of Rocky Linux 9. */
  readonly release: string | undefined;
}

export interface StartImage {
  readonly repository: string;
  readonly tag: string;
}

/** Recipes to start from, by the ID of os-release(5). */
const RECIPES: Readonly<Record<string, { readonly recipe: string; readonly needsRelease: boolean }>> = {
  debian: { recipe: "apt-debian", needsRelease: false },
  ubuntu: { recipe: "apt-ubuntu", needsRelease: false },
  rocky: { recipe: "dnf", needsRelease: true },
  sles: { recipe: "zypper", needsRelease: true },
};

export interface Question {
  readonly flag: string;
  readonly ask: string;
  /** Taken where nothing is answered. */
  readonly otherwise: string;
  /** Throws UserError for what is no answer. */
  readonly take: (text: string) => unknown;
}

function refuse(flag: string, text: string, hint: string): UserError {
  return new UserError("RW0230", `--${flag} ${JSON.stringify(text.slice(0, 100))} is not understood`, hint);
}

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const OWNER = /^@[A-Za-z0-9][A-Za-z0-9-]*(\/[A-Za-z0-9._-]+)?$/;

function takeList<T>(text: string, take: (one: string) => T): readonly T[] {
  return text
    .split(/[,\s]+/)
    .filter((one) => one !== "")
    .map(take);
}

function takeProduct(text: string): StartProduct {
  const [id = "", release] = text.split("=");
  const known = Object.hasOwn(RECIPES, id) ? RECIPES[id] : undefined;
  if (known === undefined)
    throw refuse(
      "product",
      text,
      `one of ${Object.keys(RECIPES).join(", ")}, as ID=RELEASE; others need a recipe of your own`,
    );
  if (release !== undefined && !/^[0-9]{1,4}(\.[0-9]{1,4}){0,2}$/.test(release))
    throw refuse("product", text, "a release is numbers with dots, as in ubuntu=24.04 or rocky=9.5");
  if (release === undefined && known.needsRelease)
    throw refuse(
      "product",
      text,
      `name the release that ${id} is held to, as in ${id}=${id === "sles" ? "15.6" : "9.5"}`,
    );
  const versionId = known.needsRelease ? release?.split(".")[0] : release;
  return { id, recipe: known.recipe, release, ...(versionId === undefined ? {} : { versionId }) };
}

function takeRing(text: string): string {
  if (!NAME.test(text))
    throw refuse("rings", text, "names of small letters, digits and dashes, as in canary,early,broad");
  return text;
}

function takeImage(text: string): StartImage {
  const image = parseImage(text);
  if (image?.tag === undefined || image.digest !== undefined || !/:[^/:]+$/.test(text))
    throw refuse("image", text, "a repository and a tag, as in registry.example.com/shop/web:1.4.2");
  return { repository: image.repository, tag: image.tag };
}

function check(flag: string, fits: (text: string) => boolean, hint: string): (text: string) => string {
  return (text) => {
    if (!fits(text)) throw refuse(flag, text, hint);
    return text;
  };
}

const unique = (flag: string, list: readonly string[], text: string): void => {
  if (list.length === 0 || new Set(list).size < list.length) throw refuse(flag, text, "at least one, each once");
};

/** All questions, in the order in which they are asked. */
export const QUESTIONS = {
  clusterName: {
    flag: "cluster-name",
    ask: "Name of the cluster",
    otherwise: "cluster",
    take: check("cluster-name", (text) => NAME.test(text), "small letters, digits and dashes"),
  },
  products: {
    flag: "product",
    ask: `Operating systems of the nodes (${Object.keys(RECIPES).join(", ")}; as ubuntu=24.04 rocky=9.5)`,
    otherwise: "ubuntu=24.04",
    take: (text: string) => {
      const list = takeList(text, takeProduct);
      unique(
        "product",
        list.map(({ id }) => id),
        text,
      );
      return list;
    },
  },
  rings: {
    flag: "rings",
    ask: "Rings, in order",
    otherwise: "canary,early,broad",
    take: (text: string) => {
      const list = takeList(text, takeRing);
      unique("rings", list, text);
      return list;
    },
  },
  soak: {
    flag: "soak",
    ask: "How long a ring is watched before the next may start",
    otherwise: "24h",
    take: check("soak", (text) => parseDuration(text) !== undefined, "a number and a unit, as in 90m, 24h or 7d"),
  },
  timeZone: {
    flag: "time-zone",
    ask: "Time zone of the maintenance window",
    otherwise: "UTC",
    take: check("time-zone", (text) => zoneOf(text) !== undefined, "an IANA time zone, as in Europe/Berlin"),
  },
  window: {
    flag: "window",
    ask: "When the window opens (cron, five fields)",
    otherwise: "0 22 * * 1-5",
    take: check("window", (text) => typeof parseCron(text) !== "string", "five fields of cron, as in 0 22 * * 1-5"),
  },
  duration: {
    flag: "duration",
    ask: "How long it stays open",
    otherwise: "4h",
    take: check("duration", (text) => (parseDuration(text) ?? 0) > 0, "a number and a unit, as in 4h"),
  },
  images: {
    flag: "image",
    ask: "Images that must be of one version (repository:tag; none: empty)",
    otherwise: "",
    take: (text: string) => takeList(text, takeImage),
  },
  owners: {
    flag: "owners",
    ask: "Who reviews policy (CODEOWNERS)",
    otherwise: "@example/platform",
    take: check("owners", (text) => OWNER.test(text), "a person or team of the forge, as in @example/platform"),
  },
  recipeOwners: {
    flag: "recipe-owners",
    ask: "Who reviews recipes and levels: merging one is root on nodes",
    otherwise: "@example/platform-security",
    take: check("recipe-owners", (text) => OWNER.test(text), "a person or team of the forge, as in @example/security"),
  },
  recipeImage: {
    flag: "recipe-image",
    ask: "Image that recipes run in, by digest (anything with sh and chroot; later: empty)",
    otherwise: "",
    take: (text: string) => {
      if (text === "") return undefined;
      if (!/^[^@\s]+@sha256:[0-9a-f]{64}$/.test(text))
        throw refuse("recipe-image", text, "an image by digest, as in registry.example.com/library/busybox@sha256:…");
      return text;
    },
  },
} as const satisfies Readonly<Record<keyof Answers, Question>>;
