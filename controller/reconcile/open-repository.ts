// The policy repository and its forge as the spec names them: address, credentials from mounted files, proxy, authorities. The controller opens
// them to work with, `ringward check` to see whether they can be opened at all; both the same way.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { ManifestRepository, PolicyRepositorySpec } from "../api/policy-repository.ts";
import type { Clock } from "../clock.ts";
import { createForge } from "../forge/index.ts";
import type { Forge } from "../forge/port.ts";
import { passwordFile, proxyCredentialsFile, tokenFile, type GitAuth, type GitProxy } from "../git/auth.ts";
import { commitRules } from "../git/commit-rules.ts";
import type { PolicyGit } from "../git/port.ts";
import { openPolicyGit } from "../git/repository.ts";
import { checkForgeUrl } from "../git/url.ts";
import { type createAppAccounts, GITHUB_API, wayTo } from "./forge-account.ts";
import { isVerified } from "./policy-signatures.ts";

/** What opening needs of the process that does it. */
export interface OpenSettings {
  /** Unique for each process that ever runs. */
  readonly identity: string;
  /** Folder for object stores. */
  readonly directory: string;
  readonly transport: Clock;
  /** Lets the repository be on this machine, or be asked over http. */
  readonly allowInsecure?: boolean;
}

/** Signs in to git and to the forge. */
export type Accounts = ReturnType<typeof createAppAccounts>;

/** A manifest repository, as the repository that is opened; nothing of the policy repository's own access serves for it. */
export function manifestSpec(
  { url, branch, auth, proxy, forge }: ManifestRepository,
  { clusterName }: PolicyRepositorySpec,
): PolicyRepositorySpec {
  return {
    url,
    clusterName,
    ...(branch === undefined ? {} : { branch }),
    ...(auth === undefined ? {} : { auth }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(forge === undefined ? {} : { forge }),
  };
}

/** Opens the repository (no network yet). Throws UserError for an address, a branch or credentials that cannot be. */
export function openRepository(
  spec: PolicyRepositorySpec,
  settings: OpenSettings,
  accounts: Accounts,
): Promise<PolicyGit> {
  const key = createHash("sha256").update(settings.identity).digest("hex").slice(0, 8);
  // Before an App's key speaks to it, and before anything is fetched for proposals that could not be made.
  checkForge(spec, settings);
  const auth = gitAuth(spec, accounts);
  return openPolicyGit({
    url: spec.url,
    branch: spec.branch ?? "main",
    directory: join(settings.directory, key),
    author: {
      name: spec.commits?.authorName ?? "Ringward",
      email: spec.commits?.authorEmail ?? `ringward@${spec.clusterName}.invalid`,
    },
    clock: settings.transport,
    allowInsecure: settings.allowInsecure === true,
    ...(auth === undefined ? {} : { auth }),
    ...(spec.auth?.caFile === undefined ? {} : { caFile: spec.auth.caFile }),
    ...(spec.commits?.signingKeyFile === undefined ? {} : { signingKeyFile: spec.commits.signingKeyFile }),
    ...(isVerified(spec) ? { trust: spec.verification } : {}),
    ...(spec.proxy === undefined ? {} : { proxy: gitProxy(spec.proxy) }),
  });
}

function gitProxy({ url, credentialsFile }: NonNullable<PolicyRepositorySpec["proxy"]>): GitProxy {
  return { url, ...(credentialsFile === undefined ? {} : { credentials: proxyCredentialsFile(credentialsFile) }) };
}

function gitAuth(spec: PolicyRepositorySpec, accounts: Accounts): GitAuth | undefined {
  const { auth } = spec;
  if (auth?.tokenFile !== undefined) {
    const username = auth.username === undefined ? {} : { username: auth.username };
    return { kind: "Token", token: tokenFile(auth.tokenFile), ...username };
  }
  if (auth?.passwordFile !== undefined)
    return { kind: "Basic", username: auth.username ?? "", password: passwordFile(auth.passwordFile) };
  if (auth?.sshKeyFile !== undefined && auth.knownHostsFile !== undefined)
    return { kind: "Ssh", privateKeyFile: auth.sshKeyFile, knownHostsFile: auth.knownHostsFile };
  const app = accounts(spec);
  return app === undefined ? undefined : { kind: "Token", token: app.token };
}

function checkForge({ forge }: PolicyRepositorySpec, { allowInsecure = false }: OpenSettings): void {
  if (forge?.apiUrl !== undefined) checkForgeUrl(forge.apiUrl, { allowInsecure });
}

/** The forge, if the spec has one. Throws UserError as above. */
export async function openForge(
  spec: PolicyRepositorySpec,
  settings: OpenSettings,
  accounts: Accounts,
): Promise<Forge | undefined> {
  const { forge } = spec;
  if (forge === undefined) return undefined;
  checkForge(spec, settings);
  const { owner, repository } = forge;
  const place = { owner, repository, clock: settings.transport, fetch: wayTo(spec) };
  if (forge.kind === "Gitea")
    return createForge({
      kind: forge.kind,
      ...place,
      apiUrl: forge.apiUrl ?? "",
      token: tokenFile(forge.tokenFile ?? ""),
    });
  const app = accounts(spec);
  return createForge({
    kind: forge.kind,
    ...place,
    apiUrl: forge.apiUrl ?? GITHUB_API,
    ...(forge.tokenFile === undefined && app !== undefined
      ? { account: app, commits: { branch: spec.branch ?? "main", rules: commitRules } }
      : { token: tokenFile(forge.tokenFile ?? "") }),
  });
}
