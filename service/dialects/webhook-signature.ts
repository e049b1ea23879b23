import { RemitError } from "../errors.ts";
import type { WireHead } from "./dialect.ts";

const pepId = /^[a-z0-9][a-z0-9-]{0,63}$/;

/** The enforcement point that the path below `folder` names. Throws RemitError `pep_unauthenticated`. */
export function pepOf({ path }: WireHead, folder: string): string {
  const id = path.slice(folder.length);
  if (!path.startsWith(folder) || !pepId.test(id)) throw unsigned("the path names no enforcement point");
  return id;
}

/** The MAC in a header of the form `form`, whose first group is 64 hex digits. Throws RemitError `pep_unauthenticated`. */
export function macOf({ headers }: WireHead, name: string, form: RegExp): Buffer {
  const value = headers[name];
  const digits = typeof value === "string" ? form.exec(value)?.[1] : undefined;
  if (digits === undefined) throw unsigned(`header \`${name}\` holds no signature`);
  return Buffer.from(digits, "hex");
}

export function unsigned(message: string): RemitError {
  return new RemitError("pep_unauthenticated", message);
}
