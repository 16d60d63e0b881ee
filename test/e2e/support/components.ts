// Starts one component of a control plane and waits until it says that it is ready. A port that somebody took in between ends the
// component, which is told with what it printed.
import { Agent, request } from "undici";
import { join } from "node:path";
import { type Program, startProgram } from "./processes.ts";
import { waitFor } from "./waiting.ts";

export interface Component {
  readonly folder: string;
  readonly name: string;
  readonly args: readonly string[];
  /** Where its output goes. */
  readonly directory: string;
  /** Answers 200 when it is ready. */
  readonly ready: string;
}

const READY_MS = 300_000;

export async function startComponent({ folder, name, args, directory, ready }: Component): Promise<Program> {
  const program = await startProgram({ file: join(folder, name), args, log: join(directory, `${name}.log`) });
  // Whether it is there, not who it is: its certificate may not have been made yet.
  const agent = new Agent({ connect: { rejectUnauthorized: false }, headersTimeout: 5_000 });
  try {
    await waitFor(
      `${name} to be ready`,
      async () => {
        if (!program.running) throw new Error(`${name} ended at once. ${program.output()}`);
        return (await isReady(ready, agent)) ? true : undefined;
      },
      { withinMs: READY_MS, everyMs: 100 },
      () => program.output(),
    );
    return program;
  } catch (error) {
    await program.stop();
    throw error;
  } finally {
    await agent.destroy();
  }
}

async function isReady(url: string, agent: Agent): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { dispatcher: agent });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}
