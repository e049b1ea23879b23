import type { Family } from "./builtin.ts";

export const net: Family = {};
