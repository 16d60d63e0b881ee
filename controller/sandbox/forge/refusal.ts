// What the forge refuses, with GitHub's status and words.

export class Refusal extends Error {
  readonly status: number;
  readonly errors: readonly Record<string, string>[];
  constructor(status: number, message: string, errors: readonly Record<string, string>[] = []) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.errors = errors;
  }
}

/** A request that makes no sense. */
export function invalid(error: Record<string, string>): Refusal {
  return new Refusal(422, "Validation Failed", [error]);
}

const bodyLimit = 65_536;
const titleLimit = 256;

/** Titles and bodies as GitHub bounds them. Throws Refusal. */
export function checkTexts(title: string | undefined, body: string | undefined, resource = "PullRequest"): void {
  if (title !== undefined && title.trim() === "") throw invalid({ resource, code: "missing_field", field: "title" });
  if (title !== undefined && title.length > titleLimit)
    throw invalid({
      resource,
      code: "custom",
      field: "title",
      message: `title is too long (maximum is ${titleLimit} characters)`,
    });
  if (body !== undefined && body.length > bodyLimit)
    throw invalid({
      resource: "Issue",
      code: "custom",
      field: "body",
      message: `body is too long (maximum is ${bodyLimit} characters)`,
    });
}
