import type { DialectOptions } from "../../../service/dialects/table.ts";

export const dialectOptions: DialectOptions = { hooks: { allow: "no_opinion" } };
