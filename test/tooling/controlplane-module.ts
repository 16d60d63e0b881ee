// Writes go.mod and go.sum of test/controlplane/ anew: `node controller/launch.cjs test/tooling/controlplane-module.ts`.
// k8s.io/kubernetes refers to its own staging folders by relative replace lines, which nobody else can use; the same modules are
// published under v0.MINOR.PATCH, so the replace lines are made from its go.mod. Needs Go and the module proxy.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { KUBERNETES_VERSION, MODULE_FOLDER } from "./controlplane.ts";
import { isMain } from "./is-main.ts";

/** go.mod of the module, before `go mod tidy`, from the go.mod of k8s.io/kubernetes at `version` (`v1.36.3`). */
export function writeModule(version: string, kubernetes: string): string {
  const staging = version.replace(/^v1\./, "v0.");
  const replaced = [...kubernetes.matchAll(/^\t(k8s\.io\/\S+) => \.\/staging\/\S+$/gm)].map(([, name = ""]) => name);
  if (replaced.length === 0) throw new Error(`the go.mod of k8s.io/kubernetes ${version} replaces nothing: is it one?`);
  return [
    "// The control plane of the end-to-end tests. Written by test/tooling/controlplane-module.ts: change versions there.",
    "module ringward.dev/test/controlplane",
    "",
    `go ${only(kubernetes, /^go (\S+)$/m)}`,
    "",
    `godebug ${only(kubernetes, /^godebug (\S+)$/m)}`,
    "",
    "require (",
    `\tgithub.com/spf13/cobra ${only(kubernetes, /^\tgithub\.com\/spf13\/cobra (\S+)/m)}`,
    // The etcd that Kubernetes itself is tested with.
    `\tgo.etcd.io/etcd/server/v3 ${only(kubernetes, /^\tgo\.etcd\.io\/etcd\/server\/v3 (\S+)/m)}`,
    `\tk8s.io/component-base ${staging}`,
    `\tk8s.io/kubernetes ${version}`,
    ")",
    "",
    "replace (",
    ...replaced.map((name) => `\t${name} => ${name} ${staging}`),
    ")",
    "",
  ].join("\n");
}

function only(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`the go.mod of k8s.io/kubernetes has nothing like ${String(pattern)}`);
  return found;
}

function go(args: readonly string[]): string {
  return execFileSync("go", args, {
    cwd: fileURLToPath(MODULE_FOLDER),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

if (isMain(import.meta.url)) {
  const { GoMod } = JSON.parse(go(["mod", "download", "-json", `k8s.io/kubernetes@${KUBERNETES_VERSION}`])) as {
    readonly GoMod: string;
  };
  writeFileSync(new URL("go.mod", MODULE_FOLDER), writeModule(KUBERNETES_VERSION, readFileSync(GoMod, "utf8")));
  go(["mod", "tidy"]);
}
