// A policy's files and findings as a rehearsal takes them. Pure.
import type { PolicyFiles } from "../core/rehearsal/changes.ts";
import type { ValidationLine } from "../core/rehearsal/index.ts";
import { findBroken } from "./broken.ts";
import type { Finding } from "./finding.ts";
import type { LoadedPolicy } from "./load.ts";
import type { PolicyObject } from "./object.ts";

/** What the files hold. `previous`: what stood there before, which tells what a file that cannot be read held. */
export function filesOf(loaded: LoadedPolicy, previous: readonly PolicyObject[]): PolicyFiles {
  return { objects: loaded.objects, broken: new Set(findBroken(loaded, previous).reasons.keys()) };
}

/** Errors and warnings of head; new ones are those that base does not have, wherever in the file they stand. */
export function compareWithBase(head: readonly Finding[], base: readonly Finding[]): readonly ValidationLine[] {
  const key = ({ file, path, code, message }: Finding): string => JSON.stringify([file, path, code, message]);
  const known = new Set(base.map(key));
  return head.flatMap((finding) => {
    const { severity, file, line, column, path, message, hint } = finding;
    if (severity === "note") return [];
    const text = `${path === "" ? "" : `${path}: `}${message}${hint === "" ? "" : ` (${hint})`}`;
    return [{ severity, place: `${file}:${line}:${column}`, message: text, isNew: !known.has(key(finding)) }];
  });
}
