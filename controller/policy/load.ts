// Policy files to policy objects. Every document is judged by itself: what is broken becomes a finding that names the place and,
// where it can still be told, the object, and hides nothing else (G5). Content is data: nothing in it is rendered or followed.
// Pure; the same files give the same answer in the same order. Validators are compiled once and passed in.
import { findKind, KINDS } from "../api/kinds.ts";
import { LEVEL_DIGEST } from "../api/patch-level.ts";
import { API_VERSION, GROUP, type KindDefinition } from "../api/schema.ts";
import { closest } from "../api/suggest.ts";
import type { Validators } from "../api/validator.ts";
import { checkLevel } from "../core/levels/index.ts";
import type { PolicyFile } from "../git/port.ts";
import { type DocumentLimits, readDocuments, type SourceDocument } from "./documents.ts";
import { compareFindings, type Finding, findingAt, findingOf, type ObjectRef } from "./finding.ts";
import type { PolicyObject } from "./object.ts";
import { createSalvage } from "./salvage.ts";

export interface LoadInput {
  readonly files: readonly PolicyFile[];
  readonly validators: Validators;
  /** Folder of the policy in the repository; levels stand in its `levels/`. Empty: the root. */
  readonly path?: string;
  readonly limits?: Partial<DocumentLimits>;
}

export interface LoadedPolicy {
  /** By file, then by place. */
  readonly objects: readonly PolicyObject[];
  readonly problems: readonly Finding[];
}

/** Loads all policy objects of a snapshot. Never throws for what the files hold. */
export function loadPolicy({ files, validators, path = "", limits = {} }: LoadInput): LoadedPolicy {
  const objects: PolicyObject[] = [];
  const problems: Finding[] = [];
  const context: Context = {
    validators,
    levels: path === "" ? "levels/" : `${path.replace(/(?<!\/)\/+$/, "")}/levels/`,
  };
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))) {
    loadFile(file, limits, context, objects, problems);
  }
  const { kept, findings } = refuseDuplicates(objects);
  return { objects: kept, problems: [...problems, ...findings].sort(compareFindings) };
}

interface Context {
  readonly validators: Validators;
  /** Where levels may stand. */
  readonly levels: string;
}

function loadFile(
  file: PolicyFile,
  limits: Partial<DocumentLimits>,
  context: Context,
  objects: PolicyObject[],
  problems: Finding[],
): void {
  if (file.problem !== undefined) {
    const { code, message } = file.problem;
    problems.push({ severity: "error", file: file.path, line: 1, column: 1, path: "", code, message, hint: "" });
    return;
  }
  // A repository may hold other YAML, in dialects that policy refuses. Only text that speaks of our group is policy; what
  // cannot be read elsewhere is noted, because the path may have held policy before.
  const ours = file.text.includes(GROUP);
  const { documents, problems: unread } = readDocuments(file.path, file.text, limits);
  const salvage = createSalvage(file.text);
  for (const problem of unread)
    problems.push(findingOf(problem, ours ? "error" : "note", salvage(problem.line, problem.column)));
  const holdsPolicy = documents.some(isOfGroup);
  for (const document of documents) {
    const loaded = loadDocument(document, context, holdsPolicy);
    if (loaded.object !== undefined) objects.push(loaded.object);
    problems.push(...loaded.problems);
  }
}

interface LoadedDocument {
  readonly object?: PolicyObject;
  readonly problems: readonly Finding[];
}

function isOfGroup(document: SourceDocument): boolean {
  const { apiVersion } = document.value;
  return typeof apiVersion === "string" && (apiVersion === GROUP || apiVersion.startsWith(`${GROUP}/`));
}

function loadDocument(document: SourceDocument, context: Context, holdsPolicy: boolean): LoadedDocument {
  const ref = refOf(document);
  if (!isOfGroup(document)) return { problems: judgeStranger(document, ref, holdsPolicy) };
  const kind = document.value["kind"];
  const definition = typeof kind === "string" ? findKind(kind) : undefined;
  const wrong = judgeHeader(document, ref, definition);
  if (wrong !== undefined || definition === undefined) return { problems: wrong === undefined ? [] : [wrong] };
  const { problems, value } = context.validators.closed(definition, document.value);
  if (problems.length > 0) {
    return {
      problems: problems.map((problem) =>
        findingAt("error", document, ref, problem.pointer, problem, problem.atKey ? "key" : "value"),
      ),
    };
  }
  return finish(document, definition, value, context);
}

/** A document of another group, or of none. */
function judgeStranger(document: SourceDocument, ref: ObjectRef | undefined, holdsPolicy: boolean): Finding[] {
  const { apiVersion, kind } = document.value;
  // One of our kinds under a group that is nearly ours is a slip, and would be a policy that does nothing.
  if (typeof kind === "string" && findKind(kind) !== undefined) {
    const message =
      typeof apiVersion === "string"
        ? `${kind} is not of ${JSON.stringify(apiVersion)}`
        : `${kind} needs an apiVersion`;
    const text = { code: "UnknownVersion", message, hint: `write ${API_VERSION}` };
    return [findingAt("error", document, ref, ["apiVersion"], text)];
  }
  if (!holdsPolicy) return [];
  // Never String(): an object's own `toString` need not be a function.
  const group = typeof apiVersion === "string" ? apiVersion : JSON.stringify(apiVersion);
  const what = typeof kind === "string" ? `${kind} of ${group?.slice(0, 100) ?? "no group"}` : "this document";
  const text = {
    code: "NotPolicy",
    message: `${what} is none of Ringward's and is ignored`,
    hint: "keep it in a file of its own",
  };
  return [findingAt("warning", document, ref, [], text)];
}

/** Group version and kind, and whether people may write it in policy content. */
function judgeHeader(
  document: SourceDocument,
  ref: ObjectRef | undefined,
  definition: KindDefinition | undefined,
): Finding | undefined {
  const { apiVersion, kind } = document.value;
  if (definition === undefined) {
    const guess =
      typeof kind === "string"
        ? closest(
            kind,
            KINDS.map((known) => known.kind),
          )
        : undefined;
    const message =
      kind === undefined ? 'field "kind" is required' : `there is no kind ${JSON.stringify(kind)} in ${GROUP}`;
    const hint =
      guess === undefined ? `there are ${KINDS.map((known) => known.kind).join(", ")}` : `did you mean "${guess}"?`;
    return findingAt("error", document, ref, ["kind"], { code: "UnknownKind", message, hint });
  }
  if (apiVersion !== API_VERSION) {
    const message = `there is no version ${JSON.stringify(apiVersion)} of ${definition.kind}`;
    return findingAt("error", document, ref, ["apiVersion"], {
      code: "UnknownVersion",
      message,
      hint: `write ${API_VERSION}`,
    });
  }
  if (definition.authoredIn === "Cluster" || definition.authoredIn === "Observed") {
    const hint =
      definition.authoredIn === "Cluster"
        ? "apply it with kubectl or the chart; no repository may say this"
        : "remove it: Ringward writes it into the cluster";
    const text = { code: "KindNotAllowed", message: `a ${definition.kind} cannot stand in policy content`, hint };
    return findingAt("error", document, ref, ["kind"], text);
  }
  return undefined;
}

function finish(
  document: SourceDocument,
  definition: KindDefinition,
  value: Readonly<Record<string, unknown>>,
  context: Context,
): LoadedDocument {
  const { name } = document.value["metadata"] as { readonly name: string };
  const loaded = {
    kind: definition.kind,
    name,
    object: document.value,
    spec: value["spec"],
    document,
    file: document.path,
    line: document.line,
    // The validator has just proved the shape; this is where unknown data becomes typed.
  } as unknown as PolicyObject;
  if (loaded.kind === "PatchLevel") return judgeLevel(loaded, context);
  if (loaded.kind === "UpdateRecipe") return judgeRecipe(loaded);
  return { object: loaded, problems: [] };
}

/**
 * A recipe stands in a folder `recipes/` only, wherever that is: merging one is root on nodes, so the folder has owners of its own, and
 * whoever may write elsewhere must not bring one past them.
 */
function judgeRecipe(recipe: Extract<PolicyObject, { kind: "UpdateRecipe" }>): LoadedDocument {
  if (/(?:^|\/)recipes\//.test(recipe.file)) return { object: recipe, problems: [] };
  const text = {
    code: "RecipeMisplaced",
    message: "an UpdateRecipe may only stand in a folder recipes/, which has owners of its own",
    hint: "move it there",
  };
  return { problems: [findingAt("error", recipe.document, { kind: recipe.kind, name: recipe.name }, ["kind"], text)] };
}

/** A level stands in `levels/` only, and its name is made from its content. One that disagrees is kept, and never used. */
function judgeLevel(level: Extract<PolicyObject, { kind: "PatchLevel" }>, context: Context): LoadedDocument {
  const ref = { kind: level.kind, name: level.name };
  if (!level.file.startsWith(context.levels) && !level.file.includes("/levels/")) {
    const text = {
      code: "LevelMisplaced",
      message: `a PatchLevel may only stand under ${context.levels}`,
      hint: "let Ringward write levels; name them in a ring's spec.levels",
    };
    return { problems: [findingAt("error", level.document, ref, ["kind"], text)] };
  }
  const mismatch = checkLevel(level.name, level.spec, level.object.metadata.annotations?.[LEVEL_DIGEST]);
  if (mismatch === undefined) return { object: level, problems: [] };
  const text = { code: "LevelDigestMismatch", message: mismatch };
  return {
    object: { ...level, mismatch },
    problems: [findingAt("error", level.document, ref, ["metadata", "name"], text)],
  };
}

function refOf(document: SourceDocument): ObjectRef | undefined {
  const { kind, metadata } = document.value;
  const name =
    typeof metadata === "object" && metadata !== null ? (metadata as Record<string, unknown>)["name"] : undefined;
  return typeof kind === "string" && typeof name === "string" ? { kind, name } : undefined;
}

/** Two objects of one kind and name: nobody can say which is meant, so neither is in force. */
function refuseDuplicates(objects: readonly PolicyObject[]): { kept: PolicyObject[]; findings: Finding[] } {
  const byKey = new Map<string, PolicyObject[]>();
  for (const object of objects) {
    const key = `${object.kind}/${object.name}`;
    const group = byKey.get(key);
    if (group === undefined) byKey.set(key, [object]);
    else group.push(object);
  }
  const doubles = [...byKey.values()].filter((group) => group.length > 1);
  const findings = doubles.flatMap((group) =>
    group.map((object, index) => {
      const other = group[index === 0 ? 1 : 0];
      const text = {
        code: "DuplicateObject",
        message: `${object.kind} "${object.name}" stands here and at ${other?.file ?? ""}:${other?.line ?? 0}`,
        hint: "keep one; until then neither is in force",
      };
      return findingAt("error", object.document, { kind: object.kind, name: object.name }, ["metadata", "name"], text);
    }),
  );
  const refused = new Set(doubles.flat());
  return { kept: objects.filter((object) => !refused.has(object)), findings };
}
