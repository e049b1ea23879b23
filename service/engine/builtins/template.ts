import type { Family } from "./builtin.ts";

export const template: Family = {};
