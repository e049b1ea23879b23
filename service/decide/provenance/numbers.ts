/** A number found at the start of a text: one spelling for all that mean the same, and how many characters it took. */
export interface FoundNumber {
  readonly strict: string;
  readonly used: number;
}

// Length of an IBAN by country (SWIFT's IBAN registry).
const ibanLengths: ReadonlyMap<string, number> = new Map(
  (
    "ad24 ae23 al28 at20 az28 ba20 be16 bg22 bh22 bi27 br29 by28 ch21 cr22 cy28 cz24 de22 dj27 dk18 do28 ee20 eg29 es24 fi18 fk18 fo18 fr27 gb22 ge22 " +
    "gi23 gl18 gr27 gt28 hn28 hr21 hu28 ie22 il23 iq23 is26 it27 jo30 kw30 kz20 lb28 lc32 li21 lt20 lu20 lv21 ly25 mc27 md24 me22 mk19 mn20 mr27 " +
    "mt31 mu30 ni28 nl18 no15 om23 pk24 pl28 ps29 pt25 qa29 ro24 rs22 ru33 sa24 sc31 sd18 se24 si19 sk24 sm27 so23 st25 sv28 tl23 tn24 tr26 ua29 " +
    "va22 vg24 xk20 ye30"
  )
    .split(" ")
    .map((entry): [string, number] => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const [ibanMin, ibanMax] = [15, 34];

/**
 * Reads an IBAN from text in lower case that begins like one, in one piece or in groups. The check digits are not looked at: an invented
 * number is a destination, too. Grouped numbers end where the country's length says, or with the last group that has a digit.
 */
export function readIban(text: string): FoundNumber | null {
  const piece = /^[a-z0-9]+/.exec(text)?.[0] ?? "";
  if (piece.length >= ibanMin) return piece.length <= ibanMax ? { strict: piece, used: piece.length } : null;
  const ends = groupEnds(text);
  const length = ibanLengths.get(text.slice(0, 2));
  const known = ends.find(({ size }) => size === length);
  const last = known ?? ends.findLast(({ size, digits }) => size >= ibanMin && size <= ibanMax && digits);
  return last === undefined ? null : { strict: text.slice(0, last.end).replace(/[ -]/g, ""), used: last.end };
}

/** Where each group ends, up to the first one that cannot be within a number: two groups in a row without a digit, or a long one. */
function groupEnds(text: string): { end: number; size: number; digits: boolean }[] {
  const ends: { end: number; size: number; digits: boolean }[] = [];
  let size = 0;
  for (const { 0: group, index } of text.matchAll(/[a-z0-9]+/g)) {
    size += group.length;
    if (group.length > 8 || size > ibanMax) break;
    ends.push({ end: index + group.length, size, digits: /\d/.test(group) });
  }
  return ends;
}

const accountMin = 8;

/** Reads a telephone, card or account number: at least eight digits in one piece or in groups of three and more (any, after a `+`). */
export function readAccount(text: string): FoundNumber | null {
  const groups = text.match(/\d+/g) ?? [];
  const international = text.startsWith("+");
  const digits = groups.join("");
  if (digits.length >= accountMin && (international || (groups.length <= 6 && groups.every((group) => group.length >= 3)))) {
    return { strict: (international ? "+" : "") + digits, used: text.length };
  }
  const [first = ""] = groups;
  return first.length >= accountMin && text.startsWith(first) ? { strict: first, used: first.length } : null;
}
