import type { JSONWebKeySet } from "jose";

/** The one function of the platform that is needed; tests inject their own. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>;

/** Bounds of one fetch of a key set. */
export interface FetchJwksOptions {
  readonly fetch: FetchLike;
  /** For the whole exchange, body included. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly keysMax: number;
}

/** Fetches a JWK Set (RFC 7517 section 5). Throws an Error when it is not to be had whole, plain and within bounds. */
export async function fetchJwks(uri: string, options: FetchJwksOptions): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(options.timeoutMs);
  // A redirect could lead from https to anywhere; the configured address is the only one trusted.
  const response = await options.fetch(uri, {
    redirect: "manual",
    signal,
    headers: { accept: "application/json, application/jwk-set+json" },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`key set answered status ${response.status}; 200 is needed, redirects are not followed`);
  }
  return readKeySet(await readBounded(response, options.bytesMax), options.keysMax);
}

async function readBounded(response: Response, bytesMax: number): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop early cancels the stream, and with it the connection.
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new Error(`key set is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
}

function readKeySet(text: string, keysMax: number): JSONWebKeySet {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("keys" in value) || !Array.isArray(value.keys))
    throw new Error("key set is not an object with an array `keys`");
  if (value.keys.length > keysMax) throw new Error(`key set has ${value.keys.length} keys, more than ${keysMax}`);
  // One malformed member must not take the good keys with it: an issuer may publish kinds of keys we do not know.
  return { keys: value.keys.filter((key: unknown) => typeof key === "object" && key !== null && !Array.isArray(key)) };
}
