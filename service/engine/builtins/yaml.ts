import type { Family } from "./builtin.ts";

export const yaml: Family = {};
