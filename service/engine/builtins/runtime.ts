import type { Family } from "./builtin.ts";

export const runtime: Family = {};
