import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

const identifier = z.string().min(1).max(256);

/** No `__` and no `_` at an end: `server__tool` can then be split in one way only. */
const serverName = z
  .string()
  .max(32)
  .regex(/^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$/, "must be letters and digits, joined by single . _ or -");

const UpstreamServer = z.strictObject({
  command: z.string().min(1),
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
});
export type UpstreamServer = z.infer<typeof UpstreamServer>;

/** The gateway's configuration file. */
export const GatewayConfig = z.strictObject({
  remit: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).refine(isPrivate, "must be https, or http on loopback: API key and arguments travel over it"),
    /** The environment variable that holds the API key. */
    api_key_env: z.string().min(1).optional(),
    timeout_ms: z.number().int().min(1).max(60_000).default(2000),
  }),
  /** Who calls, as `POST /decide` takes it: a gateway on stdio serves one agent of one person. */
  caller: z.strictObject({
    subject: z.strictObject({ id: identifier, roles: z.array(identifier).default([]) }).optional(),
    agent: z.strictObject({ id: identifier }).optional(),
    session: z.strictObject({ id: identifier }).optional(),
    origin: z.strictObject({ ip: z.union([z.ipv4(), z.ipv6()]) }).optional(),
    token_file: z.string().optional(),
  }),
  servers: z.record(serverName, UpstreamServer).refine((servers) => Object.keys(servers).length > 0, "name at least one server"),
  call_timeout_ms: z.number().int().min(1).max(3_600_000).default(60_000),
});
export type GatewayConfig = z.infer<typeof GatewayConfig>;

function isPrivate(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** YAML (or JSON) file to configuration. Throws one Error that names every mistake by its path. */
export function loadConfig(file: string): GatewayConfig {
  const parsed = GatewayConfig.safeParse(parse(readFileSync(file, "utf8")));
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map((issue) => `\n  ${issue.path.join(".") || "/"}: ${issue.message}`);
  throw new Error(`the configuration \`${file}\` has mistakes:${mistakes.join("")}`);
}

/** The API key, or undefined when none is configured. Throws when it is configured and not there: better than a 401 for each call. */
export function apiKeyOf(config: GatewayConfig, env: NodeJS.ProcessEnv): string | undefined {
  const name = config.remit.api_key_env;
  if (name === undefined) return undefined;
  const key = env[name];
  if (key === undefined || key === "")
    throw new Error(`no API key; set the environment variable \`${name}\` or remove \`remit.api_key_env\``);
  return key;
}
