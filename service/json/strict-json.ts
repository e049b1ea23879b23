import { isUtf8 } from "node:buffer";
import type { Json, JsonObject } from "../decide/json.ts";
import { RemitError } from "../errors.ts";
import { findDuplicateKey } from "./duplicate-key.ts";

/** Bounds of one document. `nodesMax` counts values and members together. */
export interface JsonLimits {
  readonly depthMax: number;
  readonly nodesMax: number;
  /** Accept integers beyond 2^53-1, which lose digits; for documents where that is known to do no harm. */
  readonly largeIntegers?: boolean;
}

/**
 * Parses one JSON document strictly (RFC 8259 with I-JSON's restrictions, RFC 7493): UTF-8 without BOM, no duplicate keys,
 * no lone surrogates, no integer that a double cannot hold, no `__proto__`, bounded depth and size.
 * Throws RemitError `body_not_json` or `body_unsafe` with the path named.
 */
export function parseStrictJson(bytes: Buffer, limits: JsonLimits): Json {
  const text = decode(bytes);
  const value = parse(text);
  const walk: Walk = { limits, keys: 0, nodes: 0 };
  check(value, 1, [], walk);
  if (countKeys(text) !== walk.keys) refuse(findDuplicateKey(text), "duplicate key");
  return value;
}

function decode(bytes: Buffer): string {
  if (bytes.length === 0) throw new RemitError("body_not_json", "the body is empty; send one JSON object");
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    throw new RemitError("body_not_json", "the body starts with a byte order mark; send UTF-8 without one");
  if (!isUtf8(bytes)) throw new RemitError("body_not_json", "the body is not valid UTF-8");
  return bytes.toString("utf8");
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    // V8's message quotes the body, which may hold secrets: keep only the position.
    const position = /position (\d+)/.exec(cause instanceof Error ? cause.message : "")?.[1];
    throw new RemitError(
      "body_not_json",
      position === undefined ? "the body is not JSON" : `the body is not JSON at character ${position}`,
    );
  }
}

interface Walk {
  readonly limits: JsonLimits;
  keys: number;
  nodes: number;
}

type Path = (string | number)[];

function check(value: Json, depth: number, path: Path, walk: Walk): void {
  if (++walk.nodes > walk.limits.nodesMax) refuse(path, `more than ${walk.limits.nodesMax} values`);
  if (typeof value === "string") {
    if (!value.isWellFormed()) refuse(path, "lone surrogate in a string");
  } else if (typeof value === "number") {
    checkNumber(value, path, walk.limits.largeIntegers ?? false);
  } else if (typeof value === "object" && value !== null) {
    if (depth > walk.limits.depthMax) refuse(path, `nested deeper than ${walk.limits.depthMax} levels`);
    if (isArray(value)) checkArray(value, depth, path, walk);
    else checkObject(value, depth, path, walk);
  }
}

function isArray(value: readonly Json[] | JsonObject): value is readonly Json[] {
  return Array.isArray(value);
}

function checkNumber(value: number, path: Path, large: boolean): void {
  if (!Number.isFinite(value)) refuse(path, "number out of range");
  if (!large && Number.isInteger(value) && !Number.isSafeInteger(value)) refuse(path, "integer beyond 2^53-1; send it as a string");
}

function checkArray(values: readonly Json[], depth: number, path: Path, walk: Walk): void {
  for (let i = 0; i < values.length; i++) {
    path.push(i);
    check(values[i] as Json, depth + 1, path, walk);
    path.pop();
  }
}

function checkObject(object: JsonObject, depth: number, path: Path, walk: Walk): void {
  for (const key of Object.keys(object)) {
    walk.keys++;
    path.push(key);
    if (key === "__proto__") refuse(path, "key `__proto__` is not allowed");
    if (!key.isWellFormed()) refuse(path, "lone surrogate in a key");
    check(object[key] as Json, depth + 1, path, walk);
    path.pop();
  }
}

/** Counts member names in the text: strings followed by a colon. More of them than parsed keys means a duplicate. */
function countKeys(text: string): number {
  let count = 0;
  for (let open = text.indexOf('"'); open >= 0; ) {
    const close = closingQuote(text, open);
    let next = close + 1;
    while (isSpace(text.charCodeAt(next))) next++;
    if (text.charCodeAt(next) === 58) count++;
    open = text.indexOf('"', next);
  }
  return count;
}

function closingQuote(text: string, open: number): number {
  let close = text.indexOf('"', open + 1);
  while (isEscaped(text, close)) close = text.indexOf('"', close + 1);
  return close;
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0;
  while (text.charCodeAt(at - 1 - slashes) === 92) slashes++;
  return slashes % 2 === 1;
}

function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

/** RFC 6901 pointer; lone surrogates are shown as U+FFFD so that the error itself is sound. */
export function pointer(path: readonly (string | number)[]): string {
  return path.map((part) => `/${String(part).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function refuse(path: readonly (string | number)[], message: string): never {
  const at = pointer(path).slice(0, 500);
  throw new RemitError("body_unsafe", `${message} at \`${at}\``, { errors: [{ path: at, message }] });
}
