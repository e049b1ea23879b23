import type { Json, JsonObject } from "../decide/json.ts";
import type { ClaimedAgent, ClaimedSubject } from "../decide/tool-call.ts";
import type { WireRequest } from "./dialect.ts";
import { identifier, invalidAt } from "./sessions.ts";

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The body's JSON; null when it is none. */
export function bodyValue({ body }: Pick<WireRequest, "body">): Json {
  return body.kind === "json" ? body.value : null;
}

/** The body, which must be an object. Throws RemitError `request_invalid`. */
export function bodyObject(request: Pick<WireRequest, "body">): JsonObject {
  const body = bodyValue(request);
  if (isObject(body)) return body;
  throw invalidAt("/", "must be an object");
}

/** The object at `at`; an absent one or null is null. Throws RemitError `request_invalid` for anything else. */
export function optionalObject(value: Json | undefined, at: string): JsonObject | null {
  if (value === undefined || value === null) return null;
  if (isObject(value)) return value;
  throw invalidAt(at, "must be an object");
}

/** An identifier; an absent, null or empty one is null. Throws RemitError `request_invalid` for anything else. */
export function optionalId(value: Json | undefined, at: string): string | null {
  if (value === undefined || value === null || value === "") return null;
  const parsed = identifier.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidAt(at, "is not an identifier");
}

const namesMax = 256;

/** Names as tokens have them: a list, or one text with spaces or commas between them. Throws RemitError `request_invalid`. */
export function names(value: Json | undefined, at: string): readonly string[] {
  if (value === undefined || value === null) return [];
  const list = typeof value === "string" ? value.split(/[\s,]+/).filter(Boolean) : value;
  if (!Array.isArray(list) || list.length > namesMax) throw invalidAt(at, `must be a list of at most ${namesMax} names`);
  return list.map((name: Json) => {
    const parsed = identifier.safeParse(name);
    if (!parsed.success) throw invalidAt(at, "holds what is no name");
    return parsed.data;
  });
}

/** The subject, when there is an id. */
export function subjectOf(id: string | null, more: Pick<ClaimedSubject, "roles" | "groups" | "properties">): ClaimedSubject | null {
  return id === null ? null : { type: "user", id, ...more };
}

/** The agent, when there is an id. */
export function agentOf(id: string | null, properties: JsonObject): ClaimedAgent | null {
  return id === null ? null : { id, properties };
}
