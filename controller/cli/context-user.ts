// The user that a kubeconfig's context names, to say in an event who asked. A name only: no credential is read, and nothing is decided
// from it.
import { readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { load } from "js-yaml";

type Fields = Readonly<Record<string, unknown>>;

/** The user's name in the kubeconfig; undefined where it cannot be told. */
export function readContextUser(kubeconfig: string, context: string | undefined): string | undefined {
  const files =
    kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{") ? [kubeconfig] : readFiles(kubeconfig);
  const parsed = files.map(readYaml);
  const name =
    context ?? parsed.map((file) => file["current-context"]).find((one) => typeof one === "string" && one !== "");
  const contexts = parsed.flatMap((file) => (Array.isArray(file["contexts"]) ? file["contexts"] : []) as unknown[]);
  const found = contexts.map(fieldsOf).find((one) => one["name"] === name);
  const { user } = fieldsOf(found?.["context"]);
  return typeof user === "string" && user !== "" ? user.slice(0, 128) : undefined;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function readYaml(text: string): Fields {
  try {
    return fieldsOf(load(text));
  } catch {
    return {};
  }
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
