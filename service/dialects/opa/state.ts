import type { JsonObject } from "../../decide/json.ts";
import type { BundleId } from "../../decide/ports.ts";
import type { WireReply } from "../dialect.ts";
import { hasFlag, readParameters } from "./data-request.ts";
import { opaReply } from "./render.ts";

/** How the bundle stands; times in milliseconds since the epoch. */
export interface BundleState {
  readonly active: BundleId | null;
  readonly lastAttemptMs: number | null;
  readonly lastSuccessMs: number | null;
  /** Why the last attempt was refused; null when it was not. */
  readonly lastError: string | null;
}

/** What OPA's operational paths show of the configuration: nothing secret. */
export interface OpaInfo {
  readonly labels: Readonly<Record<string, string>>;
  readonly bundleName: string;
  readonly defaultDecision: string;
}

/** `GET /health`: `{}`, or 500 with `error` when the bundle is asked about (`bundles`, `plugins`) and none is active. */
export function healthReply(query: string, { active }: BundleState, { bundleName }: OpaInfo): WireReply {
  const parameters = readParameters(query);
  if (active !== null) return opaReply(200, {});
  if (hasFlag(parameters, "bundles") || hasFlag(parameters, "bundle"))
    return opaReply(500, { error: `one or more bundles are not activated: ${bundleName}` });
  const excluded = parameters.get("exclude-plugin")?.includes("bundle") === true;
  return hasFlag(parameters, "plugins") && !excluded ? opaReply(500, { error: "one or more plugins are not up" }) : opaReply(200, {});
}

/** `GET /v1/status`, in the form of OPA's status plugin. */
export function statusReply(query: string, state: BundleState, { labels, bundleName }: OpaInfo): WireReply {
  const { active, lastAttemptMs, lastSuccessMs, lastError } = state;
  const [attempted, succeeded] = [timeOf(lastAttemptMs), timeOf(lastSuccessMs)];
  const bundle: JsonObject = {
    name: bundleName,
    ...(active === null ? {} : { active_revision: active.revision }),
    last_successful_activation: succeeded,
    last_successful_download: succeeded,
    last_successful_request: succeeded,
    last_request: attempted,
    ...(lastError === null ? {} : { code: "bundle_error", message: lastError }),
  };
  const plugins = { bundle: { state: active === null ? "NOT_READY" : "OK" } };
  return opaReply(200, { result: { labels: { ...labels }, bundles: { [bundleName]: bundle }, plugins } }, isPretty(query));
}

/** `GET /v1/config`: what a client of OPA may want to know, and nothing else. */
export function configReply(query: string, { labels, bundleName, defaultDecision }: OpaInfo): WireReply {
  const result = { labels: { ...labels }, default_decision: `/${defaultDecision}`, bundles: { [bundleName]: {} } };
  return opaReply(200, { result }, isPretty(query));
}

function isPretty(query: string): boolean {
  return hasFlag(readParameters(query), "pretty");
}

/** RFC 3339; for never, Go's zero time, as in OPA. */
function timeOf(ms: number | null): string {
  return ms === null ? "0001-01-01T00:00:00Z" : new Date(ms).toISOString();
}
