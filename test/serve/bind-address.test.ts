import { describe, expect, it } from "vitest";
import { formatAddress, readBindAddress } from "../../controller/serve/bind-address.ts";

describe("a bind address", () => {
  it.each([
    [":8080", { host: undefined, port: 8080 }],
    ["127.0.0.1:8080", { host: "127.0.0.1", port: 8080 }],
    ["localhost:0", { host: "localhost", port: 0 }],
    ["[::1]:8081", { host: "::1", port: 8081 }],
    ["[::]:65535", { host: "::", port: 65535 }],
  ])("is read from %s, and written as it was", (text, address) => {
    expect(readBindAddress("--flag", text)).toEqual(address);
    expect(formatAddress(address)).toBe(text);
  });

  it("may be nowhere", () => {
    expect(readBindAddress("--flag", "0")).toBeUndefined();
    expect(readBindAddress("--flag", "")).toBeUndefined();
  });

  it.each([
    "8080",
    ":",
    ":65536",
    ":80x",
    "::1:80",
    "http://localhost:80",
    "a b:80",
    ":-1",
    "[zz]:80",
    ":8080/metrics",
  ])("is not %s", (text) => {
    expect(() => readBindAddress("--metrics-bind-address", text)).toThrow(
      `--metrics-bind-address ${text}: this is no address to listen at (write :8080, `,
    );
  });
});
