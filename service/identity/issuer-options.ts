import type { JWK } from "jose";
import { type ErrorPath, RemitError } from "../errors.ts";

/** Where the keys of an issuer come from: a JWKS document over HTTP, or keys written in the configuration (RFC 7517). */
export type JwksSource =
  | { readonly uri: string; readonly allowHttp?: boolean | undefined }
  | { readonly keys: readonly (JWK & Readonly<Record<string, unknown>>)[] };

/** One issuer whose tokens are accepted. What is required has no default: an unset audience would accept anybody's token. */
export interface IssuerOptions {
  /** Exact value of `iss`. */
  readonly issuer: string;
  /** At least one of these must be in `aud`. */
  readonly audience: readonly string[];
  /** JWS algorithms; asymmetric only, see {@link algorithms}. */
  readonly algorithms: readonly string[];
  readonly jwks: JwksSource;
  /** Accepted `typ` headers, `application/` optional (RFC 7515 section 4.1.9); default `at+jwt` and `JWT`. */
  readonly typ?: readonly string[] | undefined;
  /** Accept a token without a `typ` header; default false. */
  readonly typAbsentAllowed?: boolean | undefined;
  /** Seconds by which clocks may differ, 0 to 30; default 5. */
  readonly clockSkewS?: number | undefined;
  /** Seconds since `iat` after which a token is refused whatever its `exp`; default no limit. */
  readonly maxAgeS?: number | undefined;
  /** Claim with the roles, a name or a dotted path; default `roles`. */
  readonly rolesClaim?: string | undefined;
  /** Claim with the groups, a name or a dotted path; default `groups`. */
  readonly groupsClaim?: string | undefined;
  /** Who `sub` is; default `human_in_sub`. */
  readonly subjectStyle?: "human_in_sub" | "agent_in_sub" | undefined;
  /** With `agent_in_sub`: the claim that names the human, a name or a dotted path. */
  readonly humanClaim?: string | undefined;
}

/** {@link IssuerOptions} with defaults filled and everything checked. */
export interface Issuer {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  readonly jwks: JwksSource;
  /** Lower case, always with `application/`. */
  readonly typ: ReadonlySet<string>;
  readonly typAbsentAllowed: boolean;
  readonly clockSkewS: number;
  readonly maxAgeS: number | undefined;
  readonly rolesClaim: string | undefined;
  readonly groupsClaim: string | undefined;
  readonly subjectStyle: "human_in_sub" | "agent_in_sub";
  readonly humanClaim: string | undefined;
}

/** The signature algorithms that may be configured: asymmetric ones of RFC 7518 and RFC 8037/9864. Never `none`, never HMAC. */
export const algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"] as const;

/** Checks every issuer and fills defaults. Throws RemitError `config_invalid` naming every mistake at once. */
export function readIssuers(issuers: readonly IssuerOptions[]): readonly Issuer[] {
  const errors = issuers.flatMap((issuer, i) => mistakes(issuer).map((mistake) => ({ ...mistake, path: `/issuers/${i}${mistake.path}` })));
  const seen = new Set<string>();
  issuers.forEach(({ issuer }, i) => {
    if (seen.has(issuer)) errors.push({ path: `/issuers/${i}/issuer`, message: `\`${issuer}\` is configured twice; merge the two` });
    seen.add(issuer);
  });
  throwIfAny("issuers", errors);
  return issuers.map(withDefaults);
}

/** Throws RemitError `config_invalid` that lists the mistakes; does nothing when there are none. */
export function throwIfAny(what: string, errors: readonly ErrorPath[]): void {
  if (errors.length === 0) return;
  const list = errors.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new RemitError("config_invalid", `${what} are not usable: ${list}`, { errors });
}

function withDefaults(options: IssuerOptions): Issuer {
  const subjectStyle = options.subjectStyle ?? "human_in_sub";
  // Roles of a token whose `sub` is the agent belong to the agent: they become the human's only when that is said explicitly.
  const agentsOwn = subjectStyle === "agent_in_sub" && options.humanClaim !== undefined;
  return {
    issuer: options.issuer,
    audience: [...options.audience],
    algorithms: [...options.algorithms],
    jwks: options.jwks,
    typ: new Set((options.typ ?? ["at+jwt", "JWT"]).map(fullTyp)),
    typAbsentAllowed: options.typAbsentAllowed ?? false,
    clockSkewS: options.clockSkewS ?? 5,
    maxAgeS: options.maxAgeS,
    rolesClaim: options.rolesClaim ?? (agentsOwn ? undefined : "roles"),
    groupsClaim: options.groupsClaim ?? (agentsOwn ? undefined : "groups"),
    subjectStyle,
    humanClaim: options.humanClaim,
  };
}

/** A media type in full and in lower case: `JWT` becomes `application/jwt`. */
export function fullTyp(typ: string): string {
  const lower = typ.toLowerCase();
  return lower.includes("/") ? lower : `application/${lower}`;
}

function mistakes(options: IssuerOptions): ErrorPath[] {
  return [
    ...textMistakes("/issuer", options.issuer),
    ...listMistakes("/audience", options.audience, "the audience that stands for this service or its enforcement points"),
    ...listMistakes("/algorithms", options.algorithms, "the algorithms that the issuer signs with"),
    ...algorithmMistakes(options.algorithms),
    ...(options.typ === undefined ? [] : listMistakes("/typ", options.typ, "accepted `typ` headers, or leave it out")),
    ...rangeMistakes("/clock_skew_s", options.clockSkewS, 0, 30),
    ...rangeMistakes("/max_age_s", options.maxAgeS, 1, 366 * 86_400),
    ...jwksMistakes(options.jwks),
    ...styleMistakes(options),
  ];
}

function textMistakes(path: string, value: unknown): ErrorPath[] {
  return typeof value === "string" && value !== "" ? [] : [{ path, message: `\`${String(value)}\` is not a name; give a non-empty text` }];
}

function listMistakes(path: string, value: readonly string[] | undefined, what: string): ErrorPath[] {
  if (!Array.isArray(value) || value.length === 0) return [{ path, message: `is empty; list ${what}` }];
  return value.flatMap((entry, i) => textMistakes(`${path}/${i}`, entry));
}

function algorithmMistakes(configured: readonly string[] | undefined): ErrorPath[] {
  const known: ReadonlySet<string> = new Set(algorithms);
  return (Array.isArray(configured) ? configured : []).flatMap((name: string, i) =>
    known.has(name) ? [] : [{ path: `/algorithms/${i}`, message: `\`${name}\` is not accepted; use one of ${algorithms.join(", ")}` }],
  );
}

/** A mistake when the number is set and outside `min` to `max`. */
export function rangeMistakes(path: string, value: number | undefined, min: number, max: number): ErrorPath[] {
  if (value === undefined || (Number.isFinite(value) && value >= min && value <= max)) return [];
  return [{ path, message: `\`${value}\` is out of range; use ${min} to ${max}` }];
}

function styleMistakes(options: IssuerOptions): ErrorPath[] {
  if (options.humanClaim === undefined || options.subjectStyle === "agent_in_sub") return [];
  return [{ path: "/human_claim", message: "needs `subject_style: agent_in_sub`; with `human_in_sub` the human is `sub`" }];
}

function jwksMistakes(jwks: JwksSource): ErrorPath[] {
  if ("uri" in jwks) return uriMistakes(jwks.uri, jwks.allowHttp ?? false);
  if (jwks.keys.length === 0) return [{ path: "/jwks/keys", message: "is empty; list public keys, or give `uri`" }];
  return jwks.keys.flatMap((key, i) => keyMistakes(`/jwks/keys/${i}`, key));
}

function keyMistakes(path: string, key: JWK): ErrorPath[] {
  if (key.kty === "oct") return [{ path, message: "is a symmetric key; use a public key" }];
  if ("d" in key) return [{ path, message: "is a private key; keep only its public members, and replace the key pair" }];
  return [];
}

function uriMistakes(uri: string, allowHttp: boolean): ErrorPath[] {
  const path = "/jwks/uri";
  if (!URL.canParse(uri)) return [{ path, message: `\`${uri}\` is not a URL; give the address of the issuer's key set` }];
  const url = new URL(uri);
  if (url.username !== "" || url.password !== "") return [{ path, message: "holds a credential; key sets are public, leave it out" }];
  if (url.protocol === "https:") return [];
  if (url.protocol === "http:" && (allowHttp || isLoopback(url.hostname))) return [];
  return [{ path, message: `\`${uri}\` is not https; whoever can change the answer can sign tokens` }];
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
