import { type BuiltinContext, BuiltinError } from "../builtin.ts";

/** Characters that a token takes, as ranges of code points in order; all of them for a dot, which is not a set for comparing. */
interface Token {
  readonly ranges: readonly (readonly [number, number])[] | "any";
  readonly flag: "" | "+" | "*";
}

interface Reader {
  readonly runes: readonly string[];
  at: number;
}

/** Units for one pair of characters, one of each glob. */
const pairUnits = 4;

/**
 * Whether two globs (`.`, `[a-z]`, `+`, `*`) have a text in common that is not empty, exactly as OPA's library finds out, which searches
 * in exponential time; here every pair of places is looked at once, from the end.
 */
export function globsMatch(first: string, second: string, context: BuiltinContext): boolean {
  context.spend(pairUnits * (first.length + second.length + first.length * second.length));
  const globs = trim(globOf(first), globOf(second));
  return globs !== undefined && intersect(...globs);
}

function globOf(text: string): readonly Token[] {
  const reader: Reader = { runes: [...text.toWellFormed()], at: 0 };
  const tokens: Token[] = [];
  while (reader.at < reader.runes.length) {
    const token = tokenOf(reader);
    const last = tokens.at(-1);
    // One of two equal tokens with flags is enough: `a*a+` is `a+`.
    if (last === undefined || last.flag === "" || token.flag === "" || !equal(last, token)) tokens.push(token);
    else if (token.flag === "+") tokens[tokens.length - 1] = token;
  }
  return tokens;
}

function tokenOf(reader: Reader): Token {
  const ranges = rangesOf(reader);
  const flag = reader.runes[reader.at];
  if (flag !== "+" && flag !== "*") return { ranges, flag: "" };
  reader.at++;
  return { ranges, flag };
}

function rangesOf(reader: Reader): Token["ranges"] {
  const { rune, escaped } = take(reader);
  if (escaped) return single(rune);
  if (rune === "]" || rune === "+" || rune === "*") throw new BuiltinError(`\`${rune}\` in a glob has nothing before it`);
  if (rune === "[") return setOf(reader);
  return rune === "." ? "any" : single(rune);
}

function take(reader: Reader): { readonly rune: string; readonly escaped: boolean } {
  const rune = reader.runes[reader.at++];
  if (rune === undefined) throw new BuiltinError("`[` in a glob has no matching `]`");
  if (rune !== "\\") return { rune, escaped: false };
  const behind = reader.runes[reader.at++];
  if (behind === undefined) throw new BuiltinError("a glob ends with `\\`");
  return { rune: behind, escaped: true };
}

function single(rune: string): readonly (readonly [number, number])[] {
  return [[codeOf(rune), codeOf(rune)]];
}

function codeOf(rune: string): number {
  return rune.codePointAt(0) ?? 0;
}

function setOf(reader: Reader): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  let open = false;
  for (;;) {
    const { rune, escaped } = take(reader);
    if (!escaped && rune === "]") return merged(ranges);
    if (!escaped && rune === "-") {
      if (!open) throw new BuiltinError("`-` in a glob has no character before it");
      extend(ranges, take(reader));
      open = false;
    } else {
      ranges.push([codeOf(rune), codeOf(rune)]);
      open = true;
    }
  }
}

function extend(ranges: [number, number][], { rune, escaped }: { readonly rune: string; readonly escaped: boolean }): void {
  const last = ranges.at(-1);
  if (last === undefined || (!escaped && (rune === "]" || rune === "-")))
    throw new BuiltinError("`-` in a glob has no character behind it");
  if (codeOf(rune) < last[0]) throw new BuiltinError("range in a glob is out of order");
  last[1] = codeOf(rune);
}

function merged(ranges: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  const ordered = [...ranges].sort((a, b) => a[0] - b[0]);
  const result: [number, number][] = [];
  for (const [low, high] of ordered) {
    const last = result.at(-1);
    if (last === undefined || low > last[1] + 1) result.push([low, high]);
    else last[1] = Math.max(last[1], high);
  }
  return result;
}

function equal({ ranges: a }: Token, { ranges: b }: Token): boolean {
  if (a === "any" || b === "any") return a === b;
  return a.length === b.length && a.every(([low, high], index) => low === b[index]?.[0] && high === b[index]?.[1]);
}

/** Whether a character can be both. A dot meets even a set that has no characters. */
function meet(a: Token | undefined, b: Token | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.ranges === "any" || b.ranges === "any") return true;
  let [i, j] = [0, 0];
  while (i < a.ranges.length && j < b.ranges.length) {
    const [[lowA, highA] = [0, 0], [lowB, highB] = [0, 0]] = [a.ranges[i], b.ranges[j]];
    if (lowA <= highB && lowB <= highA) return true;
    if (highA < highB) i++;
    else j++;
  }
  return false;
}

/** Takes equal starts and ends without flags off, all but one token each; undefined when they do not meet. */
function trim(first: readonly Token[], second: readonly Token[]): readonly [readonly Token[], readonly Token[]] | undefined {
  const plain = (a: Token | undefined, b: Token | undefined): boolean => a?.flag === "" && b?.flag === "";
  let start = 0;
  for (; plain(first[start], second[start]); start++) if (!meet(first[start], second[start])) return undefined;
  start = Math.max(start - 1, 0);
  let [i, j] = [first.length - 1, second.length - 1];
  for (; i >= start && j >= start && plain(first[i], second[j]); i--, j--) if (!meet(first[i], second[j])) return undefined;
  const left = i < first.length - 1 ? 1 : 0;
  return [first.slice(start, i + 1 + left), second.slice(start, j + 1 + left)];
}

/**
 * What holds for the rest of both globs from a pair of places on, a bit each: they go on with the first one asked first, or the second
 * one (it can matter), or with the token at the place in the first glob, or in the second one, taking more characters.
 */
const firstLeads = 1;
const secondLeads = 2;
const firstRepeats = 4;
const secondRepeats = 8;

/** The rests from the next place of the first glob on, of the second, and of both. */
interface Neighbours {
  readonly down: number;
  readonly right: number;
  readonly across: number;
}

interface Place {
  readonly first: Token | undefined;
  readonly second: Token | undefined;
  readonly behindFirst: Token | undefined;
  readonly behindSecond: Token | undefined;
}

function intersect(first: readonly Token[], second: readonly Token[]): boolean {
  let below = new Uint8Array(second.length + 1);
  for (let i = first.length; i >= 0; i--) {
    const row = new Uint8Array(second.length + 1);
    for (let j = second.length; j >= 0; j--) {
      const place = { first: first[i], second: second[j], behindFirst: first[i + 1], behindSecond: second[j + 1] };
      row[j] = restOf(place, { down: below[j] ?? 0, right: row[j + 1] ?? 0, across: below[j + 1] ?? 0 });
    }
    below = row;
  }
  return ((below[0] ?? 0) & firstLeads) !== 0;
}

function restOf(place: Place, next: Neighbours): number {
  const { first, second } = place;
  if (first === undefined || second === undefined) return endOf(place);
  const both = meet(first, second);
  const repeats = repeatsOf(place, next, both);
  if (first.flag === "" && second.flag === "") return repeats | (both ? next.across & (firstLeads | secondLeads) : 0);
  const firstOnce = both && takesOne(next.right & firstRepeats, second, next.down & firstLeads);
  const secondOnce = both && takesOne(next.down & secondRepeats, first, next.right & secondLeads);
  const byFirst = first.flag === "+" ? firstOnce : (repeats & firstRepeats) !== 0;
  const bySecond = second.flag === "+" ? secondOnce : (repeats & secondRepeats) !== 0;
  return repeats | leads(first.flag === "" ? bySecond : byFirst, firstLeads) | leads(second.flag === "" ? byFirst : bySecond, secondLeads);
}

function leads(goesOn: boolean, bit: number): number {
  return goesOn ? bit : 0;
}

function endOf({ first, second, behindFirst, behindSecond }: Place): number {
  if (first === second) return firstLeads | secondLeads;
  if (second === undefined) return behindFirst === undefined ? firstRepeats : 0;
  return behindSecond === undefined ? secondRepeats : 0;
}

/** A token takes what it can of the other glob, until the rest behind it goes on. */
function repeatsOf({ first, second, behindFirst, behindSecond }: Place, { down, right }: Neighbours, both: boolean): number {
  const byFirst = (both && (right & firstRepeats) !== 0) || ((down & firstLeads) !== 0 && meet(second, behindFirst));
  const bySecond = (both && (down & secondRepeats) !== 0) || ((right & secondLeads) !== 0 && meet(first, behindSecond));
  return (byFirst ? firstRepeats : 0) | (bySecond ? secondRepeats : 0);
}

/** A token with `+` takes one character of the other's token, or that one, if it has a flag, takes the place of the token. */
function takesOne(repeats: number, other: Token, goesOn: number): boolean {
  return repeats !== 0 || (other.flag !== "" && goesOn !== 0);
}
