import type { Family } from "./builtin.ts";

export const encoding: Family = {};
