// Errors by what happens next, not by where they came from (the idea is Flux's internal/error):
//   UserError  a person must act: stall, tell them, exit code 2 without a stack
//   WaitError  come back at a known time
//   everything else is a bug or an outage: back off and try again
// Codes are stable (`RW….`) and documented in docs/errors.md.

/** A person's fault, or something that only a person can mend. `hint` says what to do. */
export class UserError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  constructor(code: string, message: string, hint?: string) {
    super(hint === undefined ? message : `${message} (${hint})`);
    this.name = "UserError";
    this.code = code;
    this.hint = hint;
  }
}

/** Nothing is wrong; try again after `retryAfterMs` milliseconds. */
export class WaitError extends Error {
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.name = "WaitError";
    this.retryAfterMs = retryAfterMs;
  }
}
