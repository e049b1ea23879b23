import { createHmac, timingSafeEqual } from "node:crypto";

/** What was refused, so that a request for approval can be bound to it (AuthZEN ARAP, `binding_token`). */
export interface Denial {
  readonly decisionId: string;
  readonly tenant: string;
  readonly pep: string;
  readonly subject: string | null;
  readonly agent: string | null;
  readonly session: string;
  /** `server/name` of the tool, or {@link widerGrant}. */
  readonly what: string;
  /** Digest of exactly what may be approved. */
  readonly binding: string;
  readonly codes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresMs: number;
}

/** Stands for a grant that was refused because it widens; no tool can have this name. */
export const widerGrant = "@grant";

/** Signs and reads binding tokens. */
export interface BindingTokens {
  sign(denial: Denial): string;
  /** The denial; null when the token is not ours, was altered, or has expired. */
  read(token: string, nowMs: number): Denial | null;
}

const header = Buffer.from(JSON.stringify({ alg: "HS256", typ: "remit-denial+jwt" })).toString("base64url");

/** JWS in compact serialization (RFC 7515) with HMAC-SHA256: signed and read by this deployment alone, so the store need not remember denials. */
export function createBindingTokens(key: Buffer): BindingTokens {
  const signatureOf = (text: string): Buffer => createHmac("sha256", key).update(text).digest();
  return {
    sign(denial) {
      const text = `${header}.${Buffer.from(JSON.stringify({ ...denial, exp: Math.floor(denial.expiresMs / 1000) })).toString("base64url")}`;
      return `${text}.${signatureOf(text).toString("base64url")}`;
    },
    read(token, nowMs) {
      const [head, payload, signature, rest] = token.split(".");
      if (head !== header || payload === undefined || signature === undefined || rest !== undefined) return null;
      const given = Buffer.from(signature, "base64url");
      const right = signatureOf(`${head}.${payload}`);
      if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
      const denial = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Denial;
      return denial.expiresMs > nowMs ? denial : null;
    },
  };
}
