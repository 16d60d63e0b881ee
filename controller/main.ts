// The executable. It only hands argv to cli/, so that `version` and `--help` stay fast.
import { run } from "./cli/run.ts";

process.exitCode = await run(process.argv.slice(2));
