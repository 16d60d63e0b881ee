// The executable. It only hands argv to cli/, so that `version` and `--help` stay fast.
import { run } from "./cli/run.ts";
import { guardStreams } from "./cli/standard-streams.ts";

guardStreams({ stdout: process.stdout, stderr: process.stderr, exit: (code) => process.exit(code) });
process.exitCode = await run(process.argv.slice(2));
