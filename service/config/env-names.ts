import { z } from "zod";
import { Config } from "./schema.ts";

/** `REMIT_LISTEN_PORT` → `["listen", "port"]`: a variable for every key of the configuration that is not inside a list. */
export function envNames(): Map<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const { path } of configKeys()) names.set(`REMIT_${path.join("_").toUpperCase()}`, path);
  return names;
}

/** One key as the reference page shows it. */
export interface ConfigKey {
  readonly path: readonly string[];
  readonly schema: JsonSchema;
}

/** The part of JSON Schema that describes a key. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly required?: readonly string[];
}

/** Every key outside lists, in the order of the schema. */
export function configKeys(): ConfigKey[] {
  return leaves(z.toJSONSchema(Config, { io: "input" }) as JsonSchema, []);
}

function leaves(schema: JsonSchema, path: readonly string[]): ConfigKey[] {
  if (schema.properties === undefined) return [{ path, schema }];
  return Object.entries(schema.properties).flatMap(([key, child]) => leaves(child, [...path, key]));
}
