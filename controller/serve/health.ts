// Answers of health endpoints, in the form that Kubernetes' own have: one line for each check, and the status says whether all hold. Pure.
import type { Answer } from "./pages.ts";

export interface CheckResult {
  readonly ok: boolean;
  /** One line: what is so, or why not. */
  readonly says: string;
}

export interface Check {
  readonly name: string;
  /** Answers at once, from what is known. */
  readonly run: () => CheckResult;
}

/** 200 when every check holds, else 503; the body says which do, and why not. A check that throws does not hold. */
export function answerChecks(endpoint: string, checks: readonly Check[]): Answer {
  const results = checks.map(({ name, run }) => ({ name, ...attempt(run) }));
  const ok = results.every((result) => result.ok);
  const lines = results.map((result) =>
    result.ok ? `[+]${result.name} ok: ${oneLine(result.says)}` : `[-]${result.name} failed: ${oneLine(result.says)}`,
  );
  return {
    status: ok ? 200 : 503,
    contentType: "text/plain; charset=utf-8",
    body: [...lines, `${endpoint} check ${ok ? "passed" : "failed"}`, ""].join("\n"),
  };
}

function attempt(run: Check["run"]): CheckResult {
  try {
    return run();
  } catch (error) {
    return { ok: false, says: error instanceof Error ? error.message : String(error) };
  }
}

/** What is said may come from a repository or a server. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ").slice(0, 500);
}
