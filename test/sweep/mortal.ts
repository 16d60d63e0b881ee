// Ports that end with their controller's life. A port's members are taken as they are, so that a new one is mortal, and noted, without a word here.
import type { Around } from "../../controller/forge/memory/store.ts";
import type { Forge } from "../../controller/forge/port.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import type { ApiPort } from "../../controller/kube/port.ts";
import type { TimedRequest } from "../../controller/sandbox/invariants/requests.ts";
import type { PortName, Pulse } from "./soul.ts";
import { nameWrite } from "./write-kind.ts";

export function mortalApi(port: ApiPort, user: string, pulse: Pulse, requests: TimedRequest[]): ApiPort {
  return {
    request(request) {
      if (request.method === "GET") return pulse.read(() => port.request(request));
      return pulse.write(nameWrite(request), () => {
        const { method, path, body, query = {} } = request;
        const sent = { seq: requests.length, user, method, path, query: withoutUndefined(query), body };
        requests.push({ ...sent, write: true, status: 0, time: 0, revision: 0 });
        return port.request(request);
      });
    },
    watch: (request) => port.watch(request),
  };
}

function withoutUndefined(query: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

export function mortalGit(git: PolicyGit, pulse: Pulse): PolicyGit {
  return {
    ...noting(git, "git", pulse),
    fetch: () => pulse.read(() => git.fetch()),
    readPull: (pull) => pulse.read(() => git.readPull(pull)),
    push(commit) {
      pulse.called("git", "push");
      return pulse.write(`push ${commit.branch}`, () => git.push(commit));
    },
    deleteBranch(branch, at) {
      pulse.called("git", "deleteBranch");
      return pulse.write(`deleteBranch ${branch}`, () => git.deleteBranch(branch, at));
    },
  };
}

/** A forge whose every request may be the last: `open` makes its client with what stands around each of them. */
export function mortalForge(open: (around: Around) => Forge, pulse: Pulse): Forge {
  const forge = open((asked, send) => {
    if (!asked.write) return pulse.read(send);
    const about = asked.report ?? asked.head ?? (asked.number === undefined ? "" : `#${asked.number}`);
    return pulse.write(`${asked.name} ${about}`.trim(), send);
  });
  return noting(forge, "forge", pulse);
}

/** A forge that is somewhere else: what a member sends is not seen, so each that may write counts as one write. */
export function distantForge(forge: Forge, pulse: Pulse): Forge {
  const { push } = forge;
  const { read, write } = pulse;
  return {
    list: (prefix) => read(() => forge.list(prefix)),
    listOpen: (base) => read(() => forge.listOpen(base)),
    files: (number) => read(() => forge.files(number)),
    history: (number) => read(() => forge.history(number)),
    keepComment: (number, marker, body) => write(`comment #${number}`, () => forge.keepComment(number, marker, body)),
    report: (report) => write(`report ${report.name}`, () => forge.report(report)),
    merge: (number, request) => write(`merge #${number}`, () => forge.merge(number, request)),
    keepIssue: (issue) => write("issue", () => forge.keepIssue(issue)),
    ...(push === undefined ? {} : { push: (commit) => write(`push ${commit.branch}`, () => push(commit)) }),
    open: (request) => write(`open ${request.head}`, () => forge.open(request)),
    update: (number, change) => write(`update #${number}`, () => forge.update(number, change)),
    close: (number, comment) => write(`close #${number}`, () => forge.close(number, comment)),
  };
}

/** The port, whose every call is noted. */
function noting<P extends object>(port: P, name: PortName, pulse: Pulse): P {
  return Object.fromEntries(
    Object.entries(port).map(([member, call]: [string, unknown]) => [
      member,
      typeof call !== "function"
        ? call
        : (...args: readonly unknown[]): unknown => {
            pulse.called(name, member);
            return Reflect.apply(call, port, args);
          },
    ]),
  ) as P;
}
