import type { Builtin } from "./builtin.ts";
import { text } from "./sprintf.ts";
import { time } from "./time.ts";

/** Every builtin that the host gives, by name; a family is a file and a line here. */
export const builtins: ReadonlyMap<string, Builtin> = new Map(Object.entries({ ...text, ...time }));

/** Builtins that reach the network: a synchronous host cannot give them, and a decision must not wait for others. */
export const networkBuiltins: ReadonlySet<string> = new Set(["http.send", "net.lookup_ip_addr"]);
