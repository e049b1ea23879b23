import { mcpSample } from "./mcp.ts";
import type { DialectSample } from "./sample.ts";

/** One line for each dialect of the table. */
export const samples: readonly DialectSample[] = [mcpSample];
