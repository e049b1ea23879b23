import { hash, randomBytes } from "node:crypto";

/** Id of an enforcement point: it stands in its API keys, so it holds no underscore. */
export const pepIdPattern = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** Secret of the documentation's sample keys; a key made of it is never accepted. */
export const sampleSecret = "sample-key-do-not-use-sample-key-do-not-use";

// 32 random bytes are 43 characters of base64url; a shorter secret was not made by generateApiKey.
const apiKeyPattern = /^rk_([a-z0-9][a-z0-9-]{0,63})_[A-Za-z0-9_-]{43,128}$/;

/** A fresh API key `rk_<pepId>_<secret>` with 256 random bits. It is shown once; only its {@link hashApiKey} is configured. */
export function generateApiKey(pepId: string): string {
  if (!pepIdPattern.test(pepId)) throw new RangeError(`enforcement point id \`${pepId}\` does not match ${pepIdPattern.source}`);
  return `rk_${pepId}_${randomBytes(32).toString("base64url")}`;
}

/** SHA-256 of a whole API key as 64 lower-case hex digits, as configured in `api_keys_sha256`. */
export function hashApiKey(key: string): string {
  return hash("sha256", key, "hex");
}

/** The enforcement point that an API key names, or null when the text is no API key. */
export function pepIdOf(key: string): string | null {
  return apiKeyPattern.exec(key)?.[1] ?? null;
}

/** Why a configured hash must not be used, or null. Refuses what is no SHA-256 and the hashes of empty, short or documented keys. */
export function weakHash(pepId: string, sha256: string): string | null {
  if (!/^[0-9a-f]{64}$/i.test(sha256)) return "is not 64 hex digits; configure the SHA-256 of the key, never the key itself";
  if (/^(.)\1*$/.test(sha256)) return "is a placeholder; generate a key";
  return guessable(pepId).some((key) => hashApiKey(key) === sha256.toLowerCase())
    ? "is the hash of a sample or empty key; generate one"
    : null;
}

/** Keys that somebody would try first. (Kuadrant's gateway fell to a built-in `secret-api-key`, GHSA-g53w-w6mj-hrpp.) */
function guessable(pepId: string): readonly string[] {
  const secrets = ["", "secret", "secret-api-key", "changeme", "password", "test", "admin", "api-key", "example", sampleSecret];
  return secrets.flatMap((secret) => [secret, `rk_${pepId}_${secret}`]);
}
