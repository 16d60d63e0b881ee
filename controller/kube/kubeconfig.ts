// Reads a kubeconfig and says who we are towards one cluster: server, TLS material, headers. Plain ones (token, token
// file, client certificate, basic auth) are read here with js-yaml, because importing client-node costs a second of
// start-up; exec plugins and auth providers go to client-node's KubeConfig, imported only then.
// A credential never reaches a message. Plain http is for loopback only.
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, dirname, resolve } from "node:path";
import { load } from "js-yaml";
import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";

/** What a TLS connection to the cluster needs; equal material may share connections. */
export interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized: boolean;
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly tls: TlsMaterial;
}

/** One cluster, as one user. */
export interface ClusterAccess {
  /** The server's URL without a trailing slash; may carry a path (Rancher does so). */
  readonly server: URL;
  readonly proxyUrl: string | undefined;
  /** The namespace of the context, if it names one. */
  readonly namespace: string | undefined;
  /** Current credentials; files are read again when they are a minute old, as client-go does. */
  credentials(): Promise<Credentials>;
  /** Forgets what was cached: the server answered 401. */
  invalidate(): void;
}

interface NamedEntry {
  name?: unknown;
  [part: string]: unknown;
}
type Fields = Readonly<Record<string, unknown>>;

interface KubeconfigFile {
  readonly clusters: readonly NamedEntry[];
  readonly users: readonly NamedEntry[];
  readonly contexts: readonly NamedEntry[];
  readonly currentContext: string | undefined;
}

const FILE_AGE_MS = 60_000;

/** True for text, false for a path: a kubeconfig has several lines or is one JSON object, a path is neither. */
function isText(kubeconfig: string): boolean {
  return kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{");
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function entries(value: unknown): NamedEntry[] {
  return Array.isArray(value)
    ? value.filter((entry): entry is NamedEntry => typeof entry === "object" && entry !== null)
    : [];
}

/** The keys whose value is a path relative to the kubeconfig's own folder. */
const pathKeys = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

function absolutePaths(entry: NamedEntry, part: string, folder: string): NamedEntry {
  const fields: Record<string, unknown> = { ...fieldsOf(entry[part]) };
  for (const key of pathKeys) {
    const value = fields[key];
    if (typeof value === "string" && value !== "") fields[key] = resolve(folder, value);
  }
  return { ...entry, [part]: fields };
}

function parseOne(source: string, where: string, folder: string): KubeconfigFile {
  let parsed: Fields;
  try {
    parsed = fieldsOf(load(source));
  } catch (error) {
    // The parser's message quotes the text around the error, which may be a token: only the place is told.
    const mark = (error as { mark?: { line?: number } }).mark;
    const place = mark?.line === undefined ? "" : ` (line ${mark.line + 1})`;
    throw new UserError("RW0202", `${where}${place}: this is not valid YAML`, "check it with kubectl config view");
  }
  return {
    clusters: entries(parsed["clusters"]).map((entry) => absolutePaths(entry, "cluster", folder)),
    users: entries(parsed["users"]).map((entry) => absolutePaths(entry, "user", folder)),
    contexts: entries(parsed["contexts"]),
    currentContext: text(parsed, "current-context"),
  };
}

/** Reads text, one path, or several joined like $KUBECONFIG; of equal names the first file's wins, as in kubectl. */
function readKubeconfig(kubeconfig: string): KubeconfigFile {
  if (isText(kubeconfig)) return parseOne(kubeconfig, "kubeconfig", process.cwd());
  const files = kubeconfig.split(delimiter).filter((path) => path !== "");
  const parsed = files.flatMap((path) => {
    try {
      return [parseOne(readFileSync(path, "utf8"), path, dirname(resolve(path)))];
    } catch (error) {
      if (error instanceof UserError) throw error;
      // kubectl leaves out missing files of a list; a single one that is missing is a mistake.
      if (files.length > 1 && (error as NodeJS.ErrnoException).code === "ENOENT") return [];
      const { code, message } = error as NodeJS.ErrnoException;
      const why = code === "ENOENT" ? "it does not exist" : code === "EISDIR" ? "it is a folder" : message;
      throw new UserError("RW0201", `cannot read the kubeconfig ${path}: ${why}`, "name a file that kubectl can use");
    }
  });
  return {
    clusters: parsed.flatMap((file) => file.clusters),
    users: parsed.flatMap((file) => file.users),
    contexts: parsed.flatMap((file) => file.contexts),
    currentContext: parsed.map((file) => file.currentContext).find((name) => name !== undefined),
  };
}

function named(list: readonly NamedEntry[], name: string, part: string, where: string): Fields {
  const entry = list.find((candidate) => candidate.name === name);
  if (entry === undefined) {
    const known = list.map((candidate) => `"${String(candidate.name)}"`).join(", ") || "none";
    throw new UserError("RW0202", `${where}: there is no ${part} "${name}"`, `it has: ${known}`);
  }
  return fieldsOf(entry[part]);
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function serverUrl(cluster: Fields, where: string): URL {
  const server = text(cluster, "server") ?? "";
  if (!URL.canParse(server)) throw new UserError("RW0202", `${where}: server "${server}" is not a URL`);
  const url = new URL(server);
  if (url.protocol === "http:" && !loopback.test(url.hostname)) {
    throw new UserError(
      "RW0203",
      `${where}: plain http to ${url.host}`,
      "use https; http is for the sandbox on this machine",
    );
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new UserError("RW0202", `${where}: server "${url.protocol}//…" is neither https nor http`);
  }
  return url;
}

/** Reads a file at most once a minute; a failure is told with the path. */
function fileReader(clock: Clock): (path: string) => Promise<string> {
  const read = new Map<string, { at: number; content: string }>();
  return async (path) => {
    const known = read.get(path);
    if (known !== undefined && clock.monotonic() - known.at < FILE_AGE_MS) return known.content;
    const content = await readFile(path, "utf8");
    read.set(path, { at: clock.monotonic(), content });
    return content;
  };
}

type Inline = (fields: Fields, key: string) => Promise<string | undefined>;

/** `KEY-data` (base64) if it is there, else the file that `KEY` names. */
function inlineOrFile(readText: (path: string) => Promise<string>): Inline {
  return async (fields, key) => {
    const data = text(fields, `${key}-data`);
    if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
    const path = text(fields, key);
    return path === undefined ? undefined : readText(path);
  };
}

function impersonation(user: Fields): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  const name = text(user, "as");
  if (name !== undefined) headers["impersonate-user"] = name;
  const uid = text(user, "as-uid");
  if (uid !== undefined) headers["impersonate-uid"] = uid;
  const groups = user["as-groups"];
  if (Array.isArray(groups) && groups.length > 0) headers["impersonate-group"] = groups.map(String);
  return headers;
}

async function plainAuthorization(
  user: Fields,
  readText: (path: string) => Promise<string>,
): Promise<Record<string, string>> {
  const tokenFile = text(user, "tokenFile");
  // The file wins over `token`: it is the one that is rotated (client-go, rest.Config.BearerTokenFile).
  const token = tokenFile === undefined ? text(user, "token") : (await readText(tokenFile)).trim();
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  const username = text(user, "username");
  if (username === undefined) return {};
  const pair = `${username}:${text(user, "password") ?? ""}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

interface PluginCredentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Asks client-node, which runs exec plugins and OIDC; it caches a token until it expires. */
function pluginAuthorization(server: string, user: Fields): () => Promise<PluginCredentials> {
  // Only our user and a TLS-free stand-in for the cluster: client-node is here to say who we are, not to connect
  // (and it would refuse loopback http without the insecure flag).
  const name = "current";
  const config = {
    clusters: [{ name, cluster: { server, "insecure-skip-tls-verify": true } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  };
  async function start() {
    const { KubeConfig } = await import("@kubernetes/client-node");
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(JSON.stringify(config));
    return kubeConfig;
  }
  let starting: ReturnType<typeof start> | undefined;
  return async () => {
    starting ??= start();
    const options: { headers: Record<string, string>; cert?: Buffer | string; key?: Buffer | string } = { headers: {} };
    await (await starting).applyToHTTPSOptions(options);
    const authorization = options.headers["Authorization"];
    return {
      headers: authorization === undefined ? {} : { authorization },
      cert: options.cert?.toString(),
      key: options.key?.toString(),
    };
  };
}

/**
 * Loads a kubeconfig's current context (or the one named). `kubeconfig` is the text itself, a path, or several paths
 * joined as in $KUBECONFIG. Throws `UserError` (RW0201 unreadable, RW0202 wrong, RW0203 plain http elsewhere).
 */
export function loadClusterAccess(options: { kubeconfig: string; context?: string; clock: Clock }): ClusterAccess {
  const where = isText(options.kubeconfig) ? "kubeconfig" : options.kubeconfig;
  const file = readKubeconfig(options.kubeconfig);
  const contextName = options.context ?? file.currentContext;
  if (contextName === undefined) {
    throw new UserError("RW0202", `${where}: no current-context`, "set one with kubectl config use-context");
  }
  const context = named(file.contexts, contextName, "context", where);
  const cluster = named(file.clusters, text(context, "cluster") ?? "", "cluster", where);
  const userName = text(context, "user");
  const user = userName === undefined ? {} : named(file.users, userName, "user", where);
  const usesPlugin = user["exec"] !== undefined || user["auth-provider"] !== undefined;
  const server = serverUrl(cluster, where);
  let readText = fileReader(options.clock);
  let plugin = pluginAuthorization(server.href, user);

  return {
    server,
    proxyUrl: text(cluster, "proxy-url"),
    namespace: text(context, "namespace"),
    invalidate() {
      readText = fileReader(options.clock);
      plugin = pluginAuthorization(server.href, user);
    },
    async credentials() {
      const inline = inlineOrFile((path) => readText(path));
      const fromPlugin = usesPlugin ? await plugin() : undefined;
      const authorization = fromPlugin?.headers ?? (await plainAuthorization(user, (path) => readText(path)));
      return {
        headers: { ...authorization, ...impersonation(user) },
        tls: {
          ca: await inline(cluster, "certificate-authority"),
          cert: fromPlugin?.cert ?? (await inline(user, "client-certificate")),
          key: fromPlugin?.key ?? (await inline(user, "client-key")),
          servername: text(cluster, "tls-server-name"),
          rejectUnauthorized: cluster["insecure-skip-tls-verify"] !== true,
        },
      };
    },
  };
}

const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * A kubeconfig for the service account of the pod we run in, or undefined outside of a cluster. The token stays in
 * its file, from where it is read again every minute (the kubelet rotates it).
 */
export function inClusterKubeconfig(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const host = env["KUBERNETES_SERVICE_HOST"];
  const port = env["KUBERNETES_SERVICE_PORT"];
  if (host === undefined || port === undefined) return undefined;
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const name = "in-cluster";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority": `${SERVICE_ACCOUNT}/ca.crt` } }],
    users: [{ name, user: { tokenFile: `${SERVICE_ACCOUNT}/token` } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });
}
