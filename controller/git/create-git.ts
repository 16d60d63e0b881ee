// The one place where git is set up. `createGit()` gives two ways to run it on one bare object store: `remote` (network: simple-git,
// with credentials, one at a time) and `local` (plumbing on the store: no network, no credentials).
// Must never: read a person's or the machine's git configuration, run a hook, ask a question, follow an unlisted protocol or a
// redirect, put a secret into argv, a file or an error. simple-git's own blocks are a safety net, not the validation (url.ts is).
import { mkdir } from "node:fs/promises";

import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import { redact } from "../redact.ts";
import { credentials, type ServerAccess } from "./credentials.ts";
import { GitExit, runGit } from "./git-process.ts";
import { runSimpleGit } from "./remote-process.ts";
import { type TransferLimits, withinLimits } from "./transfer.ts";

export interface GitOptions extends ServerAccess {
  /** The bare repository's directory (made if missing). */
  readonly directory: string;
  /** PEM file of the authority that signed the server's certificate, for servers inside a company. */
  readonly caFile?: string;
  /** ssh key that signs our commits; left out: they are not signed. */
  readonly signingKeyFile?: string;
  /** A network operation that says nothing for this long is stopped. Milliseconds. */
  readonly silenceMs: number;
  /** What one network operation may take and bring. */
  readonly transfer: TransferLimits;
  readonly clock: Clock;
  readonly maxOutputBytes: number;
}

export interface LocalRun {
  readonly input?: string | Uint8Array;
  /** See git-process.ts. */
  readonly onOutput?: (chunk: Buffer) => boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Settings for this run, beside those of every run. */
  readonly config?: readonly (readonly [string, string])[];
}

export interface Git {
  /** Runs git with the network and credentials, `input` on its standard input; answers standard output. Throws GitExit or Error, redacted. */
  remote(args: readonly string[], input?: string): Promise<string>;
  /** Runs git on the object store alone. Throws GitExit or Error. */
  local(args: readonly string[], run?: LocalRun): Promise<Buffer>;
  /** Runs one task after another: nothing else of this repository that is `exclusive` runs at the same time. */
  exclusive<T>(task: () => Promise<T>): Promise<T>;
}

/** Settings for every process: given by environment, so that nothing in the store's own config file can matter more. */
function settings(options: GitOptions): [string, string][] {
  return [
    ["core.hooksPath", "/dev/null"],
    ["core.symlinks", "false"],
    ["core.fsmonitor", "false"],
    ["core.quotePath", "false"],
    ["core.logAllRefUpdates", "false"],
    ["protocol.version", "2"],
    ["protocol.allow", "never"],
    [`protocol.${options.url.transport}.allow`, "always"],
    ["fetch.fsckObjects", "true"],
    ["transfer.fsckObjects", "true"],
    // Whatever comes is one pack, however small: that can be watched while it comes, and put together with others later.
    ["fetch.unpackLimit", "1"],
    ["fetch.recurseSubmodules", "false"],
    ["submodule.recurse", "false"],
    ["credential.helper", ""],
    ["gc.auto", "0"],
    ["maintenance.auto", "false"],
    ["http.followRedirects", "false"],
    ["http.sslVerify", "true"],
    ["http.lowSpeedLimit", "1"],
    ["http.lowSpeedTime", String(Math.max(1, Math.ceil(options.silenceMs / 1000)))],
    ["remote.origin.url", options.url.text],
    ...(options.caFile === undefined ? [] : pairs(["http.sslCAInfo", "http.proxySSLCAInfo"], options.caFile)),
  ];
}

/** Settings for what runs on the store alone. */
function localSettings(options: GitOptions): [string, string][] {
  return [
    ...settings(options),
    // No smartcard, no agent: what a signature may be checked with is set where it is checked (verify.ts).
    ["gpg.program", "/bin/false"],
    ["gpg.x509.program", "/bin/false"],
    ["gpg.ssh.defaultKeyCommand", ""],
    ["log.showSignature", "false"],
    ["gpg.format", "ssh"],
    ...(options.signingKeyFile === undefined ? [] : pairs(["user.signingKey"], options.signingKeyFile)),
  ];
}

function pairs(keys: readonly string[], value: string): [string, string][] {
  return keys.map((key) => [key, value]);
}

function asEnvironment(config: readonly (readonly [string, string])[]): Record<string, string> {
  const environment: Record<string, string> = { GIT_CONFIG_COUNT: String(config.length) };
  for (const [index, [key, value]] of config.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}

/** The whole environment of a git process: nothing is inherited but PATH. */
function baseEnvironment(options: GitOptions): Record<string, string> {
  return {
    // The only thing that git needs from the outside is where its programs are.
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: options.directory,
    LANG: "C.UTF-8",
    LC_ALL: "C.UTF-8",
    LANGUAGE: "C",
    TZ: "UTC",
    GIT_DIR: options.directory,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    SSH_ASKPASS: "/bin/false",
    GIT_OPTIONAL_LOCKS: "0",
    // What is not in the store is asked for by name (wanted-blobs.ts), never by git on its own.
    GIT_NO_LAZY_FETCH: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_LITERAL_PATHSPECS: "1",
    GIT_ALLOW_PROTOCOL: options.url.transport,
  };
}

/** Runs tasks one after another, whatever becomes of each. */
function mutex(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const run = last.then(task, task);
    last = run.catch(() => undefined);
    return run;
  };
}

function redactedError(error: unknown, command: string, secrets: readonly string[]): Error {
  if (error instanceof GitExit) {
    return new GitExit(command, error.exitCode, redact(error.stdout, secrets), redact(error.stderr, secrets));
  }
  if (error instanceof UserError) return error;
  return new Error(redact(error instanceof Error ? error.message : String(error), secrets));
}

/** Makes the git of one bare repository. Starts no process yet; makes the directory. */
export async function createGit(options: GitOptions): Promise<Git> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const base = baseEnvironment(options);
  const localEnvironment = { ...base, ...asEnvironment(localSettings(options)), GIT_ALLOW_PROTOCOL: "none" };
  const withConfig = (config: NonNullable<LocalRun["config"]>): Record<string, string> =>
    asEnvironment([...localSettings(options), ...config]);
  const remoteLimits = { timeoutMs: options.transfer.maxMs, maxOutputBytes: options.maxOutputBytes };
  return {
    exclusive: mutex(),
    local: (args, run = {}) =>
      runGit({
        args,
        directory: options.directory,
        environment: {
          ...localEnvironment,
          ...(run.config === undefined ? {} : withConfig(run.config)),
          ...run.environment,
        },
        ...(run.input === undefined ? {} : { input: run.input }),
        ...(run.onOutput === undefined ? {} : { onOutput: run.onOutput }),
        timeoutMs: Math.max(options.silenceMs, 60_000),
        // What is not kept is bounded by time alone.
        maxOutputBytes: run.onOutput === undefined ? options.maxOutputBytes : Number.POSITIVE_INFINITY,
      }),
    async remote(args, input) {
      const secret = await credentials(options);
      const environment = {
        ...base,
        ...secret.environment,
        ...asEnvironment([...settings(options), ...secret.config]),
      };
      try {
        return await withinLimits(options.directory, options.transfer, options.clock, async (signal) => {
          const process = { args, environment, directory: options.directory, signal };
          // simple-git has no way to write to a process.
          if (input === undefined) return await runSimpleGit({ ...process, silenceMs: options.silenceMs });
          return (await runGit({ ...process, ...remoteLimits, input })).toString("utf8");
        });
      } catch (error) {
        throw redactedError(error, args[0] ?? "", secret.secrets);
      }
    },
  };
}
