import type { Family } from "./builtin.ts";

export const jwt: Family = {};
