// A GitHub App as our account: its private key makes short-lived JWTs (through octokit's own App auth), these get installation tokens of one
// hour, and those are renewed before they end, measured on our clock against the forge's. The key is read anew from its mounted file each
// time; neither key, JWT nor token leaves this file but to the forge. The same tokens serve git over https.
import { createPrivateKey } from "node:crypto";
import type { Clock, Instant } from "../../clock.ts";
import { UserError, WaitError } from "../../errors.ts";
import { checkAddress } from "../address.ts";
import { readSlug, readToken } from "./documents.ts";
import { explain, failureOf } from "../failure.ts";
import { createPace, type ForgeCall } from "../pace.ts";
import { type Account, createSend } from "./session.ts";

export interface AppOptions {
  /** As the forge's. */
  readonly apiUrl: string;
  readonly appId: number;
  readonly installationId: number;
  /** PEM of an RSA key; read for each token. */
  readonly privateKey: () => Promise<string>;
  /** Repositories of the installation that the tokens are for, by name; left out: all. */
  readonly repositories?: readonly string[];
  /** Transport time. */
  readonly clock: Clock;
  readonly onRequest?: (call: ForgeCall) => void;
  /** As the forge's. */
  readonly fetch?: typeof fetch | undefined;
}

const tokensRoute = "/app/installations/{installation_id}/access_tokens";
/** A token is renewed so long before its end, ms: the longest fetch or push that begins with it should end with it. */
const margin = 5 * 60_000;

interface Held {
  readonly token: string;
  /** Monotonic. */
  readonly until: Instant;
}

/** PKCS#8 of an RSA key, whatever PEM it came in. Throws UserError RW0715. */
function readKey(pem: string): string {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "rsa") return key.export({ type: "pkcs8", format: "pem" }).toString();
  } catch {
    // What node says of a malformed key may hold parts of it.
  }
  throw new UserError(
    "RW0715",
    "the GitHub App's private key is not an RSA key in PEM",
    "mount the .pem file that GitHub made for the App, unchanged",
  );
}

async function makeJwt(options: AppOptions): Promise<string> {
  const { App } = await import("octokit");
  const app = new App({ appId: options.appId, privateKey: readKey(await options.privateKey()) });
  const { token } = (await app.octokit.auth({ type: "app" })) as { readonly token: string };
  return token;
}

/** An App's installation as account; talks to nobody until the first token. Throws UserError for an address that cannot be used. */
export function createAppAccount(options: AppOptions): Account & { readonly kind: "App" } {
  const { clock } = options;
  const { host } = checkAddress(options.apiUrl);
  const place = `${host} App ${options.appId}, installation ${options.installationId}`;
  const pace = createPace({ clock, writePause: 0, timeout: 30_000, patience: 5000 });
  const send = createSend({ ...options, owner: "", repository: "", account: { token: () => makeJwt(options) } }, pace);
  let held: Held | undefined;
  let making: Promise<Held> | undefined;
  let login: string | undefined;

  async function guarded<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UserError || error instanceof WaitError || !(error instanceof Error && "status" in error))
        throw error;
      const failure = failureOf(error, clock.now());
      if (failure.kind === "Unauthorized" || failure.kind === "NotFound" || failure.kind === "Unprocessable")
        throw new UserError(
          "RW0716",
          `${place}: the forge does not know it or does not accept its key; we could not ${doing}`,
          "check appId, installationId and privateKeyFile, that the installation covers the repository, and this machine's clock",
        );
      throw explain(failure, place, doing);
    }
  }

  /** Asking twice makes two tokens and harms nothing: it may be repeated as a read is. */
  async function make(): Promise<Held> {
    const reply = await guarded("get a token", () =>
      send("read", "POST", tokensRoute, {
        installation_id: options.installationId,
        ...(options.repositories === undefined ? {} : { repositories: options.repositories }),
      }),
    );
    const made = readToken(reply.data);
    const theirs = Date.parse(String(reply.headers["date"] ?? ""));
    const lasts = made.expires - (Number.isFinite(theirs) ? theirs : clock.now());
    return { token: made.token, until: clock.monotonic() + lasts - margin };
  }

  return {
    kind: "App",
    appId: options.appId,
    async token() {
      if (held !== undefined && clock.monotonic() < held.until) return held.token;
      making ??= make().finally(() => (making = undefined));
      held = await making;
      return held.token;
    },
    refused(token) {
      if (held?.token === token) held = undefined;
    },
    async login() {
      login ??= `${readSlug((await guarded("read its name", () => send("read", "GET", "/app", {}))).data)}[bot]`;
      return login;
    },
  };
}
