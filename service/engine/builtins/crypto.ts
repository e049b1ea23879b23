import type { Family } from "./builtin.ts";

export const crypto: Family = {};
