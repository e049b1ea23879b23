/** A pattern as re2js takes it, and bounds for what it becomes. */
export interface Prepared {
  readonly source: string;
  /** At least the instructions of the program; one that holds a Unicode class counts more. */
  readonly size: number;
  /** Units of fuel to compile it. */
  readonly cost: number;
  /** The name of each group, from group 1 on; "" for one without. */
  readonly names: readonly string[];
}

/** Units for a character of a pattern and for an instruction: re2js takes about a microsecond for either. */
const stepUnits = 100;
/** Units to read a Unicode class, and what it counts for in a program: it has hundreds of ranges, which some programs copy. */
const classUnits = 12_000;
const classSize = 20;
/** Units for a code point of a range that is looked up in every case, and how many of them there are at most. */
const foldUnits = 3;
const foldsMax = 125_251;
/** RE2's own bound of a repetition. */
const repeatsMax = 1000;

const outside = /\(\?P?<\w+>|\(\??|\\Q|\\x\{[0-9A-Fa-f]*\}|\\[pP](?:\{[^}\\]*\}|[^{])|\\[\s\S]|\{\d+(?:,\d*)?\}|\[\^?\]?|[\s\S]/uy;
const inside = /\[:\^?[a-z]*:\]|\\x\{[0-9A-Fa-f]*\}|\\x[0-9A-Fa-f]{2}|\\[pP](?:\{[^}\\]*\}|[^{])|\\[\s\S]|[\s\S]/uy;

/** An open group: its size so far, and that of its last item, which a repetition repeats. */
interface Group {
  size: number;
  last: number;
}

/** A group has an instruction at its start, at its end, and one if nothing is in it. */
const empty: Group = { size: 3, last: 0 };

interface Scan {
  readonly pattern: string;
  readonly folds: boolean;
  readonly parts: string[];
  readonly names: string[];
  inClass: boolean;
  at: number;
  units: number;
}

/**
 * Reads a pattern in one pass: bounds what compiling it takes, takes out the names of groups, and writes the names of Unicode classes as
 * re2js knows them. What is not a pattern is left for re2js to say.
 */
export function prepare(pattern: string): Prepared {
  const scan: Scan = { pattern, folds: /\(\?[a-zA-Z-]*i/.test(pattern), parts: [], names: [], inClass: false, at: 0, units: 0 };
  const groups: Group[] = [{ ...empty }];
  while (scan.at < pattern.length) {
    const token = take(scan);
    const group = groups.at(-1) ?? { ...empty };
    if (token.startsWith("(")) groups.push({ ...empty });
    else if (token === ")" && groups.length > 1) {
      groups.pop();
      add(groups.at(-1) ?? group, group.size);
    } else if (/^\{./.test(token)) repeat(group, token);
    else if (/^[*+?]/.test(token)) group.size += 2;
    else add(group, sizeOf(scan, token));
  }
  const size = groups.reduce((sum, group) => sum + group.size, 0);
  return { source: scan.parts.join(""), size, cost: scan.units + stepUnits * (pattern.length + size), names: scan.names };
}

function add(group: Group, size: number): void {
  group.size += size;
  group.last = size;
}

function repeat(group: Group, token: string): void {
  const [low = 0, high = 0] = token.slice(1, -1).split(",").map(Number);
  const times = Math.min(Math.max(low, high, 1), repeatsMax);
  // The first one is in the size already; an optional one has one more instruction.
  group.size += group.last * (times - 1) + times + 1;
  group.last = group.last * times + times + 1;
}

function take(scan: Scan): string {
  const tokens = scan.inClass ? inside : outside;
  tokens.lastIndex = scan.at;
  const [token] = tokens.exec(scan.pattern) ?? ["\\"];
  scan.at += token.length;
  scan.parts.push(written(scan, token));
  return token;
}

function written(scan: Scan, token: string): string {
  if (/^\\[pP]/.test(token)) return property(token);
  if (scan.inClass || !token.startsWith("(") || token === "(?") return token;
  // A name may come twice in Go; re2js need not know.
  scan.names.push(/\w+(?=>)/.exec(token)?.[0] ?? "");
  return "(";
}

function sizeOf(scan: Scan, token: string): number {
  if (token === "\\Q") return literal(scan);
  if (token.startsWith("[")) return characterClass(scan);
  return /^\\[pP]/.test(token) ? unicodeClass(scan) : 1;
}

function literal(scan: Scan): number {
  const end = scan.pattern.indexOf("\\E", scan.at);
  const next = end === -1 ? scan.pattern.length : end + 2;
  const text = scan.pattern.slice(scan.at, next);
  scan.parts.push(text);
  scan.at = next;
  return text.length;
}

function characterClass(scan: Scan): number {
  let size = 1;
  let before = 0;
  let low: number | undefined;
  scan.inClass = true;
  while (scan.at < scan.pattern.length) {
    const token = take(scan);
    if (token === "]") break;
    // re2js looks for the end of `[:` in all that follows.
    if (token === "[" && scan.pattern[scan.at] === ":") scan.units += scan.pattern.length / 10;
    if (/^\\[pP]/.test(token)) size = unicodeClass(scan);
    const code = codeOf(token);
    if (scan.folds && low !== undefined) scan.units += foldUnits * Math.min(Math.max(code - low, 0), foldsMax);
    low = token === "-" ? before : undefined;
    before = code;
  }
  scan.inClass = false;
  return size;
}

function unicodeClass(scan: Scan): number {
  scan.units += scan.folds ? 2 * classUnits : classUnits;
  return classSize;
}

/** The code point of a character in a class; of most escapes it does not matter. */
function codeOf(token: string): number {
  const hex = /^\\x\{?([0-9A-Fa-f]+)/.exec(token)?.[1];
  return hex === undefined ? (token.codePointAt(0) ?? 0) : Number.parseInt(hex, 16);
}

/** Other names of Unicode's categories, which Go knows since 1.25 and re2js does not. */
const aliases: ReadonlyMap<string, string> = new Map(
  Object.entries({
    Casedletter: "Lc",
    Closepunctuation: "Pe",
    Cntrl: "Cc",
    Combiningmark: "M",
    Connectorpunctuation: "Pc",
    Control: "Cc",
    Currencysymbol: "Sc",
    Dashpunctuation: "Pd",
    Decimalnumber: "Nd",
    Digit: "Nd",
    Enclosingmark: "Me",
    Finalpunctuation: "Pf",
    Format: "Cf",
    Initialpunctuation: "Pi",
    Letter: "L",
    Letternumber: "Nl",
    Lineseparator: "Zl",
    Lowercaseletter: "Ll",
    Mark: "M",
    Mathsymbol: "Sm",
    Modifierletter: "Lm",
    Modifiersymbol: "Sk",
    Nonspacingmark: "Mn",
    Number: "N",
    Openpunctuation: "Ps",
    Other: "C",
    Otherletter: "Lo",
    Othernumber: "No",
    Otherpunctuation: "Po",
    Othersymbol: "So",
    Paragraphseparator: "Zp",
    Privateuse: "Co",
    Punct: "P",
    Punctuation: "P",
    Separator: "Z",
    Spaceseparator: "Zs",
    Spacingmark: "Mc",
    Surrogate: "Cs",
    Symbol: "S",
    Titlecaseletter: "Lt",
    Unassigned: "Cn",
    Uppercaseletter: "Lu",
  }),
);

/** `\p{…}` with the name that re2js knows: Go ignores case, spaces, hyphens and underscores. */
function property(token: string): string {
  const [, letter, not, name = ""] = /^\\([pP])\{?(\^?)([^}]*)\}?$/u.exec(token) ?? [];
  const plain = name.replace(/[ _-]/g, "").replace(/[A-Z]/g, (capital) => capital.toLowerCase());
  const title = plain.replace(/^[a-z]/, (first) => first.toUpperCase());
  return `\\${letter}{${not}${aliases.get(title) ?? title}}`;
}
