import type { StateChange, StateQuery, StateSnapshot, StoredDoc } from "../decide/ports.ts";
import { RemitError } from "../errors.ts";
import { tenantKey } from "./tenant-key.ts";

/** What a script is called with. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

interface ChangeLimits {
  readonly docsMax: number;
  readonly nowMs: number;
}

/** Redis removes what has expired this much later: what has not expired by the callers' clocks must be there, however wrong its own is. */
export const slackMs = 600_000;

/** Keys of a tenant share a hash tag, so that they are on one node of a cluster and one script may touch them all. */
function keysOf(prefix: string, tenant: string): (kind: string, key: string) => string {
  const base = `${prefix}{${tenantKey(tenant)}}:`;
  return (kind, key) => `${base}${kind}:${key}`;
}

export function readCall(prefix: string, tenant: string, { docs, counters, fields }: StateQuery): ScriptCall {
  const keyOf = keysOf(prefix, tenant);
  return {
    keys: [
      ...docs.map((key) => keyOf("d", key)),
      ...counters.map((key) => keyOf("c", key)),
      ...fields.map(({ owner }) => keyOf("o", owner)),
    ],
    args: [
      String(docs.length),
      String(counters.length),
      ...fields.flatMap(({ names }) => [String(names.length), ...names.map((name) => `=${name}`)]),
    ],
  };
}

export function changeCall(prefix: string, tenant: string, change: StateChange, { docsMax, nowMs }: ChangeLimits): ScriptCall {
  const { docs, counters, fields } = change;
  const keyOf = keysOf(prefix, tenant);
  const keys = [
    ...docs.map(({ key }) => keyOf("d", key)),
    ...counters.map(({ key }) => keyOf("c", key)),
    ...fields.map(({ owner }) => keyOf("o", owner)),
  ];
  const args = [nowMs, docsMax, slackMs, docs.length, counters.length, fields.length].map(String);
  for (const { version, expiresMs, limited, text } of docs)
    args.push(String(version), String(expiresMs), flag(limited), text === null ? "" : `=${text}`);
  for (const { add, max, expiresMs } of counters) args.push(String(add), String(max ?? Number.MAX_SAFE_INTEGER), String(expiresMs));
  for (const { expiresMs, entries } of fields) {
    args.push(String(expiresMs), String(entries.length));
    for (const { name, value, overwrite } of entries) args.push(`=${name}`, value, flag(overwrite));
  }
  return { keys: [...keys, keyOf("n", "limited"), keyOf("n", "version")], args };
}

function flag(value: boolean): string {
  return value ? "1" : "0";
}

/** Throws `session_store_unavailable` for an answer that is not what the read script gives. */
export function readSnapshot(reply: unknown, { docs, counters, fields }: StateQuery, nowMs: number): StateSnapshot {
  const all = docs.length + counters.length + fields.length;
  if (!Array.isArray(reply) || reply.length !== all) throw corrupt();
  const [atCounters, atFields] = [docs.length, docs.length + counters.length];
  return {
    docs: reply.slice(0, atCounters).map((raw) => storedDoc(raw, nowMs)),
    counters: reply.slice(atCounters, atFields).map((raw) => counterValue(raw, nowMs)),
    fields: reply.slice(atFields).map((raw, i) => fieldValues(raw, fields[i]?.names.length ?? 0, nowMs)),
  };
}

function storedDoc(raw: unknown, nowMs: number): StoredDoc {
  const match = raw === null ? null : /^(\d+) (\d+) [01] /.exec(text(raw));
  if (match === null) {
    if (raw !== null) throw corrupt();
    return { version: 0, text: null };
  }
  const [head, version, expiresMs] = match;
  return Number(expiresMs) > nowMs ? { version: Number(version), text: text(raw).slice(head.length) } : { version: 0, text: null };
}

function counterValue(raw: unknown, nowMs: number): number {
  if (raw === null) return 0;
  const match = /^(\d+) (\d+)$/.exec(text(raw));
  if (match === null) throw corrupt();
  return Number(match[2]) > nowMs ? Number(match[1]) : 0;
}

function fieldValues(raw: unknown, count: number, nowMs: number): (string | null)[] {
  if (!Array.isArray(raw) || raw.length !== count + 1) throw corrupt();
  const [expiresMs, ...values] = raw;
  const living = expiresMs !== null && Number(text(expiresMs)) > nowMs;
  return values.map((value) => (living && value !== null ? text(value) : null));
}

function text(raw: unknown): string {
  if (typeof raw !== "string") throw corrupt();
  return raw;
}

function corrupt(): RemitError {
  return new RemitError("session_store_unavailable", "Redis holds something that is not session state");
}
