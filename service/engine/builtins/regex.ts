import type { Family } from "./builtin.ts";

export const regex: Family = {};
