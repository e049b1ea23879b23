import type { Config } from "./config/schema.ts";
import { createQuery } from "./decide/query.ts";
import type { DecidePorts } from "./decide/run.ts";
import type { AuthzenOptions } from "./dialects/authzen/authzen.ts";
import { createDialects, type DialectOptions } from "./dialects/table.ts";
import type { AppDeps } from "./http/app.ts";
import type { Identity } from "./identity-wiring.ts";
import { createMetadataSigner } from "./metadata-signing.ts";
import type { Metrics } from "./telemetry/metrics.ts";
import { version } from "./version.ts";

type DialectDeps = Pick<
  AppDeps,
  "dialects" | "query" | "identityHeaders" | "agentTokens" | "anonymous" | "authenticateSigned" | "signatureAgeMsMax" | "opaInfo"
>;

/** The dialects as configured, and what they ask besides decisions. */
export function dialectDeps(
  config: Config,
  ports: DecidePorts,
  { identity, metrics }: { identity: Identity; metrics: Metrics },
): DialectDeps {
  const { identity_headers: names, check, authzen, opa, hooks } = config.dialects;
  return {
    dialects: createDialects({
      check: {
        mcpPaths: check.mcp_paths,
        mcpHeaders: check.mcp_headers,
        resourceMetadata: check.resource_metadata ?? null,
        obligations: check.obligations,
      },
      authzen: { metadata: metadataOf(authzen), batchMax: config.limits.batch_max },
      opa: { defaultDecision: opa.default_decision, version, gateways: gatewaysOf(opa) },
      hooks: { allow: hooks.allow },
    }),
    opaInfo: { labels: ports.labels, bundleName: config.bundle.name, defaultDecision: opa.default_decision },
    query: createQuery({ ...ports, queried: (event) => metrics.queried(event) }),
    identityHeaders: {
      subject: names.subject,
      roles: names.roles,
      agent: names.agent,
      session: names.session,
      server: names.server,
      originIp: names.origin_ip,
    },
    agentTokens: config.tokens.issuers.length > 0,
    anonymous: config.auth.mode === "none",
    authenticateSigned: identity.authenticateSigned,
    signatureAgeMsMax: hooks.webhook_age_s_max * 1000,
  };
}

function metadataOf({ base_url: baseUrl, metadata_key: key }: Config["dialects"]["authzen"]): AuthzenOptions["metadata"] {
  if (baseUrl === undefined) return null;
  return { baseUrl, signMetadata: key === undefined ? null : createMetadataSigner(key) };
}

function gatewaysOf({ gateways }: Config["dialects"]["opa"]): DialectOptions["opa"]["gateways"] {
  return Object.fromEntries(
    Object.entries(gateways).map(([path, { kind, protocol, mcp_headers: mcpHeaders, asks_again: asksAgain, servers, roles }]) => [
      path,
      { kind, protocol, mcpHeaders, asksAgain, servers, roles },
    ]),
  );
}
