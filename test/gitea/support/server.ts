// A real Gitea on loopback for the tests of one file: a folder of its own, sqlite, no mail, no actions, no ssh. People and tokens are made by
// its own command and API. Ended by its id; nothing of it stays.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../../../controller/clock.ts";

/** Login of an administrator, who makes what the tests need. */
export const ADMIN = "admin-of-tests";

export interface GiteaServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** Its API as somebody; throws with status and message. */
  call(as: string, method: string, path: string, body?: object): Promise<unknown>;
  /** A login that can be used as `as`; the same token each time. */
  token(login: string): Promise<string>;
  /** A page as somebody who is not signed in sees it. */
  page(path: string): Promise<string>;
  stop(): Promise<void>;
}

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "")
    throw new Error(`${name} is not set: run these tests with npm run test:gitea`);
  return value;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function configuration(folder: string, port: number): string {
  return `APP_NAME = Gitea of the tests
RUN_MODE = prod
RUN_USER = ${userInfo().username}
WORK_PATH = ${folder}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true

[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = ${port}
ROOT_URL = http://127.0.0.1:${port}/
STATIC_ROOT_PATH = ${given("RINGWARD_GITEA_STATIC")}
DISABLE_SSH = true
OFFLINE_MODE = true

[database]
DB_TYPE = sqlite3
PATH = ${join(folder, "gitea.db")}
SQLITE_JOURNAL_MODE = WAL
SQLITE_TIMEOUT = 60000

[repository]
ROOT = ${join(folder, "repositories")}
DEFAULT_BRANCH = main

[security]
INSTALL_LOCK = true
SECRET_KEY = the-secret-of-a-gitea-that-lives-for-one-test

[service]
DISABLE_REGISTRATION = true

[indexer]
ISSUE_INDEXER_TYPE = db

[queue]
TYPE = channel

[cache]
ADAPTER = memory

[session]
PROVIDER = memory

[mailer]
ENABLED = false

[actions]
ENABLED = false

[packages]
ENABLED = false

[cron]
ENABLED = false

[log]
MODE = console
LEVEL = warn
`;
}

interface Process {
  readonly child: ChildProcess;
  /** The last that it said. */
  readonly said: () => string;
}

function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Process {
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
  return { child, said: () => said };
}

/** Until it answers; throws with its last words when it ends instead. */
async function ready(url: string, { child, said }: Process): Promise<void> {
  for (let count = 0; ; count++) {
    if (child.exitCode !== null) throw new Error(`gitea ended with ${child.exitCode}: ${said()}`);
    const answer = await fetch(`${url}/api/v1/version`).catch(() => undefined);
    if (answer?.ok === true) return;
    if (count > 600) throw new Error(`gitea does not answer: ${said()}`);
    await systemClock.sleep(100);
  }
}

/** Starts one. */
export async function startGitea(): Promise<GiteaServer> {
  const program = given("RINGWARD_GITEA");
  const folder = await mkdtemp(join(tmpdir(), "ringward-gitea-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = join(folder, "app.ini");
  await writeFile(config, configuration(folder, port));
  const env = { ...process.env, HOME: folder, GITEA_WORK_DIR: folder };
  const command = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(program, [...args, "--config", config], { env })).stdout;
  await command("migrate");
  const person = ["--username", ADMIN, "--email", "admin@example.invalid", "--password", password(ADMIN)];
  await command("admin", "user", "create", "--admin", "--must-change-password=false", ...person);
  const process_ = start(program, ["web", "--config", config], env);
  await ready(url, process_);
  const tokens = new Map<string, Promise<string>>();

  async function request(authorization: string, method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`gitea answers ${answer.status} to ${method} ${path}: ${text.slice(0, 500)}`);
    return text === "" ? undefined : (JSON.parse(text) as unknown);
  }

  const basic = (login: string): string => `Basic ${Buffer.from(`${login}:${password(login)}`).toString("base64")}`;

  /** Signs somebody up where that is needed, and makes a token. */
  async function makeToken(login: string): Promise<string> {
    if (login !== ADMIN) {
      const email = `${login}@example.invalid`;
      const user = { username: login, email, password: password(login), must_change_password: false };
      await request(basic(ADMIN), "POST", "/admin/users", user);
    }
    const made = await request(basic(login), "POST", `/users/${login}/tokens`, { name: "tests", scopes: ["all"] });
    return (made as { readonly sha1: string }).sha1;
  }

  function token(login: string): Promise<string> {
    const known = tokens.get(login) ?? makeToken(login);
    tokens.set(login, known);
    return known;
  }

  return {
    url,
    token,
    call: async (as, method, path, body) => await request(`token ${await token(as)}`, method, path, body),
    page: async (path) => await (await fetch(`${url}${path}`)).text(),
    async stop() {
      const { child } = process_;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function password(login: string): string {
  return `password-of-${login}`;
}
