import type { Family } from "./builtin.ts";

export const json: Family = {};
