// What paths held when they could be read: who used that starts nothing new while they cannot (G5). Read from history, and only for what
// broke since the head before.
import type { CommitSha, GitSnapshot, PolicyGit } from "../git/port.ts";
import type { LoadedPolicy } from "../policy/load.ts";
import type { PolicyObject } from "../policy/object.ts";

/**
 * How many changes of a broken path are looked at for a good one. What does not look like policy may never have been any, and there may be
 * many such files.
 */
const CHANGES_BACK = { error: 20, note: 4 } as const;

/** What a path held when it could be read; it cannot since it holds `blob`. */
export interface LastGood {
  readonly blob: string;
  readonly severity: "error" | "note";
  readonly objects: readonly PolicyObject[];
}

/**
 * What each path that cannot be read now held when it could: who used that starts nothing new (G5). A path that is as broken as it was at
 * the commit before is not looked up again: there may be thousands of files that are none of ours.
 */
export async function readLastGood(
  git: PolicyGit,
  { snapshot, loaded }: { readonly snapshot: GitSnapshot; readonly loaded: LoadedPolicy },
  known: ReadonlyMap<string, LastGood>,
  load: (files: GitSnapshot["files"]) => LoadedPolicy,
): Promise<ReadonlyMap<string, LastGood>> {
  const broken = new Map<string, "error" | "note">();
  for (const { file, severity } of loaded.problems)
    if (severity !== "warning" && broken.get(file) !== "error") broken.set(file, severity);
  const blobs = new Map(snapshot.files.map(({ path, blob }) => [path, blob]));
  const found = new Map<string, LastGood>();
  for (const [file, severity] of [...broken].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const blob = blobs.get(file) ?? "";
    const same = known.get(file);
    if (same !== undefined && same.blob === blob && same.severity === severity) found.set(file, same);
    else found.set(file, { blob, severity, objects: await lookBack(git, snapshot.commit, file, severity, load) });
  }
  return found;
}

/** What a path held at the newest commit at which it could be read. */
async function lookBack(
  git: PolicyGit,
  head: CommitSha,
  file: string,
  severity: "error" | "note",
  load: (files: GitSnapshot["files"]) => LoadedPolicy,
): Promise<readonly PolicyObject[]> {
  let at: CommitSha | undefined = head;
  for (let change = 0; change < CHANGES_BACK[severity] && at !== undefined; change += 1) {
    const last: { readonly commit: CommitSha } | undefined = await git.lastChange(at, file);
    at = last === undefined ? undefined : await git.parent(last.commit);
    if (at === undefined) break;
    const folder = file.includes("/") ? file.slice(0, file.lastIndexOf("/")) : "";
    const before = load((await git.read(at, folder)).files.filter((other) => other.path === file));
    if (before.objects.length > 0 && before.problems.every((problem) => problem.severity === "warning"))
      return before.objects;
  }
  return [];
}
