import { Buffer } from "node:buffer";
import { isAscii, toLower, toUpper } from "../go/case.ts";
import { bytesOf, textOf } from "../value/bytes.ts";
import { numberOf, type Value } from "../value/value.ts";
import { type Builtin, type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { intOf, stringOf, stringsOf } from "./operands.ts";
import { occurrences, piecesOf, pieceUnits } from "./text/search.ts";
import { cutset, isSpace, trimmedEnd, trimmedStart } from "./text/trim.ts";

/** Bytes of a text that a builtin makes at most; a module has no memory for more. */
const lengthMax = 1 << 26;
const charactersPerUnit = 4;
/** Units for a character that may be trimmed or is moved, for one that gets another case, and for a byte of what is not UTF-8. */
const cost = { character: 5, letter: 20, byte: 50 } as const;

function payForText(length: number, context: BuiltinContext): void {
  if (length > lengthMax) throw new BuiltinError("the result is too long");
  context.spend(length / charactersPerUnit);
}

/** A text whose pieces may only together be UTF-8. */
function settled(text: string): string {
  return text.isWellFormed() ? text : textOf(bytesOf(text));
}

function concat(delimiter: string, pieces: readonly string[], context: BuiltinContext): string {
  payForText(
    pieces.reduce((sum, piece) => sum + piece.length + delimiter.length, 0),
    context,
  );
  return settled(pieces.join(delimiter));
}

/** The place of the first occurrence by characters, -1 if there is none; bytes that are not UTF-8 are all the same. */
function indexOf(base: string, search: string, context: BuiltinContext): number {
  if (search === "") throw new BuiltinError("empty search character");
  const text = base.toWellFormed();
  const [offset = -1] = occurrences(text, search.toWellFormed(), context);
  return offset < 0 ? -1 : charactersIn(text.slice(0, offset));
}

function charactersIn(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xd800) count--;
  return count;
}

/** So many characters from one on, all of them for a negative length. Unless it is the whole text, bytes that are not UTF-8 are U+FFFD. */
function substring(base: string, start: bigint, length: bigint, context: BuiltinContext): string {
  if (start < 0n) throw new BuiltinError("negative offset");
  context.spend(base.length / charactersPerUnit);
  const from = Math.min(Number(start), base.length);
  const count = length < 0n ? base.length : Math.min(Number(length), base.length);
  if (from === 0 && length >= 0n && count >= charactersIn(base)) return base;
  const text = base.toWellFormed();
  const begin = offsetOf(text, 0, from);
  return text.slice(begin, offsetOf(text, begin, count));
}

/** The offset so many characters behind another one. */
function offsetOf(text: string, from: number, characters: number): number {
  let at = from;
  for (let left = characters; left > 0 && at < text.length; left--) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return at;
}

/** Text in which a character is a byte: what is replaced, or put anywhere, may be a part of a character. */
function latin1(text: string): string {
  return bytesOf(text).toString("latin1");
}

function replace(base: string, old: string, by: string, context: BuiltinContext): string {
  if (old !== "" && [base, old, by].every((text) => text.isWellFormed())) return replaceIn(base, old, by, context);
  const bytes = replaceIn(latin1(base), latin1(old), latin1(by), context);
  context.spend(bytes.length * cost.byte);
  return textOf(Buffer.from(bytes, "latin1"));
}

/** Nothing is found in front of each byte and at the end. */
function replaceIn(text: string, old: string, by: string, context: BuiltinContext): string {
  if (old === "") context.spend(text.length * pieceUnits);
  const pieces = old === "" ? ["", ...text, ""] : [...piecesOf(text, old, context)];
  payForText(text.length + (pieces.length - 1) * by.length, context);
  return pieces.join(by);
}

function trimmer(left: boolean, right: boolean): Builtin {
  return ([text, characters], context) => trim(stringOf(text), characters, { left, right }, context);
}

interface Ends {
  readonly left: boolean;
  readonly right: boolean;
}

/** Without `characters` it trims white space. */
function trim(text: string, characters: Value | undefined, { left, right }: Ends, context: BuiltinContext): string {
  const trimmed = characters === undefined ? isSpace : cutset(stringOf(characters), context);
  context.spend(text.length * cost.character);
  const rest = right ? text.slice(0, trimmedEnd(text, trimmed)) : text;
  return left ? rest.slice(trimmedStart(rest, trimmed)) : rest;
}

function reverse(text: string, context: BuiltinContext): string {
  context.spend(text.length * cost.character);
  return settled([...text].reverse().join(""));
}

/** Only a text that is not ASCII is gone through letter by letter. */
function withCase(change: (text: string) => string, text: string, context: BuiltinContext): string {
  if (!isAscii(text)) context.spend(text.length * cost.letter);
  return change(text);
}

/** Builtins on strings that a module has itself, where it has another Unicode, stops at bytes that are not UTF-8, or never stops. */
export const nativeStrings: Family = {
  concat: ([delimiter, pieces], context) => concat(stringOf(delimiter), stringsOf(pieces), context),
  indexof: ([base, search], context) => numberOf(indexOf(stringOf(base), stringOf(search), context)),
  lower: ([text], context) => withCase(toLower, stringOf(text), context),
  replace: ([base, old, by], context) => replace(stringOf(base), stringOf(old), stringOf(by), context),
  "strings.reverse": ([text], context) => reverse(stringOf(text), context),
  substring: ([base, start, length], context) => substring(stringOf(base), intOf(start), intOf(length), context),
  trim: trimmer(true, true),
  trim_left: trimmer(true, false),
  trim_right: trimmer(false, true),
  trim_space: ([text], context) => trim(stringOf(text), undefined, { left: true, right: true }, context),
  upper: ([text], context) => withCase(toUpper, stringOf(text), context),
};
