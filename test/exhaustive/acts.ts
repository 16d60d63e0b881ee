// What a person may do once in a search, and how it is made good in the end, where it keeps the rollout from its end.
import { type Client, createClient } from "../../controller/kube/client.ts";
import { retryTarget } from "../../controller/cli/act-target.ts";
import { UserError } from "../../controller/errors.ts";
import { DISRUPTION_LEDGERS, NODES, type Resource, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import { at } from "../../controller/sandbox/invariants/readings.ts";
import type { Scene } from "./scene.ts";
import type { CountedServer } from "./server.ts";

export interface Act {
  /** Answers whether there was something to do. */
  readonly does: (scene: Scene, server: CountedServer) => Promise<boolean>;
  /** Left out: nothing is to be made good. */
  readonly undo?: (scene: Scene, server: CountedServer) => Promise<void>;
}

function personOf({ clock }: Scene, server: CountedServer): Client {
  return createClient(server.as("admin"), { fieldManager: "kubectl", clock });
}

async function merge(client: Client, resource: Resource, name: string, body: object): Promise<void> {
  await client.patch(resource, { name }, { type: "merge", body });
}

/** The first node: with more of them the others are like it. */
function firstNode({ nodes }: Scene): string {
  return nodes[0] ?? "";
}

async function isCordoned(client: Client, name: string): Promise<boolean> {
  const node = await client.get(NODES, { name });
  return at(node?.spec, "unschedulable") === true;
}

async function setCordon(scene: Scene, server: CountedServer, on: boolean): Promise<boolean> {
  const client = personOf(scene, server);
  const name = firstNode(scene);
  if ((await isCordoned(client, name)) === on) return false;
  await merge(client, NODES, name, { spec: { unschedulable: on || null } });
  return true;
}

const setMode = async (scene: Scene, server: CountedServer, mode: string): Promise<boolean> => {
  await merge(personOf(scene, server), DISRUPTION_LEDGERS, "cluster", { spec: { mode } });
  return true;
};

const setSuspend = async (scene: Scene, server: CountedServer, suspend: boolean): Promise<boolean> => {
  await merge(personOf(scene, server), ROLLOUT_RINGS, scene.rings[0] ?? "", { spec: { suspend } });
  return true;
};

async function retry(scene: Scene, server: CountedServer): Promise<void> {
  const words = [`node/${firstNode(scene)}`];
  try {
    await retryTarget({
      client: personOf(scene, server),
      now: scene.clock.now(),
      words,
      namespace: undefined,
      reason: "again",
    });
  } catch (error) {
    // There is nothing that waits for a person.
    if (!(error instanceof UserError)) throw error;
  }
}

export const ACTS: Readonly<Record<string, Act>> = {
  "cordons the first node": {
    does: (scene, server) => setCordon(scene, server, true),
    undo: async (scene, server) => void (await setCordon(scene, server, false)),
  },
  // Where that leaves the node without its reboot the operation has failed, and waits for a person who says: again.
  "uncordons the first node": { does: (scene, server) => setCordon(scene, server, false), undo: retry },
  "sets the mode to Stop": {
    does: (scene, server) => setMode(scene, server, "Stop"),
    undo: async (scene, server) => void (await setMode(scene, server, "Enforce")),
  },
  "suspends the first ring": {
    does: (scene, server) => setSuspend(scene, server, true),
    undo: async (scene, server) => void (await setSuspend(scene, server, false)),
  },
};
