import { Buffer } from "node:buffer";
import { BuiltinError } from "../../builtins/builtin.ts";
import { textOf } from "../../value/bytes.ts";
import { move, type Scanner, skipBreak, type Token, take } from "./scanner.ts";
import { isBlank, isBlankOrEnd, isBreak } from "./text.ts";

const name = /[0-9A-Za-z_-]+/y;
const blanks = /[ \t]*/y;
const version = /([0-9]{1,2})\.([0-9]{1,2})(?![0-9])/y;
const comment = /#[^\n\r\x85\u2028\u2029]*/y;

/** `%YAML` or `%TAG`. */
export function directive(scanner: Scanner): Token {
  move(scanner, 1);
  const word = take(scanner, name);
  if (word === "" || !isBlankOrEnd(scanner.text, scanner.at)) throw new BuiltinError("could not find expected directive name");
  take(scanner, blanks);
  const token = directiveOf(scanner, word);
  take(scanner, blanks);
  take(scanner, comment);
  if (isBreak(scanner.text, scanner.at)) skipBreak(scanner);
  else if (scanner.at < scanner.text.length) throw new BuiltinError("did not find expected comment or line break");
  return token;
}

function directiveOf(scanner: Scanner, word: string): Token {
  if (word === "YAML") return { kind: "version", value: versionText(scanner) };
  if (word !== "TAG") throw new BuiltinError("found unknown directive name");
  const value = take(scanner, handle);
  if (!/^!(?:[0-9A-Za-z_-]*!)?$/.test(value)) throw new BuiltinError("did not find expected '!'");
  if (!isBlank(scanner.text, scanner.at)) throw new BuiltinError("did not find expected whitespace");
  take(scanner, blanks);
  const suffix = uri(scanner);
  if (suffix === "") throw new BuiltinError("did not find expected tag URI");
  if (!isBlankOrEnd(scanner.text, scanner.at)) throw new BuiltinError("did not find expected whitespace or line break");
  return { kind: "handle", value, suffix };
}

/** Leading zeros do not count. */
function versionText(scanner: Scanner): string {
  const found = take(scanner, version);
  if (found === "") throw new BuiltinError("did not find expected version number");
  return found.split(".").map(Number).join(".");
}

/** `&name` or `*name`. */
export function anchor(scanner: Scanner): string {
  move(scanner, 1);
  const found = take(scanner, name);
  const ends = isBlankOrEnd(scanner.text, scanner.at) || "?:,]}%@`".includes(scanner.text.charAt(scanner.at));
  if (found === "" || !ends) throw new BuiltinError("did not find expected alphabetic or numeric character");
  return found;
}

const handle = /![0-9A-Za-z_-]*!?/y;

/** `!suffix`, `!handle!suffix`, `!<whole tag>`, or `!`. */
export function tag(scanner: Scanner): Token {
  const token = scanner.text.charAt(scanner.at + 1) === "<" ? verbatimTag(scanner) : shortTag(scanner);
  if (!isBlankOrEnd(scanner.text, scanner.at)) throw new BuiltinError("did not find expected whitespace or line break");
  return token;
}

function verbatimTag(scanner: Scanner): Token {
  move(scanner, 2);
  const suffix = uri(scanner);
  if (suffix === "") throw new BuiltinError("did not find expected tag URI");
  if (scanner.text.charAt(scanner.at) !== ">") throw new BuiltinError("did not find the expected '>'");
  move(scanner, 1);
  return { kind: "tag", value: "", suffix };
}

function shortTag(scanner: Scanner): Token {
  const found = take(scanner, handle);
  if (found.length > 1 && found.endsWith("!")) {
    const suffix = uri(scanner);
    if (suffix === "") throw new BuiltinError("did not find expected tag URI");
    return { kind: "tag", value: found, suffix };
  }
  const suffix = found.slice(1) + uri(scanner);
  return suffix === "" ? { kind: "tag", value: "", suffix: "!" } : { kind: "tag", value: "!", suffix };
}

const uriCharacters = /[0-9A-Za-z_\-;/?:@&=+$,.!~*'()[\]]+/y;
const escapedOctets = /(?:%[0-9A-Fa-f]{2})+/y;

function uri(scanner: Scanner): string {
  let text = "";
  for (;;) {
    const found = take(scanner, uriCharacters);
    const escaped = take(scanner, escapedOctets);
    if (escaped !== "") text += found + unescaped(escaped);
    else if (scanner.text.charAt(scanner.at) === "%") throw new BuiltinError("did not find URI escaped octet");
    else return text + found;
  }
}

const sequences = /^(?:[\0-\x7f]|[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3})*$/;

/** Octets must come as sequences of UTF-8, of which only the lengths are checked. */
function unescaped(escaped: string): string {
  const bytes = Buffer.from(escaped.replaceAll("%", ""), "hex");
  if (!sequences.test(bytes.toString("latin1"))) throw new BuiltinError("found an incorrect UTF-8 octet");
  return textOf(bytes);
}
