// GitHub Apps on the sandbox's forge: a JWT signed by the App's key gets an installation token of one hour. Checked as GitHub documents it:
// RS256, our App as issuer, at most ten minutes. Real time: the client's library knows no other.
import { createPublicKey, randomBytes, verify } from "node:crypto";
import type { Clock } from "../../clock.ts";
import { Refusal } from "./refusal.ts";

export interface SandboxApp {
  readonly appId: number;
  readonly slug: string;
  readonly installationId: number;
  /** PEM. */
  readonly publicKey: string;
}

export interface IssuedToken {
  readonly token: string;
  /** RFC 3339. */
  readonly expiresAt: string;
}

export interface Apps {
  /** The App whose valid JWT stands in the header. Throws Refusal 401. */
  authenticate(header: string | undefined): SandboxApp;
  /** Throws Refusal 404. */
  issue(app: SandboxApp, installationId: number): IssuedToken;
  /** Login of the App that holds the token, while it is valid. */
  loginOf(token: string): string | undefined;
  /** Ends every token now, as GitHub does when an App is suspended or its key is lost. */
  revoke(): void;
}

const lifetime = 3_600_000;
const longestJwt = 600;

interface Claims {
  readonly iss?: unknown;
  readonly iat?: unknown;
  readonly exp?: unknown;
}

function parse(part: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw new Refusal(401, "A JSON web token could not be decoded");
}

export function createApps(apps: readonly SandboxApp[], wall: Clock): Apps {
  const tokens = new Map<string, { readonly login: string; readonly until: number }>();
  const seconds = (): number => Math.floor(wall.now() / 1000);

  function checkClaims({ iat, exp }: Claims): void {
    if (typeof exp !== "number" || exp <= seconds())
      throw new Refusal(
        401,
        "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
      );
    if (typeof iat !== "number" || iat > seconds() + 60)
      throw new Refusal(
        401,
        "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
      );
    if (exp - Math.max(iat, seconds() - 60) > longestJwt)
      throw new Refusal(401, "'Expiration time' claim ('exp') is too far in the future");
  }

  return {
    authenticate(header) {
      const [scheme = "", jwt = ""] = (header ?? "").split(/\s+/, 2);
      const [head = "", body = "", signature = ""] = jwt.split(".");
      if (scheme.toLowerCase() !== "bearer" || signature === "")
        throw new Refusal(401, "A JSON web token could not be decoded");
      const claims: Claims = parse(body);
      const app = apps.find(({ appId }) => String(claims.iss) === String(appId));
      if (app === undefined || parse(head)["alg"] !== "RS256") throw new Refusal(401, "Integration not found");
      const key = createPublicKey(app.publicKey);
      if (!verify("RSA-SHA256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url")))
        throw new Refusal(401, "A JSON web token could not be decoded");
      checkClaims(claims);
      return app;
    },
    issue(app, installationId) {
      if (app.installationId !== installationId) throw new Refusal(404, "Not Found");
      const token = `ghs_${randomBytes(18).toString("hex")}`;
      const until = wall.now() + lifetime;
      tokens.set(token, { login: `${app.slug}[bot]`, until });
      return { token, expiresAt: new Date(Math.floor(until / 1000) * 1000).toISOString().replace(".000Z", "Z") };
    },
    loginOf(token) {
      const held = tokens.get(token);
      return held !== undefined && held.until > wall.now() ? held.login : undefined;
    },
    revoke: () => tokens.clear(),
  };
}
