// Which components of an asset are excepted now. Pure; an exception ends by the clock, whatever happens to its file.
import type { Instant } from "../../clock.ts";
import type { ExceptionInForce } from "../model.ts";
import { matches } from "../selectors.ts";
import { parseRepository } from "./image-reference.ts";

export interface ExceptedAsset {
  readonly kind: "Node" | "Workload";
  /** A workload's is `namespace/name`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The exceptions that hold for an asset under a baseline: of selector and names, those that are given must all fit. */
export function exceptionsFor(
  exceptions: readonly ExceptionInForce[],
  asset: ExceptedAsset,
  baseline: string,
  now: Instant,
): readonly ExceptionInForce[] {
  return exceptions.filter(({ spec }) => {
    const { kind, names, selector } = spec.targets;
    return (
      kind === asset.kind &&
      (spec.baseline === undefined || spec.baseline === baseline) &&
      // A time that cannot be read is NaN and never in the future: the exception is over.
      Date.parse(spec.expirationTime) > now &&
      (names !== undefined || selector !== undefined) &&
      (names === undefined || names.includes(asset.name)) &&
      (selector === undefined || matches(selector, asset.labels))
    );
  });
}

/** Whether one of them covers a component; without a list of components an exception covers all. */
export function coversComponent(exceptions: readonly ExceptionInForce[], component: string): boolean {
  return exceptions.some(({ spec }) => spec.components?.some((name) => isSame(name, component)) ?? true);
}

/** Image components also by the short form of their repository: `image:nginx`. */
function isSame(name: string, component: string): boolean {
  if (name === component) return true;
  if (!name.startsWith("image:") || !component.startsWith("image:")) return false;
  const repository = parseRepository(name.slice("image:".length))?.repository;
  return repository !== undefined && repository === parseRepository(component.slice("image:".length))?.repository;
}
