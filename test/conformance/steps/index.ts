// The whole script, in the order in which it is played. Chapters do not use each other's objects, but for the node of nodes.ts.
import type { Step } from "../step.ts";
import { applies } from "./applies.ts";
import { coordination } from "./coordination.ts";
import { custom } from "./custom.ts";
import { deletion } from "./deletion.ts";
import { forgetting } from "./forgetting.ts";
import { impersonation } from "./impersonation.ts";
import { lists } from "./lists.ts";
import { nodes } from "./nodes.ts";
import { objects } from "./objects.ts";
import { patches } from "./patches.ts";
import { pods } from "./pods.ts";
import { protocol } from "./protocol.ts";
import { watches } from "./watches.ts";
import { workloads } from "./workloads.ts";

export const SCRIPT: readonly Step[] = [
  ...objects,
  ...lists,
  ...watches,
  ...patches,
  ...applies,
  ...nodes,
  ...pods,
  ...workloads,
  ...deletion,
  ...coordination,
  ...protocol,
  ...custom,
  ...impersonation,
  // The last one: it starts the real server anew.
  ...forgetting,
];
