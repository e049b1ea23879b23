import type { Family } from "./builtin.ts";

export const aws: Family = {};
