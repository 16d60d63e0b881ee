// The option --allow-recipe-image, which more than one command takes.
import { readImagePrefix } from "../core/recipe-images.ts";
import { wrongUse } from "./wrong-use.ts";

/** In order and once each, so that the same set gives the same bytes. Throws UserError for what is no prefix. */
export function readImagePrefixes(command: string, texts: readonly string[]): readonly string[] {
  const prefixes = texts.map((text) => {
    const prefix = readImagePrefix(text);
    if (prefix === undefined)
      throw wrongUse(
        command,
        `--allow-recipe-image ${text}: write REGISTRY or REGISTRY/PATH, for example registry.example.com/ringward`,
      );
    return prefix;
  });
  return [...new Set(prefixes)].toSorted();
}
