import type { Family } from "./builtin.ts";

export const numbers: Family = {};
