// What one network process of git gets to know of our secrets: settings and variables for its environment, made anew for each run from
// what the files hold now. Each is bound to the one server that it is for, and listed so that no message shows it (checklist 31, 32).
import { UserError } from "../errors.ts";
import {
  basicHeader,
  checkSshFiles,
  type GitAuth,
  type GitProxy,
  passwordHeader,
  proxyAddress,
  sshCommand,
} from "./auth.ts";
import type { GitUrl } from "./url.ts";

/** Which server is meant, and what opens it. */
export interface ServerAccess {
  readonly url: GitUrl;
  readonly auth?: GitAuth;
  readonly proxy?: GitProxy;
}

export interface Credentials {
  readonly config: readonly [string, string][];
  readonly environment: Readonly<Record<string, string>>;
  /** To be redacted from everything that git says. */
  readonly secrets: readonly string[];
}

/** Throws UserError RW1105 or RW1106 where they do not fit the address or cannot be read. */
export async function credentials({ auth, proxy, url }: ServerAccess): Promise<Credentials> {
  if (url.transport === "ssh") return sshCredentials(auth);
  if (auth?.kind === "Ssh")
    throw new UserError("RW1106", "an ssh key cannot be used with an https address", "use an ssh address or a token");
  if (url.transport === "file") return { config: [], environment: {}, secrets: [] };
  const config: [string, string][] = [];
  const secrets: string[] = [];
  if (proxy !== undefined) {
    const address = await proxyAddress(proxy);
    config.push(["http.proxy", address.url], ["http.proxyAuthMethod", "basic"]);
    secrets.push(...address.secrets);
  }
  if (auth !== undefined) {
    const made =
      auth.kind === "Basic"
        ? passwordHeader(auth.username, await auth.password())
        : basicHeader(auth.username ?? "x-access-token", await auth.token());
    // Bound to this host's origin: no other host that the server might name ever sees it.
    config.push([`http.${url.origin}.extraHeader`, made.header]);
    secrets.push(...made.secrets);
  }
  return { config, environment: {}, secrets };
}

async function sshCredentials(auth: GitAuth | undefined): Promise<Credentials> {
  if (auth?.kind !== "Ssh") {
    throw new UserError(
      "RW1106",
      "an ssh address needs a private key and a known_hosts file",
      "give both in spec.auth, or use https with a token",
    );
  }
  const command = sshCommand(auth, 15);
  await checkSshFiles(auth);
  return { config: [], environment: { GIT_SSH_COMMAND: command, GIT_SSH_VARIANT: "ssh" }, secrets: [] };
}
