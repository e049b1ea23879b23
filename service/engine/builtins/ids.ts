import type { Family } from "./builtin.ts";

export const ids: Family = {};
