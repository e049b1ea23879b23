import type { Family } from "./builtin.ts";

export const schema: Family = {};
