import { parseIp, shortest } from "../../go/net/ip.ts";
import type { Certificate } from "./certificate.ts";

function lower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Go's `VerifyHostname`: whether a certificate has an alternative name for a host, which may be an IP address in brackets or not. */
export function isForHost({ known }: Certificate, host: string): boolean {
  const ip = parseIp(/^\[.+\]$/s.test(host) ? host.slice(1, -1) : host);
  if (ip !== undefined) return (known.names?.ips ?? []).some((own) => shortest(own).equals(ip));
  const wanted = lower(host);
  const parts = withoutDot(wanted).split(".");
  const valid = isHostname(parts, false);
  return (known.names?.dns ?? []).some((name) => {
    const own = lower(name).split(".");
    if (valid && isHostname(own, true))
      return own.length === parts.length && own.every((part, at) => part === parts[at] || isWildcard(part, at));
    return lower(name) === wanted && wanted !== "" && wanted !== ".";
  });
}

function withoutDot(host: string): string {
  return host.endsWith(".") ? host.slice(0, -1) : host;
}

function isWildcard(part: string, at: number): boolean {
  return at === 0 && part === "*";
}

/** Labels of letters, digits, hyphens (not in front) and underscores; a pattern's first label may be a wildcard, but not its only one. */
function isHostname(parts: readonly string[], pattern: boolean): boolean {
  if (parts.length === 1 && parts[0] === "*") return false;
  return parts.every((part, at) => (pattern && isWildcard(part, at)) || /^[A-Za-z0-9_][A-Za-z0-9_-]*$/.test(part));
}
