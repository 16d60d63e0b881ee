// What becomes of standard output and standard error when nobody takes what is written there. Whoever reads our answer may stop early (`| head`):
// that is no failure of ours, and the exit code stays the verdict's. An answer that could not be written otherwise (a full disk) is a failure,
// and never a stack. What cannot be complained of is not.
export interface StandardStreams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Ends the process. */
  readonly exit: (this: void, code: number) => unknown;
}

/** Listens for errors of both streams, as long as the process lives. */
export function guardStreams({ stdout, stderr, exit }: StandardStreams): void {
  stderr.on("error", () => undefined);
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED") return;
    stderr.write(`ringward: the answer could not be written: ${error.message}\n`);
    exit(2);
  });
}
