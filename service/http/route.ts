import type { Request, Response } from "express";
import { RemitError } from "../errors.ts";
import type { RequestInfo } from "./request-info.ts";

export type Handler = (request: Request, response: Response, info: RequestInfo) => Promise<void> | void;

/** One method of one path. */
export interface Route {
  readonly method: "get" | "post" | "put" | "delete" | "any";
  /** Template with `{name}` for a parameter, which is one part of the path; with `/*` at its end everything below. */
  readonly path: string;
  /** Work that overload protection may refuse; operation must stay reachable. */
  readonly sheddable: boolean;
  readonly handle: Handler;
  /** Renders whatever went wrong; left out: a problem document. */
  readonly refuse?: (error: RemitError, request: Request, response: Response, info: RequestInfo) => void;
}

/** A parameter of the path, decoded. */
export function pathParameter(request: Request, name: string): string {
  const value = request.params[name];
  if (typeof value === "string") return value;
  throw new RemitError("internal", `the route has no parameter \`${name}\``);
}

/**
 * The query of a request. Every parameter must be expected and single; `+` is refused, since it means a space to some and a plus to
 * others. Throws RemitError `request_invalid` naming the parameter.
 */
export function readQuery<Name extends string>(request: Request, names: readonly Name[]): Readonly<Partial<Record<Name, string>>> {
  const [, query = ""] = request.url.split(/\?(.*)/s);
  const found: Partial<Record<Name, string>> = {};
  for (const part of query === "" ? [] : query.split("&")) {
    const [text = "", value = ""] = part.split(/=(.*)/s);
    const name = names.find((known) => known === text);
    if (name === undefined) throw wrong(text, "unknown parameter");
    if (Object.hasOwn(found, name)) throw wrong(text, "sent more than once");
    found[name] = decode(value, text);
  }
  return found;
}

function decode(value: string, name: string): string {
  if (value.includes("+")) throw wrong(name, "holds a `+`; write `%20` for a space and `%2B` for a plus");
  try {
    return decodeURIComponent(value);
  } catch {
    throw wrong(name, "is not percent-encoded UTF-8");
  }
}

function wrong(name: string, message: string): RemitError {
  const path = `?${name.slice(0, 100)}`;
  return new RemitError("request_invalid", `${message} at \`${path}\``, { errors: [{ path, message }] });
}
