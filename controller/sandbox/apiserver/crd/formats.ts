// The string formats that apiextensions checks (v1 supported formats); an unknown format is not checked, as documented.

const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {
  "date-time": (value) =>
    /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)$/u.test(value) &&
    !Number.isNaN(Date.parse(value.replace(" ", "T"))),
  date: (value) => /^\d{4}-\d\d-\d\d$/u.test(value) && !Number.isNaN(Date.parse(value)),
  duration: (value) =>
    /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h|d|w))*$/u.test(
      value.replaceAll(" ", ""),
    ),
  uuid: (value) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/iu.test(value),
  email: (value) => /^[^\s@]+@[^\s@]+$/u.test(value),
  hostname: (value) =>
    value.length <= 255 &&
    /^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$/u.test(value),
  ipv4: (value) => /^(\d{1,3})(\.\d{1,3}){3}$/u.test(value) && value.split(".").every((part) => Number(part) < 256),
  ipv6: (value) => value.includes(":") && URL.canParse(`http://[${value}]/`),
  cidr: (value) => /^[0-9a-fA-F.:]+\/\d{1,3}$/u.test(value),
  mac: (value) => /^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$/u.test(value),
  uri: (value) => URL.canParse(value),
  byte: (value) => /^[A-Za-z0-9+/]*={0,2}$/u.test(value) && value.length % 4 === 0,
};

/** False only for a known format that the value does not have. */
export function matchesFormat(format: string, value: string): boolean {
  return FORMATS[format]?.(value) ?? true;
}

/** A schema's pattern (RE2 in Kubernetes) as a regular expression; undefined when it cannot be one. */
export function readPattern(pattern: string): RegExp | undefined {
  // RE2 lets any punctuation be escaped; JavaScript only does without the `u` flag.
  for (const flags of ["u", ""]) {
    try {
      return new RegExp(pattern, flags);
    } catch {
      continue;
    }
  }
  return undefined;
}
