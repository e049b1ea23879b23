import type { Config } from "./config/schema.ts";
import { createQuery } from "./decide/query.ts";
import type { DecidePorts } from "./decide/run.ts";
import { createDialects } from "./dialects/table.ts";
import type { DialectRouteDeps } from "./http/dialect-routes.ts";
import type { Identity } from "./identity-wiring.ts";
import type { Metrics } from "./telemetry/metrics.ts";

type DialectDeps = Pick<
  DialectRouteDeps,
  "dialects" | "query" | "identityHeaders" | "agentTokens" | "anonymous" | "authenticateSigned" | "signatureAgeMsMax"
>;

/** The dialects as configured, and what they ask besides decisions. */
export function dialectDeps(
  config: Config,
  ports: DecidePorts,
  { identity, metrics }: { identity: Identity; metrics: Metrics },
): DialectDeps {
  const { identity_headers: names, hooks } = config.dialects;
  return {
    dialects: createDialects({ hooks: { allow: hooks.allow } }),
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
