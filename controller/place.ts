// Where the product's own files stand: the root of a checkout, of the npm package, or of the image's folder. All three keep crds/,
// examples/quickstart and controller/launch.cjs there; code runs from a folder below it (controller/ or dist/), so one step up is the root.
import { fileURLToPath } from "node:url";

/** The absolute path of a file or folder that the product ships, as `productFile("crds")`. It need not exist. */
export function productFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

/** The program that starts this very product anew, as a first argument of Node. */
export function launcher(): string {
  return productFile("controller/launch.cjs");
}
