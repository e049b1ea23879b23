import type { Family } from "./builtin.ts";

export const x509: Family = {};
