import { BuiltinError } from "../../builtins/builtin.ts";

/** Go's own bound of `key=value` pairs in a query. */
const pairsMax = 10_000;

/** Go's `url.QueryEscape`, over bytes as latin1. */
export function queryEscape(bytes: string): string {
  return bytes.replace(/[^A-Za-z0-9\-_.~]/g, (byte) => escapes[byte.charCodeAt(0)] ?? byte);
}

const escapes: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  return byte === 0x20 ? "+" : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});

/** Go's `url.QueryUnescape`, over bytes as latin1; throws a {@link BuiltinError} for `%` without two hexadecimal digits. */
export function queryUnescape(bytes: string): string {
  return bytes.replaceAll("+", " ").replace(/%([0-9A-Fa-f]{2})?/g, (_all, digits: string | undefined) => {
    if (digits === undefined) throw new BuiltinError("invalid URL escape: `%` without two digits");
    return String.fromCharCode(Number.parseInt(digits, 16));
  });
}

/** Go's `url.ParseQuery`, over bytes as latin1: the values of each key, in the order of the query. */
export function parseQuery(query: string): ReadonlyMap<string, readonly string[]> {
  const pairs = query.split("&", pairsMax + 1);
  if (pairs.length > pairsMax) throw new BuiltinError("number of URL query parameters exceeded limit");
  const values = new Map<string, string[]>();
  for (const pair of pairs) {
    if (pair.includes(";")) throw new BuiltinError("invalid semicolon separator in query");
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = queryUnescape(equals < 0 ? pair : pair.slice(0, equals));
    const value = queryUnescape(equals < 0 ? "" : pair.slice(equals + 1));
    const known = values.get(key);
    if (known === undefined) values.set(key, [value]);
    else known.push(value);
  }
  return values;
}
