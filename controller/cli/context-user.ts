// The user that a kubeconfig's context names, to say in an event who asked. A name only: no credential is read, and nothing is decided
// from it.
import { readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { load } from "js-yaml";

interface Kubeconfig {
  readonly "current-context"?: unknown;
  readonly contexts?: readonly { readonly name?: unknown; readonly context?: { readonly user?: unknown } | null }[];
}

/** The user's name in the kubeconfig; undefined where it cannot be told. */
export function readContextUser(kubeconfig: string, context: string | undefined): string | undefined {
  const files =
    kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{") ? [kubeconfig] : readFiles(kubeconfig);
  const parsed = files.map((text) => (load(text) ?? {}) as Kubeconfig);
  const name =
    context ?? parsed.map((file) => file["current-context"]).find((one) => typeof one === "string" && one !== "");
  const found = parsed.flatMap(({ contexts }) => contexts ?? []).find((one) => one.name === name);
  const user = found?.context?.user;
  return typeof user === "string" && user !== "" ? user.slice(0, 128) : undefined;
}

function readFiles(paths: string): readonly string[] {
  return paths
    .split(delimiter)
    .filter((path) => path !== "")
    .flatMap((path) => {
      try {
        return [readFileSync(path, "utf8")];
      } catch {
        // The client has read it a moment ago and says what is wrong with it; a name is not worth a second complaint.
        return [];
      }
    });
}
