import type { DecisionRecord, QueryRecord, SessionEvent } from "../decide/decision-record.ts";
import { escapedPart, unescapedPart } from "../decide/pointer.ts";
import type { PolicySnapshot } from "../decide/ports.ts";

/** Policy masking: paths to remove or replace, or `null` when masking itself failed. */
export type RecordMasker = (
  record: DecisionRecord | QueryRecord | SessionEvent,
  policy: PolicySnapshot | null,
) => readonly MaskRule[] | null;

/** One rule in OPA's shape; `path` starts with `/input` or `/result`. */
export interface MaskRule {
  readonly op: "remove" | "upsert";
  readonly path: string;
  readonly value?: unknown;
}

const masked = "**MASKED**";

/** Member names whose values are secrets wherever they occur. Compared lower-case without `-`, `_` and spaces. */
const secretNames: ReadonlySet<string> = new Set([
  "password",
  "passwd",
  "passphrase",
  "pwd",
  "secret",
  "clientsecret",
  "token",
  "accesstoken",
  "refreshtoken",
  "idtoken",
  "apikey",
  "xapikey",
  "authorization",
  "proxyauthorization",
  "cookie",
  "setcookie",
  "privatekey",
  "secretkey",
  "secretaccesskey",
  "sessiontoken",
  "credential",
  "credentials",
  "connectionstring",
  "pin",
  "cvv",
  "cvc",
  "otp",
]); // prettier-ignore

/**
 * Values that are secrets whatever their name: JWTs, bearer headers, key blocks, and prefixes that issuers mark their keys with. Every
 * part is bounded and starts at a word boundary, so that the time stays proportional to the text however it is made.
 */
const secretValue =
  /\b(?:eyJ[A-Za-z0-9_-]{8}|[Bb]earer\s{1,4}\S{8}|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20}|github_pat_\w{20}|xox[abprs]-\S{10}|sk-[A-Za-z0-9_-]{20}|sk_live_\w{10}|rk_[a-z0-9-]{1,64}_\w{20}|AIza[\w-]{30}|npm_\w{30}|glpat-[\w-]{15})|-----BEGIN [A-Z ]{0,32}PRIVATE KEY/;

/**
 * Masks before the first write: the defaults always, then the policy's rules. When policy masking fails, `input` goes and the record
 * stays. Returns the record itself when nothing in it is secret.
 */
export function maskRecord(record: DecisionRecord, policyMask: RecordMasker, policy: PolicySnapshot | null = null): DecisionRecord {
  const found: Found = { masked: [] };
  const input = maskDefaults(record.input, "/input", found);
  const result = maskDefaults(record.result, "/result", found) as DecisionRecord["result"];
  const call = maskDefaults(record.call, "/call", found) as DecisionRecord["call"];
  const error = maskDefaults(record.error, "/error", found) as DecisionRecord["error"];
  const base = found.masked.length === 0 ? record : ({ ...record, input, result, call, error, masked: found.masked } as DecisionRecord);
  const rules = policyMask(base, policy);
  if (rules === null) return { ...withoutInput(base), erased: ["/input"] };
  return rules.length === 0 ? base : consistent(applyRules(base, rules));
}

/** Masks a record that is no decision about a tool call as one that is: an event of a session, or a plain query. */
export function maskPlain<T extends QueryRecord | SessionEvent>(event: T, policyMask: RecordMasker, policy: PolicySnapshot | null): T {
  const found: Found = { masked: [] };
  const input = maskDefaults(event.input, "/input", found);
  const result = maskDefaults(event.result, "/result", found);
  const base = found.masked.length === 0 ? event : ({ ...event, input, result, masked: found.masked } as T);
  const rules = policyMask(base, policy);
  if (rules !== null) return rules.length === 0 ? base : applyRules(base, rules);
  const { input: _removed, ...rest } = base;
  return { ...rest, erased: ["/input"] } as unknown as T;
}

/** Without its input, and without what `call` and `error` repeat of it. */
function withoutInput(record: DecisionRecord): DecisionRecord {
  const { input: _removed, error, ...rest } = record;
  const call = { ...record.call, subject: null, agent: null, session: null };
  return { ...rest, call, ...(error === undefined ? {} : { error: { code: error.code, message: masked } }) };
}

/** What a policy removed or replaced in the input does not stay in `call`, which repeats it for readers. */
function consistent(record: DecisionRecord): DecisionRecord {
  const id = (part: string): string | null => {
    const value = child(child(record.input, part), "id");
    return typeof value === "string" ? value : null;
  };
  return { ...record, call: { ...record.call, subject: id("subject"), agent: id("agent"), session: id("session") } };
}

interface Found {
  readonly masked: string[];
}

/** Copies only what changes: most records hold no secret and cost one walk. */
function maskDefaults(value: unknown, path: string, found: Found): unknown {
  if (typeof value === "string") return maskText(value, path, found);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return maskArray(value, path, found);
  return maskObject(value as Record<string, unknown>, path, found);
}

/** No secret form is shorter; most strings are, and cost no search. */
const secretLengthMin = 16;

function maskText(value: string, path: string, found: Found): string {
  if (value.length < secretLengthMin || !secretValue.test(value)) return value;
  found.masked.push(path);
  return masked;
}

function maskArray(values: readonly unknown[], path: string, found: Found): unknown {
  let copy: unknown[] | undefined;
  for (let i = 0; i < values.length; i++) {
    const item = maskDefaults(values[i], `${path}/${i}`, found);
    if (item === values[i]) continue;
    copy ??= [...values];
    copy[i] = item;
  }
  return copy ?? values;
}

function maskObject(object: Record<string, unknown>, path: string, found: Found): unknown {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(object)) {
    const value = object[key];
    const item = isSecretName(key, value)
      ? hide(`${path}/${escapedPart(key)}`, found)
      : maskDefaults(value, `${path}/${escapedPart(key)}`, found);
    if (item === value) continue;
    copy ??= { ...object };
    copy[key] = item;
  }
  return copy ?? object;
}

/** Remit's own `input.token` is an object of facts about a token, never the token: objects are looked into instead. */
function isSecretName(key: string, value: unknown): boolean {
  if (value === null || typeof value === "object" || typeof value === "boolean") return false;
  return secretNames.has(nameForm(key));
}

const nameForms = new Map<string, string>();

/** No secret name is longer; a longer key is neither looked up nor remembered, since callers choose keys. */
const nameLengthMax = 64;

/** Names repeat from call to call; remembering a bounded number of them saves the replacing. */
function nameForm(key: string): string {
  if (key.length > nameLengthMax) return "";
  const known = nameForms.get(key);
  if (known !== undefined) return known;
  const form = key.toLowerCase().replaceAll(/[-_ ]/g, "");
  if (nameForms.size < 4096) nameForms.set(key, form);
  return form;
}

function hide(path: string, found: Found): string {
  found.masked.push(path);
  return masked;
}

function applyRules<T extends DecisionRecord | QueryRecord | SessionEvent>(record: T, rules: readonly MaskRule[]): T {
  const copy = structuredClone({ input: record.input, result: record.result }) as Record<string, unknown>;
  const erased: string[] = [];
  const upserted = [...(record.masked ?? [])];
  for (const rule of rules) if (applyRule(copy, rule)) (rule.op === "remove" ? erased : upserted).push(rule.path);
  return {
    ...record,
    ...copy,
    ...(erased.length > 0 ? { erased } : {}),
    ...(upserted.length > 0 ? { masked: upserted } : {}),
  };
}

/** Applies one rule; a path that is not there is skipped, as in OPA. */
function applyRule(root: Record<string, unknown>, rule: MaskRule): boolean {
  const parts = rule.path
    .split("/")
    .slice(1)
    .map((part) => unescapedPart(decodeURIComponent(part)));
  const last = parts.pop();
  let parent: unknown = root;
  for (const part of parts) parent = child(parent, part);
  if (last === undefined || typeof parent !== "object" || parent === null) return false;
  if (rule.op === "upsert")
    Object.defineProperty(parent, last, { value: rule.value, enumerable: true, configurable: true, writable: true });
  else if (!Object.hasOwn(parent, last)) return false;
  else Reflect.deleteProperty(parent, last);
  return true;
}

function child(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}
