import { arithmetic } from "./arithmetic.ts";
import { aws } from "./aws.ts";
import { base64 } from "./base64.ts";
import { bits } from "./bits.ts";
import type { Builtin } from "./builtin.ts";
import { casts } from "./casts.ts";
import { nativeCollections } from "./collections.ts";
import { crypto } from "./crypto.ts";
import { encoding } from "./encoding.ts";
import { graph } from "./graph.ts";
import { graphql } from "./graphql.ts";
import { ids } from "./ids.ts";
import { json } from "./json.ts";
import { jsonPaths } from "./json-paths.ts";
import { jsonText } from "./json-text.ts";
import { jwt } from "./jwt.ts";
import { nativeStrings } from "./native-strings.ts";
import { net } from "./net.ts";
import { numberText } from "./number-text.ts";
import { numbers } from "./numbers.ts";
import { patterns } from "./patterns.ts";
import { regex } from "./regex.ts";
import { runtime } from "./runtime.ts";
import { schema } from "./schema.ts";
import { text } from "./sprintf.ts";
import { strings } from "./strings.ts";
import { template } from "./template.ts";
import { templateString } from "./template-string.ts";
import { time } from "./time.ts";
import { x509 } from "./x509.ts";
import { yaml } from "./yaml.ts";

const families = [
  arithmetic,
  aws,
  base64,
  bits,
  casts,
  crypto,
  encoding,
  graph,
  graphql,
  ids,
  json,
  jsonPaths,
  jsonText,
  jwt,
  nativeCollections,
  nativeStrings,
  net,
  numberText,
  numbers,
  patterns,
  regex,
  runtime,
  schema,
  strings,
  template,
  templateString,
  text,
  time,
  x509,
  yaml,
];

/** Every builtin that the host gives, by name; a family is a file and a line here. */
export const builtins: ReadonlyMap<string, Builtin> = new Map(families.flatMap((family) => Object.entries(family)));

/** Their names. */
export const builtinNames: ReadonlySet<string> = new Set(builtins.keys());

/** Builtins that no policy may call, and why. */
export const refusedBuiltins: Readonly<Record<string, string>> = {
  "http.send": "it reaches the network: bring such facts in as data or input",
  "net.lookup_ip_addr": "it reaches the network: bring such facts in as data or input",
  "rego.parse_module": "it needs OPA's parser of Rego",
};
