import { Buffer } from "node:buffer";
import { textOf } from "../value/bytes.ts";
import type { Value } from "../value/value.ts";
import { type Builtin, type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { stringOf } from "./operands.ts";

interface Alphabet {
  readonly encoding: "base64" | "base64url";
  readonly foreign: RegExp;
}

const standard: Alphabet = { encoding: "base64", foreign: /[^A-Za-z0-9+/]/ };
const url: Alphabet = { encoding: "base64url", foreign: /[^A-Za-z0-9_-]/ };

/** As Go's `encoding/base64` reads it (RFC 4648): padding must be there, line breaks may be anywhere, bits left over count for nothing. */
function decode(text: string, { encoding, foreign }: Alphabet): Buffer | undefined {
  const characters = text.replace(/[\r\n]/g, "");
  if (characters.length % 4 !== 0) return undefined;
  const body = characters.slice(0, characters.length - (characters.endsWith("==") ? 2 : characters.endsWith("=") ? 1 : 0));
  return foreign.test(body) ? undefined : Buffer.from(body, encoding);
}

/** Padding that is not there at all is added first, for the length with line breaks. */
function padded(text: string): string {
  return text.endsWith("=") ? text : text + "=".repeat(-text.length & 3);
}

function decoder(alphabet: Alphabet, prepare = (text: string) => text): Builtin {
  return ([encoded], context) => {
    const text = stringOf(encoded);
    context.spend(text.length);
    const bytes = decode(prepare(text), alphabet);
    if (bytes === undefined) throw new BuiltinError("illegal base64");
    return textOf(bytes);
  };
}

function isValid(text: Value | undefined, context: BuiltinContext): boolean {
  if (typeof text !== "string") return false;
  context.spend(text.length);
  return decode(text, standard) !== undefined;
}

/** `base64.decode`, `base64.is_valid` and `base64url.decode`; encoding is left to the module. */
export const base64: Family = {
  "base64.decode": decoder(standard),
  "base64.is_valid": ([text], context) => isValid(text, context),
  "base64url.decode": decoder(url, padded),
};
