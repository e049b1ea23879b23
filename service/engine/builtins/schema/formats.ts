import { parseIp } from "../../go/net/ip.ts";
import { isMailAddress } from "../../go/net/mail.ts";
import { parseUrl } from "../../go/net/url.ts";
import { parse as parseTime } from "../../go/time/parse.ts";
import { bytesOf } from "../../value/bytes.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { compiled } from "../regex/cache.ts";

type Check = (text: string, context: BuiltinContext) => boolean;

function hasLayout(text: string, ...layouts: readonly string[]): boolean {
  return layouts.some((layout) => succeeds(() => parseTime(layout, text)) !== undefined);
}

/** Undefined when it fails. */
function succeeds<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}

/** The URL that a text is, unless it has a backslash. */
function urlOf(text: string): ReturnType<typeof parseUrl> | undefined {
  return text.includes("\\") ? undefined : succeeds(() => parseUrl(bytesOf(text).toString("latin1")));
}

/** Whether a text is a regular expression in Go's syntax. One that is only too large for this engine fails. */
export function isPattern(text: string, context: BuiltinContext): boolean {
  try {
    compiled(text, context);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError && error.cause !== undefined) return false;
    throw error;
  }
}

const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const hostname = new RegExp(`^${label}(?:\\.${label})*$`);
const uuid = /^[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}$/;

const isDate: Check = (text) => hasLayout(text, "2006-01-02");
const isTime: Check = (text) => hasLayout(text, "15:04:05Z07:00", "15:04:05");
const isEmail: Check = (text) => isMailAddress(text);
const isUri: Check = (text) => (urlOf(text)?.scheme ?? "") !== "";
const isUriReference: Check = (text) => urlOf(text) !== undefined;
const isPointer: Check = (text) => /^(?:\/|$)/.test(text) && !/~(?![01])/.test(text);

/** Every brace that opens is closed; what is between does not matter. */
function isTemplate(text: string): boolean {
  const path = urlOf(text)?.path;
  if (path === undefined) return false;
  for (let open = path.indexOf("{"); open >= 0; ) {
    const close = path.indexOf("}", open);
    if (close < 0) return false;
    open = path.indexOf("{", close);
  }
  return true;
}

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["date", isDate],
  ["time", isTime],
  ["date-time", (text, context) => isTime(text, context) || isDate(text, context) || hasLayout(text, "2006-01-02T15:04:05Z07:00")],
  ["hostname", (text) => text.length < 256 && hostname.test(text)],
  ["email", isEmail],
  ["idn-email", isEmail],
  ["ipv4", (text) => text.includes(".") && parseIp(text) !== undefined],
  ["ipv6", (text) => text.includes(":") && parseIp(text) !== undefined],
  ["uri", isUri],
  ["iri", isUri],
  ["uri-reference", isUriReference],
  ["iri-reference", isUriReference],
  ["uri-template", isTemplate],
  ["uuid", (text) => uuid.test(text)],
  ["regex", (text, context) => text === "" || isPattern(text, context)],
  ["json-pointer", isPointer],
  ["relative-json-pointer", (text, context) => /^(?:0|[1-9][0-9]*)#$/.test(text) || isRelativePointer(text, context)],
]);

function isRelativePointer(text: string, context: BuiltinContext): boolean {
  const number = /^(?:0|[1-9][0-9]*)/.exec(text)?.[0];
  return number !== undefined && isPointer(text.slice(number.length), context);
}

const unitsPerCharacter = 5;

/** Whether a string has a format as OPA's validator checks it; a format that it does not know has every string. */
export function hasFormat(format: string, text: string, context: BuiltinContext): boolean {
  context.spend(text.length * unitsPerCharacter);
  return checks.get(format)?.(text, context) ?? true;
}
