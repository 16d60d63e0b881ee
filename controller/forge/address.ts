// Where a forge may be: an address that does not show our token to anybody on the way.
import { UserError } from "../errors.ts";

export function isLoopback(url: URL): boolean {
  return url.hostname === "localhost" || url.hostname === "[::1]" || /^127(\.\d+){3}$/.test(url.hostname);
}

/** Throws UserError RW0710. */
export function checkAddress(apiUrl: string): URL {
  let url: URL;
  try {
    url = new URL(apiUrl);
  } catch {
    throw new UserError(
      "RW0710",
      `forge address ${JSON.stringify(apiUrl)} is not a URL`,
      "write https://api.github.com, https://HOST/api/v3 for GitHub Enterprise Server, or https://HOST/api/v1 for Gitea and Forgejo",
    );
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url))) {
    throw new UserError("RW0710", `forge address ${url.origin} would send our token in the clear`, "use https://");
  }
  if (url.username !== "" || url.password !== "")
    throw new UserError(
      "RW0710",
      `forge address ${url.origin} carries credentials`,
      "put the token into the file that the PolicyRepository's auth names",
    );
  return url;
}
