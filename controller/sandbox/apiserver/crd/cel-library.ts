// Kubernetes' CEL libraries that rules may call (docs: "CEL in Kubernetes", community libraries): quantities, URLs, regular
// expressions, lists and strings. Registered once; every function is pure.
import type { Environment } from "@marcbachmann/cel-js";
import { compareQuantities, isQuantity, parseQuantity } from "../quantity.ts";
import type { Quantity } from "../quantity.ts";

/** A parsed quantity inside an expression. */
export class CelQuantity {
  readonly quantity: Quantity;
  constructor(quantity: Quantity) {
    this.quantity = quantity;
  }
}

/** A parsed URL inside an expression. */
export class CelUrl {
  readonly url: URL;
  constructor(url: URL) {
    this.url = url;
  }
}

const LONGEST_TEXT = 100_000;

/** Matches as RE2 would, on bounded input: patterns come from definitions, not from objects. */
function expression(pattern: string, flags = "u"): RegExp {
  return new RegExp(pattern, flags);
}

function sum(list: readonly unknown[]): unknown {
  if (list.every((item) => typeof item === "bigint"))
    return list.reduce<bigint>((total, item) => total + (item as bigint), 0n);
  return list.reduce<number>((total, item) => total + Number(item), 0);
}

function before(a: unknown, b: unknown): boolean {
  return (a as number) < (b as number);
}

/** Registers the functions; call it once for an environment. */
export function registerKubernetesLibrary(environment: Environment): void {
  const add = (signature: string, handler: (...args: never[]) => unknown): void => {
    environment.registerFunction(signature, handler as never);
  };
  environment.registerType("CelQuantity", CelQuantity);
  environment.registerType("CelUrl", CelUrl);
  add("quantity(string): CelQuantity", (text: string) => new CelQuantity(parseQuantity(text)));
  add("isQuantity(string): bool", (text: string) => isQuantity(text));
  add("CelQuantity.compareTo(CelQuantity): int", (a: CelQuantity, b: CelQuantity) =>
    BigInt(compareQuantities(a.quantity, b.quantity)),
  );
  add(
    "CelQuantity.isGreaterThan(CelQuantity): bool",
    (a: CelQuantity, b: CelQuantity) => compareQuantities(a.quantity, b.quantity) > 0,
  );
  add(
    "CelQuantity.isLessThan(CelQuantity): bool",
    (a: CelQuantity, b: CelQuantity) => compareQuantities(a.quantity, b.quantity) < 0,
  );
  add("CelQuantity.asInteger(): int", (a: CelQuantity) => BigInt(Math.trunc(a.quantity.value)));
  add("CelQuantity.asApproximateFloat(): double", (a: CelQuantity) => a.quantity.value);

  add("url(string): CelUrl", (text: string) => new CelUrl(new URL(text)));
  add("isURL(string): bool", (text: string) => URL.canParse(text));
  add("CelUrl.getScheme(): string", (a: CelUrl) => a.url.protocol.replace(/:$/u, ""));
  add("CelUrl.getHost(): string", (a: CelUrl) => a.url.host);
  add("CelUrl.getHostname(): string", (a: CelUrl) => a.url.hostname);
  add("CelUrl.getPort(): string", (a: CelUrl) => a.url.port);
  add("CelUrl.getEscapedPath(): string", (a: CelUrl) => a.url.pathname);

  add(
    "string.find(string): string",
    (text: string, pattern: string) => expression(pattern).exec(text.slice(0, LONGEST_TEXT))?.[0] ?? "",
  );
  add(
    "string.findAll(string): list<string>",
    (text: string, pattern: string) => text.slice(0, LONGEST_TEXT).match(expression(pattern, "gu")) ?? [],
  );

  add("list.isSorted(): bool", (list: readonly unknown[]) =>
    list.every((item, index) => index === 0 || !before(item, list[index - 1])),
  );
  add("list.sum(): dyn", sum);
  add("list.min(): dyn", (list: readonly unknown[]) =>
    list.reduce((least, item) => (before(item, least) ? item : least)),
  );
  add("list.max(): dyn", (list: readonly unknown[]) => list.reduce((most, item) => (before(most, item) ? item : most)));
  add("list.indexOf(dyn): int", (list: readonly unknown[], item: unknown) => BigInt(list.indexOf(item)));
  add("list.lastIndexOf(dyn): int", (list: readonly unknown[], item: unknown) => BigInt(list.lastIndexOf(item)));
  add("isIP(string): bool", (text: string) => isIp(text));
  add(
    "isCIDR(string): bool",
    (text: string) => /^.+\/\d{1,3}$/u.test(text) && isIp(text.slice(0, text.lastIndexOf("/"))),
  );
}

function isIp(text: string): boolean {
  if (/^(\d{1,3})(\.\d{1,3}){3}$/u.test(text)) return text.split(".").every((part) => Number(part) < 256);
  return text.includes(":") && URL.canParse(`http://[${text}]/`);
}
