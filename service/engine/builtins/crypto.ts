import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { bytesOf } from "../value/bytes.ts";
import type { Value } from "../value/value.ts";
import type { Builtin, BuiltinContext, Family } from "./builtin.ts";
import { stringOf } from "./operands.ts";

/** The bytes of a string operand, with what it takes to digest them paid. */
function paidBytes(value: Value | undefined, context: BuiltinContext): Buffer {
  const bytes = bytesOf(stringOf(value));
  context.spend(bytes.length / 4);
  return bytes;
}

function digest(algorithm: string): Builtin {
  return ([text], context) => createHash(algorithm).update(paidBytes(text, context)).digest("hex");
}

function mac(algorithm: string): Builtin {
  return ([message, key], context) => {
    const bytes = paidBytes(message, context);
    return createHmac(algorithm, paidBytes(key, context)).update(bytes).digest("hex");
  };
}

/** `crypto.*` for digests; the digests are over the bytes of strings, in hexadecimal. */
export const crypto: Family = {
  "crypto.md5": digest("md5"),
  "crypto.sha1": digest("sha1"),
  "crypto.sha256": digest("sha256"),
  "crypto.hmac.md5": mac("md5"),
  "crypto.hmac.sha1": mac("sha1"),
  "crypto.hmac.sha256": mac("sha256"),
  "crypto.hmac.sha512": mac("sha512"),
  "crypto.hmac.equal"([first, second], context) {
    const [a, b] = [paidBytes(first, context), paidBytes(second, context)];
    return a.length === b.length && timingSafeEqual(a, b);
  },
};
