import type { Builtin } from "./builtin.ts";
import { time } from "./time.ts";

/** Every builtin that the host gives, by name; a family is a file and a line here. */
export const builtins: ReadonlyMap<string, Builtin> = new Map(Object.entries({ ...time }));
