import { z } from "zod";
import { digestOf } from "../../decide/canonical.ts";
import type { Json, JsonObject } from "../../decide/json.ts";
import { type QueryAnswer, queryValue } from "../../decide/query.ts";
import { RemitError } from "../../errors.ts";
import type { WireRequest } from "../dialect.ts";
import { invalidAt } from "../sessions.ts";
import type { Search, SearchKind } from "./request.ts";

/** Entrypoints that answer searches. */
export const searchEntrypoints: Readonly<Record<SearchKind, string>> = {
  subject: "authzen/search/subject",
  resource: "authzen/search/resource",
  action: "authzen/search/action",
};

/** Most results in one reply. */
const limitMax = 1000;

const properties = z.record(z.string(), z.unknown()).optional();
const entities = z.array(z.looseObject({ type: z.string(), id: z.string(), properties }));
const actions = z.array(z.looseObject({ name: z.string(), properties }));
const listOf = (items: typeof entities | typeof actions) =>
  z.union([items, z.strictObject({ results: items, context: z.record(z.string(), z.unknown()).optional() })]);
const [EntitiesFound, ActionsFound] = [listOf(entities), listOf(actions)];

/** Where a page starts, and how long it is. */
interface Window {
  readonly offset: number;
  readonly limit: number;
  /** The request is about pages, so the reply is. */
  readonly stated: boolean;
  /** Of the search and the policy that answers it: a page is of that search only. */
  readonly digest: string;
}

/** The page that is asked for. Throws RemitError `request_invalid` when its token is of another search. */
export function windowOf({ policy }: WireRequest, { kind, input, page }: Search): Window {
  const digest = digestOf({ kind, input, bundle: policy.bundle.digest });
  const asked = page.limit === null ? null : Math.min(page.limit, limitMax);
  if (page.token === null) return { offset: 0, limit: asked ?? limitMax, stated: asked !== null, digest };
  const [, offset, limit, of] = tokenForm.exec(decode(page.token)) ?? [];
  if (of !== digest) throw invalidAt("/page/token", "is not of this search, or the policy has changed since; search again without it");
  return { offset: Number(offset), limit: asked ?? Number(limit), stated: true, digest };
}

const tokenForm = /^(\d{1,9}) (\d{1,4}) (sha256:[0-9a-f]{64})$/;

/** What is not exactly as it was given is nothing. */
function decode(token: string): string {
  const text = Buffer.from(token, "base64url").toString("latin1");
  return Buffer.from(text, "latin1").toString("base64url") === token ? text : "";
}

function tokenAt(offset: number, { limit, digest }: Window): string {
  return Buffer.from(`${offset} ${limit} ${digest}`).toString("base64url");
}

/** Answer of the entrypoint to the reply's body: undefined is none found. Throws RemitError when there is no answer. */
export function pageOf(answer: QueryAnswer, { type }: Search, window: Window): JsonObject {
  const { results, context } = found(answer, type);
  const end = window.offset + window.limit;
  const part = results.slice(window.offset, end);
  const more = end < results.length;
  const next = more ? tokenAt(end, window) : "";
  return {
    ...(more || window.stated ? { page: { next_token: next, count: part.length, total: results.length } } : {}),
    ...(context === undefined ? {} : { context }),
    results: part,
  };
}

function found(answer: QueryAnswer, type: string | null): { readonly results: readonly Json[]; readonly context?: JsonObject } {
  if (answer.kind === "undefined") return { results: [] };
  const value = queryValue(answer);
  if (value instanceof RemitError) throw value;
  const parsed = (type === null ? ActionsFound : EntitiesFound).safeParse(value);
  if (!parsed.success) throw new RemitError("policy_result_invalid", "the search's entrypoint gave no list of entities");
  const list = Array.isArray(parsed.data) ? { results: parsed.data } : parsed.data;
  // Whatever else the policy lists was not searched for.
  const results = type === null ? list.results : list.results.filter((item) => item.type === type);
  return { ...list, results } as { readonly results: readonly Json[]; readonly context?: JsonObject };
}
