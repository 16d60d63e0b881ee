// `npm run test:sweep`: the crash sweep, which takes minutes: the controller dies at each kind of write, with lost replies, beside people and other
// controllers; ends with one line `N passed, N failed`. RINGWARD_SWEEP=full sweeps every single write. Further arguments go to vitest.
import { isMain } from "./is-main.ts";
import { runVitest } from "./vitest-run.ts";

if (isMain(import.meta.url))
  process.exitCode = await runVitest({ config: "test/sweep/vitest.config.ts", args: process.argv.slice(2) });
