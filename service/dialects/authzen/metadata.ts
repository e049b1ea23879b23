import type { JsonObject } from "../../decide/json.ts";
import type { WireRequest } from "../dialect.ts";
import { accessRequestsPath } from "../native.ts";
import { searchEntrypoints } from "./search.ts";

/** Where what is asked of; the default paths of AuthZEN 1.0. */
export const paths = {
  evaluation: "/access/v1/evaluation",
  evaluations: "/access/v1/evaluations",
  subject: "/access/v1/search/subject",
  resource: "/access/v1/search/resource",
  action: "/access/v1/search/action",
} as const;

/** Entrypoint that takes a request as it was sent; a bundle without it judges tool calls. */
export const allowEntrypoint = "authzen/allow";

export interface MetadataOptions {
  /** `https` URL by which enforcement points know this service. */
  readonly baseUrl: string;
  /** Makes `signed_metadata` of the claims; null: it is not signed. */
  readonly signMetadata: ((claims: JsonObject) => string) | null;
}

/** The well-known paths of a decision point (AuthZEN 1.0, RFC 8615): a path of its URL comes after the well-known part. */
export function metadataPaths(baseUrl: string): readonly string[] {
  const { pathname } = new URL(baseUrl);
  const wellKnown = "/.well-known/authzen-configuration";
  return pathname === "/" ? [wellKnown] : [wellKnown, `${wellKnown}${pathname}`];
}

/** Metadata of what the active bundle answers. The URL is the configured one: a `Host` header is anybody's. */
export function createMetadata({ baseUrl, signMetadata }: MetadataOptions): (policy: WireRequest["policy"]) => JsonObject {
  // One for each set of searches, so that nobody can make us sign again and again.
  const signed = new Map<string, string>();
  return ({ entrypoints }) => {
    const metadata = describe(baseUrl, entrypoints);
    if (signMetadata === null) return metadata;
    const key = JSON.stringify(metadata);
    const text = signed.get(key) ?? signMetadata({ iss: baseUrl, ...metadata });
    signed.set(key, text);
    return { ...metadata, signed_metadata: text };
  };
}

function describe(baseUrl: string, entrypoints: ReadonlySet<string>): JsonObject {
  const searches = (["subject", "resource", "action"] as const).filter((kind) => entrypoints.has(searchEntrypoints[kind]));
  return {
    policy_decision_point: baseUrl,
    access_evaluation_endpoint: `${baseUrl}${paths.evaluation}`,
    access_evaluations_endpoint: `${baseUrl}${paths.evaluations}`,
    ...Object.fromEntries(searches.map((kind) => [`search_${kind}_endpoint`, `${baseUrl}${paths[kind]}`])),
    // Only tool calls are offered for approval.
    ...(entrypoints.has(allowEntrypoint) ? {} : { access_request_endpoint: `${baseUrl}${accessRequestsPath}` }),
  };
}
