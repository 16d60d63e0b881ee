// Plain (unquoted) YAML scalars: YAML 1.2 core values, and a refusal of every spelling that YAML 1.1 readers (kubectl, helm) read as
// something else: 0644 is 420 for them and 644 for us, `on` is true for them and a string for us. Policy that two readers read
// differently is worse than none (measured table: research/ts-ecosystem.md 1.3). Pure.

/** What a plain scalar means, or why it is refused. */
export type PlainScalar =
  | { readonly kind: "Value"; readonly value: string | number | boolean | null }
  | { readonly kind: "Refused"; readonly code: "YamlAmbiguous" | "YamlNumber"; readonly message: string };

const decimal = /^[-+]?[0-9]+$/;
const hexadecimal = /^0x[0-9a-fA-F]+$/;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const bool11 = /^(?:y|Y|yes|Yes|YES|n|N|no|No|NO|on|On|ON|off|Off|OFF)$/;

/** Spellings whose meaning differs between YAML 1.1 and 1.2, each with what they are to whom. */
const ambiguous: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: bool11, why: "kubectl and helm read it as true or false, YAML 1.2 as a string" },
  {
    pattern: /^[-+]?0[0-9][0-9_]*$/,
    why: "with a leading 0 it is an octal number to kubectl and helm, a decimal one to YAML 1.2",
  },
  { pattern: /^[-+]?0o[0-7_]+$/, why: "YAML 1.2 reads it as an octal number, YAML 1.1 as a string" },
  { pattern: /^[-+]?0b[01_]+$/, why: "YAML 1.1 reads it as a binary number, YAML 1.2 as a string" },
  { pattern: /^[-+]0x[0-9a-fA-F_]+$/, why: "YAML 1.1 reads it as a number, YAML 1.2 as a string" },
  { pattern: /^0x[0-9a-fA-F]*_[0-9a-fA-F_]*$/, why: "YAML 1.1 reads it as a number, YAML 1.2 as a string" },
  {
    pattern: /^[-+]?(?=.*_)(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\._*[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?$/,
    why: "YAML 1.1 reads it as a number without the _, YAML 1.2 as a string",
  },
  {
    pattern: /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/,
    why: "YAML 1.1 reads it as a number in base 60, YAML 1.2 as a string",
  },
  // YAML 1.1 floats need a dot and a signed exponent; a short commit id such as 12e4567 would silently become a number.
  {
    pattern: /^[-+]?[0-9]+[eE][-+]?[0-9]+$|^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)[eE][0-9]+$/,
    why: "YAML 1.2 reads it as a number, YAML 1.1 as a string",
  },
];

function startsLikeSpecial(code: number): boolean {
  // digits + - . and the first letters of yes no on off true false null, and ~
  return (
    (code >= 48 && code <= 57) ||
    code === 43 ||
    code === 45 ||
    code === 46 ||
    code === 126 ||
    "yYnNoOtTfF".includes(String.fromCharCode(code))
  );
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

/** Reads one plain scalar's text. */
export function readPlainScalar(text: string): PlainScalar {
  if (text === "") return { kind: "Value", value: null };
  if (!startsLikeSpecial(text.charCodeAt(0))) return { kind: "Value", value: text };
  switch (text) {
    case "~":
    case "null":
    case "Null":
    case "NULL":
      return { kind: "Value", value: null };
    case "true":
    case "True":
    case "TRUE":
      return { kind: "Value", value: true };
    case "false":
    case "False":
    case "FALSE":
      return { kind: "Value", value: false };
  }
  // A word: of all that follows only yes, no, on and off begin with a letter.
  if (isLetter(text.charCodeAt(0)) && !bool11.test(text)) return { kind: "Value", value: text };
  for (const { pattern, why } of ambiguous) {
    if (pattern.test(text)) return { kind: "Refused", code: "YamlAmbiguous", message: `${text} is ambiguous: ${why}` };
  }
  if (/^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/.test(text)) {
    return { kind: "Refused", code: "YamlNumber", message: `${text} is not a number that JSON can hold` };
  }
  if (decimal.test(text) || hexadecimal.test(text)) {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) {
      return { kind: "Refused", code: "YamlNumber", message: `${text} has more digits than a number can hold exactly` };
    }
    return { kind: "Value", value: value + 0 };
  }
  if (float.test(text)) {
    const value = Number(text);
    if (!Number.isFinite(value))
      return { kind: "Refused", code: "YamlNumber", message: `${text} is larger than a number can be` };
    return { kind: "Value", value: value + 0 };
  }
  return { kind: "Value", value: text };
}

/** What a plain mapping key is refused for, or undefined when it is simply a string. */
export function refusePlainKey(text: string): { readonly code: string; readonly message: string } | undefined {
  if (text === "<<") return { code: "YamlMergeKey", message: "merge keys (<<) are not allowed" };
  const read = readPlainScalar(text);
  if (read.kind === "Refused") return { code: read.code, message: `key ${read.message}` };
  if (typeof read.value === "string") return undefined;
  return {
    code: "YamlKey",
    message:
      text === ""
        ? "a key is empty"
        : `key ${text} is a ${read.value === null ? "null" : typeof read.value}, not a string`,
  };
}
