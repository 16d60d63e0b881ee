// A command that was called in a way it does not understand. One code for all commands, in a file that costs nothing to load.
import { UserError } from "../errors.ts";

export function wrongUse(command: string, message: string): UserError {
  return new UserError("RW0210", message, `ringward ${command} --help says more`);
}
