import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

/** One signing key of a test issuer; `jwk` is its public half. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

/** Generates a key pair whose public JWK carries `kid`, `alg` and `use`. */
export async function createSigningKey(kid: string, alg = "ES256"): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: "sig" } };
}

/** Claims of a good access token; `nowS` in seconds. */
export function goodClaims(issuer: string, audience: string, nowS = Math.floor(Date.now() / 1000)): JWTPayload {
  return { iss: issuer, aud: audience, sub: "emma", client_id: "bank-assistant", iat: nowS, exp: nowS + 300, scope: "read write" };
}

/** Signs exactly these claims; `header` is merged over `{alg, kid, typ: "at+jwt"}`, and undefined removes a member. */
export async function signToken(key: SigningKey, claims: JWTPayload, header: Record<string, unknown> = {}): Promise<string> {
  const merged = { alg: key.alg, kid: key.kid, typ: "at+jwt", ...header };
  const defined = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== undefined));
  return new SignJWT(claims).setProtectedHeader({ alg: key.alg, ...defined }).sign(key.privateKey);
}

/** How the JWKS endpoint behaves: `up`, `error` (500), `hang` (never answers) or a handler of the test's own. */
export type IssuerMode = "up" | "error" | "hang" | ((response: ServerResponse) => void);

/** A small OAuth issuer: keys, tokens, and a real HTTP server on loopback that serves its JWKS. */
export interface TestIssuer {
  readonly url: string;
  readonly jwksUri: string;
  readonly audience: string;
  /** Requests that reached the JWKS endpoint. */
  fetches(): number;
  /** The key that signs now. */
  key(): SigningKey;
  /** New signing key; `keep` leaves the earlier ones published. */
  rotate(options?: { keep?: boolean }): Promise<SigningKey>;
  setMode(mode: IssuerMode): void;
  /** A token with good claims, changed by `claims` (undefined removes one). */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

/** Starts a {@link TestIssuer}; port 0, so every test gets its own. */
export async function startIssuer(options: { audience?: string; alg?: string } = {}): Promise<TestIssuer> {
  const audience = options.audience ?? "remit";
  let serial = 1;
  let published = [await createSigningKey("key-1", options.alg)];
  let mode: IssuerMode = "up";
  let fetches = 0;
  const server = createServer((_request: IncomingMessage, response: ServerResponse) => {
    fetches++;
    answer(mode, response, () => JSON.stringify({ keys: published.map(({ jwk }) => jwk) }));
  });
  const url = await listen(server);
  const key = (): SigningKey => published.at(-1) ?? fail();
  return {
    url,
    jwksUri: `${url}/jwks`,
    audience,
    fetches: () => fetches,
    key,
    rotate: async ({ keep = false } = {}) => {
      const next = await createSigningKey(`key-${++serial}`, options.alg);
      published = keep ? [...published, next] : [next];
      return next;
    },
    setMode: (next) => {
      mode = next;
    },
    token: (claims = {}, header = {}) => signToken(key(), withoutUndefined({ ...goodClaims(url, audience), ...claims }), header),
    close: () => close(server),
  };
}

function fail(): never {
  throw new Error("the issuer has no key");
}

function withoutUndefined(claims: Record<string, unknown>): JWTPayload {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

function answer(mode: IssuerMode, response: ServerResponse, body: () => string): void {
  if (typeof mode === "function") mode(response);
  else if (mode === "up") response.setHeader("content-type", "application/json").end(body());
  else if (mode === "error") response.writeHead(500).end("out of order");
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
