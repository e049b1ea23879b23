import type { Buffer } from "node:buffer";
import { decodeObject, regoMaking } from "../../go/json/decode.ts";
import { bytesOf, textOf } from "../../value/bytes.ts";
import type { RegoObject, Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { stringOf } from "../operands.ts";
import { decodeSegment } from "./base64.ts";

/** The three segments of a JWS in its compact form (RFC 7515, section 7.1), not decoded. */
export interface Token {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
}

/** What a JOSE header says of the token (RFC 7515, section 4); a text is empty when it is not there. */
export interface JoseHeader {
  readonly alg: string;
  readonly kid: string;
  readonly cty: string;
  /** Whether `crit` has a member that is in the header and that OPA does not know. */
  readonly unknownCritical: boolean;
}

/** Takes a compact JWS apart. Throws a {@link BuiltinError} when it has not three segments. */
export function splitToken(text: string): Token {
  const [header, payload, signature, more] = text.split(".", 4);
  if (header === undefined || payload === undefined || signature === undefined || more !== undefined)
    throw new BuiltinError("a JWT has three segments with periods between them");
  return { header, payload, signature };
}

/** The bytes that are signed. */
export function signingInput({ header, payload }: Token): Buffer {
  return bytesOf(`${header}.${payload}`);
}

/** What JSON of many small values takes. */
const unitsPerByte = 8;

/** The JSON object in a segment. */
export function decodeJson(segment: string, context: BuiltinContext): RegoObject {
  return parseObject(textOf(decodeSegment(segment)), context);
}

/** One JSON object. OPA asks its decoder for one more token, and takes a `null` there for the end. */
export function parseObject(text: string, context: BuiltinContext): RegoObject {
  context.spend(text.length * unitsPerByte);
  const { value, end } = decodeObject(text, regoMaking);
  if (!/^[ \t\r\n]*(?:$|null)/.test(text.slice(end))) throw new BuiltinError("JSON with more behind its end");
  return value;
}

/** The header; one of an encrypted token (RFC 7516, section 9) is refused. */
export function decodeHeader({ header }: Token, context: BuiltinContext): RegoObject {
  const decoded = decodeJson(header, context);
  if (decoded.get("enc") !== undefined) throw new BuiltinError("encrypted JWTs are not supported");
  return decoded;
}

const known = ["alg", "kid", "typ", "cty"] as const;

/** Reads the members that OPA knows, which must be of their type. */
export function joseHeader(header: RegoObject): JoseHeader {
  const [alg = "", kid = "", , cty = ""] = known.map((name) => optionalText(header.get(name)));
  const critical = criticalNames(header.get("crit"));
  const unknown = header.entries.map(([name]) => name).filter((name) => name !== "crit" && !known.includes(name as "alg"));
  return { alg, kid, cty, unknownCritical: unknown.some((name) => critical.has(name)) };
}

function optionalText(value: Value | undefined): string {
  return value === undefined ? "" : stringOf(value);
}

/** Names up to the first item that is none, of which there must be one. */
function criticalNames(value: Value | undefined): ReadonlySet<Value> {
  if (value === undefined) return new Set();
  if (!Array.isArray(value)) throw new BuiltinError("`crit` is not an array");
  const items = value as readonly Value[];
  const end = items.findIndex((item) => typeof item !== "string");
  const names = end < 0 ? items : items.slice(0, end);
  if (names.length === 0) throw new BuiltinError("`crit` names nothing");
  return new Set(names);
}
