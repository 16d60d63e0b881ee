// What a controller that does not lead does with a webhook: it asks the leader to look, as a person would, and the leader sees that by its
// watch. It need not know whether anybody leads: who leads next looks at once. A write that fails is told once and changes nothing, because
// polling covers it. One at a time, however long the API server takes.
import type { Clock, Random } from "../clock.ts";
import type { Client } from "../kube/client.ts";
import { findRepository, newRequest, requestLook } from "./look-request.ts";

export interface HandOverPorts {
  /** Writes whoever leads. */
  readonly client: Client;
  /** Policy time. */
  readonly clock: Clock;
  readonly random: Random;
  /** Hears of the first failure after a success. */
  readonly onError: (error: unknown) => void;
}

/** Hands pokes on. The one who calls has bounded how often. */
export function createHandOver({ client, clock, random, onError }: HandOverPorts): () => void {
  let underWay = false;
  let again = false;
  let failing = false;

  async function ask(): Promise<void> {
    try {
      const repository = await findRepository(client);
      // Nobody looks while it is suspended, and whoever resumes it is looked for anyway.
      if (repository === undefined || repository.spec.suspend === true) return;
      await requestLook(client, repository, newRequest(clock.now(), random));
      failing = false;
    } catch (error) {
      if (!failing) onError(error);
      failing = true;
    }
  }

  async function askOnce(): Promise<void> {
    underWay = true;
    do {
      again = false;
      await ask();
    } while (again);
    underWay = false;
  }

  return () => {
    if (underWay) again = true;
    else void askOnce();
  };
}
