import type { Family } from "./builtin.ts";

export const casts: Family = {};
