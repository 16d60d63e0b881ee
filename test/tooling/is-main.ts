// Whether a module is the program that was started. `import.meta.main` cannot tell: under Node 24 controller/launch.cjs loads the
// program into its own process, and is then the main module itself; it leaves the program's path in argv.
import { fileURLToPath } from "node:url";

export function isMain(url: string): boolean {
  return process.argv[1] === fileURLToPath(url);
}
