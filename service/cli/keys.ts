import { text } from "node:stream/consumers";
import { RemitError } from "../errors.ts";
import { generateApiKey, hashApiKey } from "../identity/api-key.ts";

/** `remit new-key PEP`: the key, shown once, and the hash that goes into the configuration. */
export function newKeyCommand(args: readonly string[]): string {
  const [pep] = args;
  if (pep === undefined) throw new RemitError("config_invalid", "say for which enforcement point: remit new-key PEP");
  const key = generateApiKey(pep);
  return `key (shown once, for the enforcement point): ${key}\nhash (for auth.peps[].api_keys_sha256):      ${hashApiKey(key)}\n`;
}

/** `remit hash-key`: reads the key from standard input, so that it does not end up in the shell's history. */
export async function hashKeyCommand(): Promise<string> {
  const key = (await text(process.stdin)).trim();
  if (key === "") throw new RemitError("config_invalid", "no key on standard input: remit hash-key < FILE");
  return `${hashApiKey(key)}\n`;
}
