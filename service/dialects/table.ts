import type { Dialect } from "./dialect.ts";
import { mcp } from "./mcp.ts";

/** What the configuration says of the dialects, in their own words. */
export interface DialectOptions {
  readonly hooks: { readonly allow: "no_opinion" | "allow" };
}

/** Every dialect but the native one: one line each. */
export function createDialects(_options: DialectOptions): readonly Dialect[] {
  return [mcp];
}
