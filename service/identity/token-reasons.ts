/** Every reason for which an agent's token is rejected; `input.token.failure` and the reason code of the deny. */
export const tokenReasons = {
  token_malformed:
    "It is not one compact JWS with a strict JSON header and payload (encrypted, several signatures, `crit`, duplicate keys …).",
  token_too_large: "It is longer than `token_bytes_max`.",
  token_issuer_unknown: "`iss` is not exactly that of a configured issuer.",
  token_algorithm: "`alg` is not one configured for the issuer.",
  token_type: "`typ` is not accepted, or the token is an ID, refresh or logout token.",
  token_key_unknown: "No usable key of the issuer matches, or several do.",
  token_signature: "The signature does not fit.",
  token_audience: "`aud` names none of the configured audiences.",
  token_expired: "`exp` has passed.",
  token_too_old: "`iat` is longer ago than `max_age_s`.",
  token_not_yet_valid: "`nbf` or `iat` is in the future.",
  token_claims: "A claim that is read is missing or has the wrong type.",
  token_act_malformed: "`act` is not an object with a `sub`.",
  token_act_too_deep: "`act` is nested deeper than `act_depth_max`.",
} as const satisfies Record<string, string>;

/** Reason code of a rejected token; the key of {@link tokenReasons}. */
export type TokenReason = keyof typeof tokenReasons;

/** Thrown inside this folder only; the verifier turns it into a rejected token. */
export class TokenRejection extends Error {
  readonly reason: TokenReason;

  constructor(reason: TokenReason) {
    super(reason);
    this.name = "TokenRejection";
    this.reason = reason;
  }
}

/** Rejects the token that is being read. */
export function reject(reason: TokenReason): never {
  throw new TokenRejection(reason);
}
