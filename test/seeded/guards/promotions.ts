// Guards of promotions: what is offered, what is asked for and what is written (A2, A4-A6, R3 and DESIGN's "Approval").
import { inFile, type Mutant } from "../mutant.ts";

export const PROMOTIONS: readonly Mutant[] = [
  ...inFile("controller/core/promotion/stops.ts", {
    "promotion.brakes": {
      find: "  ({ input }) => stopsProposals(input.policy),\n",
      replace: "",
      says: "promotions are written on a history that was rewritten",
    },
    "promotion.automatic-only": {
      find: "return isWrittenUnasked(outcome.ring, outcome.entries, baseline);",
      replace: 'return outcome.ring.name !== "";',
      says: "Ringward approves by itself in every ring",
    },
    "promotion.forge-down": {
      find: "input.proposals === undefined && !isAutomatic(offer)",
      replace: "input.proposals === undefined && offer.baseline === ''",
      says: "proposals are opened without knowing which are open",
      equivalent:
        "where the forge's list was not read, what carries proposals out is given no forge (promoter.ts, promote), so none is opened or closed and no branch is made: this check gives the reason its name",
    },
    "promotion.answered": {
      find: "  (scene, entry) => (isAutomatic(scene.offer) ? undefined : findAnswer(scene, entry)),\n",
      replace: "",
      says: "what a person refused is asked for again",
    },
    "promotion.refused": {
      find: "  if (refused !== undefined) return describeRejection(refused, entry.level.name);\n",
      replace: "",
      says: "a level that a person refused is proposed again",
    },
  }),
  ...inFile("controller/core/promotion/offers.ts", {
    "offer.soaked": {
      find: "return new Set([...first].filter((digest) => others.every((other) => other.has(digest))));",
      replace: "return new Set([...first, ...others.flatMap((other) => [...other])]);",
      says: "a ring is offered what only one of its predecessors has soaked",
    },
    "offer.soaked-record": {
      find: "level.baseline === baseline && level.soakedTime !== undefined && level.withdrawnTime === undefined,",
      replace: "level.baseline === baseline && level.withdrawnTime === undefined,",
      says: "a ring is offered what its predecessors have not soaked",
    },
    "offer.withdrawn": {
      find: "const kept = soaked.filter((level) => track.withdrawnAt(ring.name, level.digest) === undefined);",
      replace: "const kept = soaked;",
      says: "a level that was withdrawn is offered again",
    },
    "offer.withdrawn-first": {
      find: "  if (withdrawn !== undefined)\n    return wait(",
      replace: "  if (withdrawn === '')\n    return wait(",
      says: "the first ring is offered again what was withdrawn in it",
    },
    "offer.newer-only": {
      find: "const usable = found.level !== undefined && track.isNewer(found.level, current) ? found.level : undefined;",
      replace:
        "const usable = found.level !== undefined && found.level.digest !== current?.digest ? found.level : undefined;",
      says: "a ring is offered a level that is older than its own",
    },
    "offer.train": {
      find: 'if (underWay === undefined || ring.spec.onSupersede === "Restart") return {',
      replace: "if (ring.name !== '') return {",
      says: "a newer level overtakes one that is on its way to the last ring",
    },
  }),
];
