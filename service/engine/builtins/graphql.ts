import type { Family } from "./builtin.ts";

export const graphql: Family = {};
