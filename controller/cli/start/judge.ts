// What `ringward validate` would say of files that are not written yet.
import { createValidators } from "../../api/validator.ts";
import type { Instant } from "../../clock.ts";
import { UserError } from "../../errors.ts";
import { looksLikePolicy } from "../../git/snapshot-files.ts";
import { formatFinding } from "../../policy/finding.ts";
import { loadPolicy } from "../../policy/load.ts";
import { validatePolicy } from "../../policy/validate.ts";
import type { Files } from "./repository.ts";

/** Errors and warnings, a line each. */
export function judgeFiles(files: Files, now: Instant): readonly string[] {
  const policy = [...files].filter(([path]) => looksLikePolicy(path));
  const loaded = loadPolicy({
    files: policy.map(([path, text]) => ({ path, blob: path, text })),
    validators: createValidators(),
  });
  const found = validatePolicy(loaded.objects, { now, broken: [] });
  return [...loaded.problems, ...found].filter(({ severity }) => severity !== "note").map(formatFinding);
}

/** Throws UserError where there is a finding: nothing is written that validate would not let pass. */
export function mustBeFine(files: Files, now: Instant): void {
  const findings = judgeFiles(files, now);
  if (findings.length === 0) return;
  throw new UserError("RW0234", findings.join("; "), "give other answers; nothing was written");
}
