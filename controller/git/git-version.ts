// Refuses a git whose known holes (the fixes of May 2024: CVE-2024-32002, -32004, -32020, -32021, -32465) are open.
import { UserError } from "../errors.ts";

/** The first patched release of each line; lines after the last are fine. */
const patched: readonly (readonly [number, number, number])[] = [
  [2, 39, 4],
  [2, 40, 2],
  [2, 41, 1],
  [2, 42, 2],
  [2, 43, 4],
  [2, 44, 1],
  [2, 45, 1],
];

/** Checks what `git version` printed. Throws UserError RW1109. */
export function checkGitVersion(output: string): void {
  const match = /^git version (\d+)\.(\d+)(?:\.(\d+))?/.exec(output);
  const [major, minor, patch] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3] ?? 0)];
  const line = patched.find((version) => version[0] === major && version[1] === minor);
  const fine = match !== null && (major > 2 || (major === 2 && minor > 45) || (line !== undefined && patch >= line[2]));
  if (!fine)
    throw new UserError(
      "RW1109",
      `${output.trim().slice(0, 60) || "git"}: this git has known security holes`,
      "install git 2.45.1 or later (or 2.39.4 and the patched releases between)",
    );
}
