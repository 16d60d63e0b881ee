// Whom we speak as on the forge and over https: a GitHub App where the PolicyRepository names one, else whoever owns the mounted token. One
// account serves git and the forge, so that both use the same token of the hour.
import type { PolicyRepositorySpec } from "../api/policy-repository.ts";
import type { Clock } from "../clock.ts";
import { type Account, createAppAccount, createFetch } from "../forge/index.ts";
import { proxyCredentialsFile, tokenFile } from "../git/auth.ts";

/** GitHub's own address, where the PolicyRepository names no other. */
export const GITHUB_API = "https://api.github.com";

/** The way to the forge: the same authorities and the same proxy as git's. */
export function wayTo({ auth, proxy }: PolicyRepositorySpec): typeof fetch | undefined {
  const file = proxy?.credentialsFile;
  return createFetch({
    ...(auth?.caFile === undefined ? {} : { caFile: auth.caFile }),
    ...(proxy === undefined
      ? {}
      : { proxy: { url: proxy.url, ...(file === undefined ? {} : { credentials: proxyCredentialsFile(file) }) } }),
  });
}

/** The App of a PolicyRepository, if it has one; the same spec gets the same account. */
export function createAppAccounts(clock: Clock): (spec: PolicyRepositorySpec) => Account | undefined {
  let known: { readonly key: string; readonly account: Account } | undefined;
  return (spec) => {
    const { auth, forge, proxy } = spec;
    const app = auth?.githubApp;
    if (app === undefined) return undefined;
    const key = JSON.stringify([app, forge?.apiUrl, forge?.repository, auth?.caFile, proxy]);
    if (known?.key !== key) {
      const account = createAppAccount({
        apiUrl: forge?.apiUrl ?? GITHUB_API,
        appId: app.appId,
        installationId: app.installationId,
        privateKey: tokenFile(app.privateKeyFile),
        ...(forge === undefined ? {} : { repositories: [forge.repository] }),
        clock,
        fetch: wayTo(spec),
      });
      known = { key, account };
    }
    return known.account;
  };
}
