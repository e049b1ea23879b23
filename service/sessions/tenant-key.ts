/** Escaped names of tenants seen lately; emptied when it is full, so that callers cannot make it grow. */
const known = new Map<string, string>();
const knownMax = 1_000;

/**
 * Name of a tenant for keys: only letters, digits, `.`, `_`, `-` and `%`, never empty, and no two tenants share one. Any other
 * UTF-16 unit becomes `%` and four hex digits, so that neither braces nor separators nor half characters can reach into another tenant.
 */
export function tenantKey(tenant: string): string {
  const found = known.get(tenant);
  if (found !== undefined) return found;
  const escaped = `t.${tenant.replace(/[^A-Za-z0-9._-]/g, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}`;
  if (known.size >= knownMax) known.clear();
  known.set(tenant, escaped);
  return escaped;
}
