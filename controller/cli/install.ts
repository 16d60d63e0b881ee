// `ringward install --export`: everything that a cluster needs before the controller can run, for `kubectl apply -f -`. It prints, and
// talks to no cluster: what is installed can be read, kept in Git and reviewed.
import { judgeGateResource } from "../gates/settings.ts";
import { installManifests, renderManifests } from "../install/export.ts";
import { DEFAULT_NAMESPACE } from "../install/manifest.ts";
import { JOB_NAMESPACE } from "../nodes/recipe-job.ts";
import { readImagePrefixes } from "./image-prefixes.ts";
import { asksForHelp, ownSurroundings, parseFlags, type Surroundings, wrongUse } from "./output.ts";

export const USAGE = `Usage: ringward install --export --allow-recipe-image PREFIX [--allow-recipe-image PREFIX]… [--gate-resource KIND]… [--namespace NS] [-o yaml|json]

Prints the definitions of all kinds, the namespaces, the controller's account with its roles, and the admission policies that
confine it:

  ringward install --export --allow-recipe-image registry.example.com/ringward | kubectl apply -f -

Applying it again changes nothing, and never the mode or limits of a ledger. See docs/install.md.

  --export                     print it (nothing is installed by this command itself)
  --allow-recipe-image PREFIX  recipes may run images under REGISTRY[/PATH] on nodes; none given: no recipe runs
  --gate-resource KIND         lets gates of type CEL read a kind, APIVERSION/RESOURCE; give the controller the same flag
  --namespace NS               of the controller (default: ${DEFAULT_NAMESPACE})
  -o FORMAT                    yaml (default) or json
`;

/** Runs the command. Exit codes: 0 printed, 2 wrong use. */
export async function command(
  args: readonly string[],
  surroundings: Pick<Surroundings, "stdout" | "stderr"> = ownSurroundings(),
): Promise<number> {
  if (asksForHelp(args)) {
    surroundings.stdout.write(USAGE);
    return 0;
  }
  const { values, positionals } = parseFlags("install", args, {
    export: { type: "boolean", default: false },
    "allow-recipe-image": { type: "string", multiple: true, default: [] },
    "gate-resource": { type: "string", multiple: true, default: [] },
    namespace: { type: "string", default: DEFAULT_NAMESPACE },
    output: { type: "string", short: "o", default: "yaml" },
  });
  if (positionals.length > 0) throw wrongUse("install", `${positionals.join(" ")} is not understood`);
  if (!values.export) throw wrongUse("install", "it only prints: say --export, and give the output to kubectl apply");
  const { output } = values;
  if (output !== "yaml" && output !== "json") throw wrongUse("install", `-o ${output}: it is yaml or json`);
  for (const kind of values["gate-resource"]) {
    const wrong = judgeGateResource(kind);
    if (wrong !== undefined) throw wrongUse("install", `--gate-resource ${kind}: ${wrong}`);
  }
  const settings = {
    gateResources: values["gate-resource"],
    namespace: readNamespace(values.namespace),
    recipeImages: readImagePrefixes("install", values["allow-recipe-image"]),
  };
  if (settings.recipeImages.length === 0)
    surroundings.stderr.write("no --allow-recipe-image: the cluster will refuse every step of every recipe\n");
  surroundings.stdout.write(renderManifests(installManifests(settings), output));
  return 0;
}

/** A DNS label (RFC 1123), and not a namespace that is somebody else's. */
function readNamespace(name: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
    throw wrongUse("install", `--namespace ${name}: not a name of a namespace`);
  if (name === JOB_NAMESPACE || name === "default" || name.startsWith("kube-"))
    throw wrongUse("install", `--namespace ${name}: give the controller a namespace of its own`);
  return name;
}
