import { resolve } from "./resolve.ts";

/** How a string is written. */
export type Style = "plain" | "single" | "double" | "literal";

/** Words and numbers of YAML 1.1 that YAML 1.2 takes as strings; they are quoted all the same. */
const oldBooleans = /^(?:[yYnN]|yes|Yes|YES|on|On|ON|no|No|NO|off|Off|OFF)$/;
const sexagesimal = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

/** Characters that can only be written with an escape; those beyond U+FFFF are among them. */
const special = /[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;
const lineBreak = /[\n\r\x85\u2028\u2029]/;
const breakThenSpace = /[\n\r\x85\u2028\u2029] /;
const spaceThenBreak = / [\n\r\x85\u2028\u2029]/;
const spaceAround = /^[ \n\r\x85\u2028\u2029]|[ \n\r\x85\u2028\u2029]$/;
const indicators = /^(?:---|\.\.\.|[#,[\]{}&*!|>'"%@`]|[?-](?:[ \t]|$))|:(?:[ \t]|$)|[ \t\n\r\x85\u2028\u2029\0]#/;

/** Whether a string has a line break of YAML 1.1: it is no simple key then. */
export function isMultiline(text: string): boolean {
  return lineBreak.test(text);
}

/** The style that Go's yaml v3 chooses for a string, as a value or as a key before a `:`. */
export function styleOf(text: string, simpleKey: boolean): Style {
  if (simpleKey && isMultiline(text)) return "double";
  const onlyEscaped = spaceThenBreak.test(text) || special.test(text);
  if (text.includes("\n")) return onlyEscaped || simpleKey || text.endsWith(" ") ? "double" : "literal";
  if (resolve("", text).tag !== "!!str" || oldBooleans.test(text) || sexagesimal.test(text)) return "double";
  if (onlyEscaped || text.includes("\t") || breakThenSpace.test(text)) return "double";
  return isMultiline(text) || spaceAround.test(text) || indicators.test(text) ? "single" : "plain";
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["\0", "0"],
  ["\u0007", "a"],
  ["\b", "b"],
  ["\t", "t"],
  ["\n", "n"],
  ["\v", "v"],
  ["\f", "f"],
  ["\r", "r"],
  ["\u001b", "e"],
  ['"', '"'],
  ["\\", "\\"],
  ["\u0085", "N"],
  ["\u00a0", "_"],
  ["\u2028", "L"],
  ["\u2029", "P"],
]);
const escapedCharacters = /[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]|["\\]/gu;

/** What stands between double quotes. A text that begins with a byte order mark has every character escaped, as Go's yaml does. */
export function doubleQuoted(text: string): string {
  return text.replace(text.startsWith("\ufeff") ? /./gsu : escapedCharacters, escaped);
}

function escaped(character: string): string {
  const short = escapes.get(character);
  if (short !== undefined) return `\\${short}`;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16).toUpperCase();
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** What stands behind `|`: an indentation that the text does not show, and what becomes of the line breaks at the end. */
export function literalHints(text: string): string {
  const indentation = /^[ \n\r\x85\u2028\u2029]/.test(text) ? "2" : "";
  if (!/[\n\r\x85\u2028\u2029]$/.test(text)) return `${indentation}-`;
  return /^[\s\S]$|[\n\r\x85\u2028\u2029]{2}$/.test(text) ? `${indentation}+` : indentation;
}
