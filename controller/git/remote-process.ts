// One git process that speaks with the server, through simple-git: with the environment that it is given and no other, ended when it falls silent or
// when its signal says so. A non-zero exit code is always a GitExit, whatever was printed.
import "./no-debug.ts";
import { GitPluginError, simpleGit } from "simple-git";
import { GitExit } from "./git-process.ts";

export interface RemoteProcess {
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Milliseconds without output after which it is stopped. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** Answers its standard output. Throws GitExit, or Error where it was stopped or could not start. */
export async function runSimpleGit({
  args,
  directory,
  environment,
  silenceMs,
  signal,
}: RemoteProcess): Promise<string> {
  let exit: GitExit | undefined;
  const git = simpleGit({
    baseDir: directory,
    maxConcurrentProcesses: 1,
    timeout: { block: silenceMs },
    abort: signal,
    completion: { onClose: true, onExit: false },
    // The guards would refuse our own settings; each exception is one that create-git.ts sets itself.
    allowEnvironment: Object.keys(environment).filter((key) => /^(?:GIT|SSH)_/.test(key)),
    unsafe: {
      allowUnsafeConfigEnvCount: true,
      allowUnsafeConfigPaths: true,
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeAskPass: true,
      allowUnsafeSshCommand: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeProtocolOverride: true,
    },
    // simple-git rejects only when stderr is not empty; the exit code is what counts. It also turns any error that it is given
    // into one with a text alone, so the code is kept beside it.
    errors: (error, result) => {
      if (result.exitCode <= 0) return error;
      exit = new GitExit(
        args[0] ?? "",
        result.exitCode,
        Buffer.concat(result.stdOut).toString("utf8"),
        Buffer.concat(result.stdErr).toString("utf8"),
      );
      return exit;
    },
  }).env(environment);
  try {
    return await git.raw([...args]);
  } catch (error) {
    if (error instanceof GitPluginError && error.plugin === "timeout")
      throw new Error(`git ${args[0] ?? ""} was stopped: nothing was heard for ${Math.round(silenceMs / 1000)} s`, {
        cause: error,
      });
    throw exit ?? error;
  }
}
