import type { Family } from "./builtin.ts";

export const graph: Family = {};
