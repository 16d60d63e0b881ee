// Which images recipes may run on nodes: prefixes, set when Ringward is installed. Pure. The admission policy of the job namespace says
// the same in CEL (install/policies/jobs.ts), `validate` and the policy by these functions. A prefix ends at a whole part of the
// name: `registry.example.com/ringward` allows `registry.example.com/ringward/apt`, and never `registry.example.com/ringward-evil`.

/** A registry's host, as references must write it to be told from a path on Docker Hub: with a dot, a port, or `localhost`. */
export const IMAGE_PREFIX =
  /^(?:localhost(?::\d{1,5})?|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+(?::\d{1,5})?|:\d{1,5}))(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;

/** A prefix without its closing slash; undefined where it is none. */
export function readImagePrefix(text: string): string | undefined {
  const prefix = text.replace(/\/$/, "");
  return text.length <= 512 && IMAGE_PREFIX.test(prefix) ? prefix : undefined;
}

/** What may follow a prefix. A colon behind a bare registry would be a port, and so another registry. */
export function prefixForms(prefix: string): readonly string[] {
  return prefix.includes("/") ? [`${prefix}/`, `${prefix}:`, `${prefix}@`] : [`${prefix}/`];
}

/** Whether an image is under one of the prefixes. Prefixes are as `readImagePrefix` answers them. */
export function isAllowedImage(image: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => prefixForms(prefix).some((form) => image.startsWith(form)));
}
