import { aws } from "./aws.ts";
import type { Builtin } from "./builtin.ts";
import { casts } from "./casts.ts";
import { crypto } from "./crypto.ts";
import { encoding } from "./encoding.ts";
import { graph } from "./graph.ts";
import { graphql } from "./graphql.ts";
import { ids } from "./ids.ts";
import { json } from "./json.ts";
import { jwt } from "./jwt.ts";
import { net } from "./net.ts";
import { numbers } from "./numbers.ts";
import { regex } from "./regex.ts";
import { runtime } from "./runtime.ts";
import { schema } from "./schema.ts";
import { text } from "./sprintf.ts";
import { strings } from "./strings.ts";
import { template } from "./template.ts";
import { time } from "./time.ts";
import { x509 } from "./x509.ts";
import { yaml } from "./yaml.ts";

const families = [
  aws,
  casts,
  crypto,
  encoding,
  graph,
  graphql,
  ids,
  json,
  jwt,
  net,
  numbers,
  regex,
  runtime,
  schema,
  strings,
  template,
  text,
  time,
  x509,
  yaml,
];

/** Every builtin that the host gives, by name; a family is a file and a line here. */
export const builtins: ReadonlyMap<string, Builtin> = new Map(families.flatMap((family) => Object.entries(family)));

/** Their names. */
export const builtinNames: ReadonlySet<string> = new Set(builtins.keys());

/** Builtins that reach the network: a synchronous host cannot give them, and a decision must not wait for others. */
export const networkBuiltins: ReadonlySet<string> = new Set(["http.send", "net.lookup_ip_addr"]);
