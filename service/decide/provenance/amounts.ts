const number = /(?<![A-Za-z0-9_])\d+(?:[.,'’]\d+)*(?![A-Za-z0-9_])/g;
const wholeNumber = /^[€£$¥]? ?(\d+(?:[.,'’]\d+)*) ?[€£$¥]?$/;

/** Every number that stands in a text by itself, as decimal text; `1.200` is read both ways. */
export function* amountsIn(text: string): Generator<string> {
  for (const [found] of text.matchAll(number)) yield* readingsOf(found);
}

const anyNumber = /\d+(?:[.,'’]\d+)*/g;
const spacedThousands = /(?<=\d) (?=\d{3}(?!\d))/g;

/** The same with numbers that stand in words (`5000USD`), have zeros before them or spaces within. */
export function* amountsAnywhere(text: string): Generator<string> {
  const joined = text.replace(spacedThousands, "");
  for (const reading of joined === text ? [text] : [text, joined]) {
    for (const [found] of reading.matchAll(anyNumber)) yield* readingsOf(found.replace(/^0+(?=\d)/, ""));
  }
}

/** The readings of a text that is a number and nothing else but a currency sign; empty for any other text. */
export function amountsOf(text: string): readonly string[] {
  const found = wholeNumber.exec(text.trim());
  return found?.[1] === undefined ? [] : readingsOf(found[1]);
}

/** Dot and comma may both mean decimals or thousands; what is neither (`1.2.3`, `007`) is no amount. */
function readingsOf(text: string): string[] {
  const plain = text.replace(/['’]/g, "");
  const signs = plain.replace(/\d/g, "");
  const last = signs.at(-1) ?? "";
  if (signs === "") return decimal(plain, "");
  const [at, grouped] = [plain.lastIndexOf(last), plain.replace(/[.,]/g, "")];
  const [whole, fraction] = [plain.slice(0, at), plain.slice(at + 1)];
  const asDecimal = isGrouped(whole) ? decimal(whole.replace(/[.,]/g, ""), fraction) : [];
  const mixed = signs.includes(".") && signs.includes(",");
  if (mixed) return signs.indexOf(last) === signs.length - 1 ? asDecimal : [];
  const asGroups = isGrouped(plain) ? decimal(grouped, "") : [];
  return signs.length === 1 ? [...asDecimal, ...asGroups] : asGroups;
}

/** Groups of three, or of two before the last (as in India). */
function isGrouped(text: string): boolean {
  const [first = "", ...groups] = text.split(/[.,]/);
  if (groups.length === 0) return true;
  return (
    first.length <= 3 && first !== "0" && groups.at(-1)?.length === 3 && groups.every((group) => group.length === 2 || group.length === 3)
  );
}

function decimal(whole: string, fraction: string): string[] {
  if (whole.length > 1 && whole.startsWith("0")) return [];
  let end = fraction.length;
  while (end > 0 && fraction.charAt(end - 1) === "0") end -= 1;
  return [end === 0 ? whole : `${whole}.${fraction.slice(0, end)}`];
}
