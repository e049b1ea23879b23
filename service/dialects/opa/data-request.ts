import type { Json, JsonObject } from "../../decide/json.ts";
import { RemitError } from "../../errors.ts";
import type { WireRequest } from "../dialect.ts";
import { lookAlikeIn } from "../look-alike.ts";

/** The parameters of a query as Go reads them: every value of a name, `+` a space; null where one is not percent-encoded UTF-8. */
export type Parameters = ReadonlyMap<string, readonly (string | null)[]>;

export function readParameters(query: string): Parameters {
  const found = new Map<string, (string | null)[]>();
  for (const part of query === "" ? [] : query.split("&")) {
    const [name = "", value = ""] = part.split(/=(.*)/s).map(decode);
    if (name !== null) found.set(name, [...(found.get(name) ?? []), value]);
  }
  return found;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return null;
  }
}

/** A flag as OPA reads it: there without a value, or `true` in any case. */
export function hasFlag(parameters: Parameters, name: string): boolean {
  const values = parameters.get(name);
  if (values === undefined) return false;
  return (values.length === 1 && values[0] === "") || values.some((value) => value?.toLowerCase() === "true");
}

/** Input of `GET`: the last `input` of the query; undefined when there is none. Throws RemitError `request_invalid`. */
export function inputOfQuery(request: WireRequest, parameters: Parameters): Json | undefined {
  const text = parameters.get("input")?.at(-1);
  if (text === undefined) return undefined;
  // OPA goes on without an input that it cannot decode.
  if (text === null) throw malformed("parameter", "it is not percent-encoded UTF-8");
  try {
    return request.parse(Buffer.from(text));
  } catch (thrown) {
    throw malformed("parameter", messageOf(thrown));
  }
}

/** Member `input` of the body of a `POST` to v1. As in OPA, null is no input, and so is no body. Throws RemitError `request_invalid`. */
export function inputOfBody(request: WireRequest): Json | undefined {
  return membersOfBody(request, ["input"]).input ?? undefined;
}

/** The body of a v1 request: an object, or nothing. Throws RemitError `request_invalid`. */
export function membersOfBody(request: WireRequest, names: readonly string[]): JsonObject {
  const body = wholeBody(request) ?? {};
  if (typeof body !== "object" || Array.isArray(body)) throw malformed("body", "it is not an object");
  refuseLookAlikes(body as JsonObject, names);
  return body as JsonObject;
}

/** The body of a v0 request, which is the input; none is null, as in OPA. Throws RemitError `request_invalid`. */
export function wholeBody({ body }: WireRequest): Json {
  if (body.kind === "none") return null;
  if (body.kind === "json") return body.value;
  throw malformed("body", body.error.message);
}

/** A body that is read in two ways is refused. */
function refuseLookAlikes(body: JsonObject, names: readonly string[]): void {
  const found = lookAlikeIn(body, names);
  if (found !== undefined) throw malformed("body", `\`${found.key.slice(0, 100)}\` looks like \`${found.like}\``);
}

function malformed(where: "body" | "parameter", message: string): RemitError {
  return new RemitError("request_invalid", `${where} contains malformed input document: ${message}`);
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
