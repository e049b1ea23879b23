import type { Family } from "./builtin.ts";

export const strings: Family = {};
