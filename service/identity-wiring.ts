import type { IncomingMessage } from "node:http";
import type { Config } from "./config/schema.ts";
import type { TokenVerifier } from "./decide/ports.ts";
import type { Pep, PepNeeds } from "./decide/tool-call.ts";
import { createTokenVerifier, type TokenVerifierOptions } from "./identity/agent-token.ts";
import type { IssuerOptions } from "./identity/issuer-options.ts";
import { createPepAuthenticator, requireDialect, requirePermission } from "./identity/pep.ts";
import type { Logger } from "./telemetry/logger.ts";
import type { Metrics } from "./telemetry/metrics.ts";

/** Who asks, and on whose behalf. */
export interface Identity {
  readonly tokens: TokenVerifier;
  /** Verifies signed grants. */
  readonly grantTokens: TokenVerifier;
  /** The enforcement point behind a request, if it may do what it asks for. Throws RemitError. */
  authenticate(request: IncomingMessage, needs: PepNeeds, nowMs: number, signal: AbortSignal): Pep | Promise<Pep>;
  /** The enforcement point whose webhook secret made the HMAC, if it may use the dialect. Throws RemitError. */
  authenticateSigned(signature: { readonly pepId: string; readonly mac: Uint8Array }, signed: Uint8Array, dialect: string): Pep;
  /** Fetches key sets; never rejects. */
  reload(): Promise<void>;
  close(): void;
}

/** Builds PEP authentication and token verification from the configuration. Throws RemitError `config_invalid`. */
export function createIdentity(config: Config, logger: Logger, metrics: Metrics): Identity {
  const tokens = createTokenVerifier(verifierOptions(config, config.tokens.issuers, logger, metrics));
  const pepTokens = createTokenVerifier(verifierOptions(config, config.auth.issuers, logger, metrics));
  const grantTokens = createTokenVerifier(verifierOptions(config, config.sessions.grant_issuers, logger, metrics));
  const all = [tokens, pepTokens, grantTokens];
  const peps = createPepAuthenticator({
    mode: config.auth.mode,
    peps: config.auth.peps.map(pepOptions),
    tokens: pepTokens,
    onResult: (pep, result) => metrics.pepAuthenticated(pep, result),
  });
  if (config.auth.mode === "none") logger.warn("enforcement points are not authenticated; every caller on this machine is believed");
  return {
    tokens,
    grantTokens,
    authenticate(request, needs, nowMs, signal) {
      const pep = peps.authenticate(request.headers, request.socket.remoteAddress, nowMs, signal);
      return pep instanceof Promise ? pep.then((found) => admit(found, needs)) : admit(pep, needs);
    },
    authenticateSigned: ({ pepId, mac }, signed, dialect) =>
      admit(peps.authenticateSigned(pepId, mac, signed), { dialect, anyOf: ["decide"] }),
    reload: async () => void (await Promise.all(all.map((verifier) => verifier.reload()))),
    close() {
      for (const verifier of all) verifier.close();
    },
  };
}

function admit(pep: Pep, { dialect, anyOf }: PepNeeds): Pep {
  requireDialect(pep, dialect);
  requirePermission(pep, anyOf);
  return pep;
}

function verifierOptions(config: Config, issuers: Config["tokens"]["issuers"], logger: Logger, metrics: Metrics): TokenVerifierOptions {
  return {
    issuers: issuers.map(issuerOptions),
    limits: { tokenBytesMax: config.tokens.token_bytes_max, actDepthMax: config.tokens.act_depth_max },
    cache: { entriesMax: config.tokens.cache_max },
    onResult: (issuer, result) => metrics.tokenVerified(issuer, result),
    onFetch(status) {
      if (status.failure !== null) logger.warn("issuer keys could not be fetched", { issuer: status.issuer, detail: status.failure });
    },
  };
}

function issuerOptions(issuer: Config["tokens"]["issuers"][number]): IssuerOptions {
  return {
    issuer: issuer.issuer,
    audience: issuer.audience,
    algorithms: issuer.algorithms,
    jwks: "uri" in issuer.jwks ? { uri: issuer.jwks.uri, allowHttp: issuer.allow_http } : { keys: issuer.jwks.keys },
    typ: issuer.typ,
    typAbsentAllowed: issuer.typ_absent_allowed,
    clockSkewS: issuer.clock_skew_s,
    maxAgeS: issuer.max_age_s,
    rolesClaim: issuer.roles_claim,
    groupsClaim: issuer.groups_claim,
    subjectStyle: issuer.subject_style,
    humanClaim: issuer.human_claim,
  };
}

function pepOptions(pep: Config["auth"]["peps"][number]) {
  return {
    id: pep.id,
    tenant: pep.tenant,
    dialects: pep.dialects,
    permissions: pep.permissions,
    assertsSubject: pep.asserts_subject,
    annotationsTrusted: pep.annotations_trusted,
    apiKeysSha256: pep.api_keys_sha256,
    webhookSecrets: pep.webhook_secrets,
    jwt: pep.jwt,
  };
}
