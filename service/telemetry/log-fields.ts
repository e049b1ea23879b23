import { RemitError } from "../errors.ts";

/** Values that go with a log line. Secrets are redacted by name and by look; everything is bounded. */
export type LogFields = Readonly<Record<string, unknown>>;

const redacted = "[redacted]";
const depthMax = 5;
const entriesMax = 50;
const textCharsMax = 2000;
const stackCharsMax = 8000;
const causesMax = 3;

// The end of the name decides: `token` and `access_token` hold a secret, `token_digest` and `token_reason` do not.
const secretName =
  /(?:token|authorization|apikey|password|passwd|passphrase|secret|cookie|credential|privatekey|signingkey|jwt|assertion|bearer)s?$/;
const separators = /[_\-.\s]/g;
// Secrets inside a text: compact JWTs, and what follows an HTTP authentication scheme.
const jwtLike = /\beyJ[\w-]+\.[\w-]*(?:\.[\w-]*){0,3}/g;
const schemeValue = /\b(Bearer|Basic|DPoP)\s+[\w\-.~+/=]{8,}/gi;

/** Fields as plain JSON values: secrets redacted, errors reduced to name, code, message and stack, sizes and depth bounded. Never throws. */
export function serializeFields(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(entriesOf(fields, 0, new Set()));
}

/** A text without anything that looks like a token, cut to a bounded length. */
export function serializeText(text: string, charsMax = textCharsMax): string {
  // Cut first: the patterns then run over a bounded text, and a token cut in half still matches.
  const cut = text.length > charsMax ? `${text.slice(0, charsMax)}… (${text.length} characters)` : text;
  return cut.replace(jwtLike, redacted).replace(schemeValue, `$1 ${redacted}`);
}

function serialize(value: unknown, depth: number, seen: ReadonlySet<object>): unknown {
  if (typeof value === "string") return serializeText(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return "[circular]";
  if (depth >= depthMax) return "[too deep]";
  return serializeObject(value, depth, new Set(seen).add(value));
}

function serializeObject(value: object, depth: number, seen: ReadonlySet<object>): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return serializeError(value, 1);
  if (Array.isArray(value)) return serializeList(value, depth, seen);
  if (value instanceof Set) return serializeList([...value], depth, seen);
  const object = value instanceof Map ? Object.fromEntries(value) : value;
  return Object.fromEntries(entriesOf(object, depth + 1, seen));
}

function serializeList(list: readonly unknown[], depth: number, seen: ReadonlySet<object>): unknown[] {
  const items = list.slice(0, entriesMax).map((item) => serialize(item, depth + 1, seen));
  return list.length > entriesMax ? [...items, `… (${list.length} items)`] : items;
}

function entriesOf(object: object, depth: number, seen: ReadonlySet<object>): [string, unknown][] {
  const names = Object.keys(object);
  const entries = names.slice(0, entriesMax).map((name): [string, unknown] => [name, serializeEntry(object, name, depth, seen)]);
  return names.length > entriesMax ? [...entries, ["…", `${names.length} fields`]] : entries;
}

function serializeEntry(object: object, name: string, depth: number, seen: ReadonlySet<object>): unknown {
  if (secretName.test(name.replace(separators, "").toLowerCase())) return redacted;
  try {
    return serialize(Reflect.get(object, name), depth, seen);
  } catch {
    // A getter or a proxy that throws must not take the log line with it.
    return "[unreadable]";
  }
}

/** Never the whole object: libraries hang requests, responses and keys on their errors. */
function serializeError(error: Error, depth: number): Record<string, unknown> {
  const code = "code" in error && (typeof error.code === "string" || typeof error.code === "number") ? { code: error.code } : {};
  const paths = error instanceof RemitError && error.errors.length > 0 ? { errors: serialize(error.errors, depthMax - 3, new Set()) } : {};
  const cause = error.cause instanceof Error && depth <= causesMax ? { cause: serializeError(error.cause, depth + 1) } : {};
  return {
    name: serializeText(error.name),
    ...code,
    message: serializeText(error.message),
    ...paths,
    stack: serializeText(error.stack ?? "", stackCharsMax),
    ...cause,
  };
}
