// Where a server listens, as Kubernetes' flags write it: `:8080` on every interface, `127.0.0.1:8080` or `[::1]:8080` on one, `0` nowhere.
import { UserError } from "../errors.ts";

export interface BindAddress {
  /** Undefined: every interface. */
  readonly host: string | undefined;
  /** 0: a free one. */
  readonly port: number;
}

const HINT = "write :8080, 127.0.0.1:8080, [::1]:8080, or 0 to serve nothing";

/** The address that a flag gives, undefined where it turns the server off. Throws `UserError` RW1301. */
export function readBindAddress(flag: string, text: string): BindAddress | undefined {
  if (text === "0" || text === "") return undefined;
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535)
    throw new UserError("RW1301", `${flag} ${text}: this is no address to listen at`, HINT);
  const host = match[1] ?? match[2] ?? "";
  return { host: host === "" ? undefined : host, port };
}

/** As it was written. */
export function formatAddress({ host, port }: BindAddress): string {
  return `${host === undefined ? "" : host.includes(":") ? `[${host}]` : host}:${port}`;
}
