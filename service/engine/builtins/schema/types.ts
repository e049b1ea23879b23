import type { Exact } from "./number.ts";
import type { Reference } from "./url.ts";

/** A schema that is ready to validate with: a keyword that is not there is undefined. */
export interface Schema {
  /** 4, 6 or 7, or {@link hybrid}. */
  draft: number;
  id: Reference;
  /** What `true` and `false` say; no other keyword counts then. */
  always?: boolean;
  /** The schema that `$ref` means; no other keyword counts then. */
  target?: Schema;
  readonly types: string[];
  readonly properties: Map<string, Schema>;
  readonly patterns: Map<string, Schema>;
  readonly dependencies: Map<string, readonly string[] | Schema>;
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  /** One for every item, or one for each place. */
  items?: Schema | readonly Schema[];
  additionalItems?: boolean | Schema;
  contains?: Schema;
  multipleOf?: Exact;
  minimum?: Exact | undefined;
  maximum?: Exact | undefined;
  exclusiveMinimum?: Exact | undefined;
  exclusiveMaximum?: Exact | undefined;
  minLength?: bigint;
  maxLength?: bigint;
  minProperties?: bigint;
  maxProperties?: bigint;
  minItems?: bigint;
  maxItems?: bigint;
  uniqueItems?: boolean;
  pattern?: string;
  format?: string;
  required: readonly string[];
  /** Texts of values, as they are compared. */
  constant?: string;
  values?: ReadonlySet<string>;
  /** The values as errors show them. */
  allowed?: string;
  oneOf: readonly Schema[];
  anyOf: readonly Schema[];
  allOf: readonly Schema[];
  not?: Schema;
  if?: Schema;
  then?: Schema;
  else?: Schema;
}

/** A schema without keywords. */
export function newSchema(draft: number, id: Reference): Schema {
  return {
    draft,
    id,
    types: [],
    properties: new Map(),
    patterns: new Map(),
    dependencies: new Map(),
    required: [],
    oneOf: [],
    anyOf: [],
    allOf: [],
  };
}
