// The tracked branch as checks ask for it: what policy a commit holds, and whether one commit contains another. A commit never changes, so
// each is read once, however many checks share it.
import { loadAll } from "js-yaml";
import type { Instant } from "../../clock.ts";
import type { CommitFiles, GitHistory } from "./git-history.ts";

/** A document of policy, with the file that it stands in. */
export interface PolicyDocument {
  readonly kind: string;
  readonly name: string;
  readonly spec: unknown;
  readonly path: string;
}

/** Policy as a commit holds it. */
export interface PolicyAt {
  readonly time: Instant;
  /** `Kind/name` -> document. */
  readonly documents: ReadonlyMap<string, PolicyDocument>;
  /** Files that are no YAML. */
  readonly broken: ReadonlySet<string>;
}

export interface GitView {
  /** Undefined: the commit is not on the branch (any more). */
  readonly policy: (commit: string) => PolicyAt | undefined;
  /** The commit that a commit was made on; undefined: the first one, or unknown. */
  readonly parent: (commit: string) => string | undefined;
  /** Undefined: nobody knows. */
  readonly contains: (commit: string, ancestor: string) => boolean | undefined;
  /** Was the tracked head once, and may have been rewritten away. */
  readonly wasHead: (commit: string) => boolean;
  /** Whether a commit bears a signature that counts; undefined: nobody knows. */
  readonly isSigned: (commit: string) => boolean | undefined;
}

interface Raw {
  readonly kind?: unknown;
  readonly metadata?: { readonly name?: unknown };
  readonly spec?: unknown;
}

/** Documents of a file; undefined: it is no YAML. */
export function parseDocuments(text: string): readonly Raw[] | undefined {
  try {
    return (loadAll(text) as readonly unknown[]).filter((one): one is Raw => typeof one === "object" && one !== null);
  } catch {
    return undefined;
  }
}

function readPolicy(files: CommitFiles, time: Instant): PolicyAt {
  const documents = new Map<string, PolicyDocument>();
  const broken = new Set<string>();
  for (const [path, text] of files) {
    const found = parseDocuments(text);
    if (found === undefined) broken.add(path);
    for (const { kind, metadata, spec } of found ?? [])
      if (typeof kind === "string" && typeof metadata?.name === "string")
        documents.set(`${kind}/${metadata.name}`, { kind, name: metadata.name, spec, path });
  }
  return { time, documents, broken };
}

/** A view of a history. */
export function viewGit(git: GitHistory): GitView {
  const places = new Map(git.commits.map((commit, index) => [commit.id, index]));
  const read = new Map<string, PolicyAt>();
  const find = (id: string): { readonly time: Instant; readonly after: CommitFiles } | undefined =>
    git.commits[places.get(id) ?? -1] ?? git.find?.(id);
  return {
    policy(id) {
      const known = read.get(id);
      if (known !== undefined) return known;
      const commit = find(id);
      if (commit === undefined) return undefined;
      const policy = readPolicy(commit.after, commit.time);
      read.set(id, policy);
      return policy;
    },
    parent(id) {
      const place = places.get(id);
      return place === undefined ? git.parent?.(id) : git.commits[place - 1]?.id;
    },
    contains(id, ancestor) {
      if (id === ancestor) return true;
      const told = git.contains?.(id, ancestor);
      if (told !== undefined) return told;
      const [later, earlier] = [places.get(id), places.get(ancestor)];
      if (later !== undefined && earlier !== undefined) return earlier < later;
      // A head that is not on the line any more was rewritten away.
      return later !== undefined && git.former?.has(ancestor) === true ? false : undefined;
    },
    wasHead: (id) => git.former?.has(id) === true,
    isSigned: (id) => git.signatures?.get(id),
  };
}
