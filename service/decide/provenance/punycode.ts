const [base, tMin, tMax, skew, damp, firstBias, firstPoint] = [36, 1, 26, 38, 700, 72, 128];

/** Shows an `xn--` label in Unicode (RFC 3492); a label that is not well formed stays as it is. */
export function unicodeLabel(label: string): string {
  if (!label.startsWith("xn--") || label.length > 63) return label;
  const points = decode(label.slice(4).toLowerCase());
  return points === null ? label : String.fromCodePoint(...points);
}

/** Code points of the text; `null` when it is not Punycode. At most 63 characters, so the insertions below cost little. */
function decode(text: string): number[] | null {
  const mark = text.lastIndexOf("-");
  const points = [...text.slice(0, Math.max(0, mark))].map((character) => character.charCodeAt(0));
  let [at, point, bias, place] = [mark + 1, firstPoint, firstBias, 0];
  while (at < text.length) {
    const step = readNumber(text, at, bias);
    if (step === null) return null;
    const size = points.length + 1;
    bias = adapt(step.value, size, place === 0 && point === firstPoint && points.length === Math.max(0, mark));
    point += Math.floor((place + step.value) / size);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return null;
    place = (place + step.value) % size;
    points.splice(place, 0, point);
    place += 1;
    at = step.end;
  }
  return points;
}

function readNumber(text: string, start: number, bias: number): { value: number; end: number } | null {
  let [value, weight, at] = [0, 1, start];
  for (let k = base; at < text.length && value < 2 ** 31; k += base) {
    const digit = digitOf(text.charCodeAt(at));
    if (digit < 0) return null;
    at += 1;
    value += digit * weight;
    const threshold = Math.min(Math.max(k - bias, tMin), tMax);
    if (digit < threshold) return { value, end: at };
    weight *= base - threshold;
  }
  return null;
}

function digitOf(code: number): number {
  if (code >= 97 && code <= 122) return code - 97;
  return code >= 48 && code <= 57 ? code - 22 : -1;
}

function adapt(value: number, size: number, first: boolean): number {
  let delta = first ? Math.floor(value / damp) : value >> 1;
  delta += Math.floor(delta / size);
  let k = 0;
  while (delta > ((base - tMin) * tMax) >> 1) {
    delta = Math.floor(delta / (base - tMin));
    k += base;
  }
  return k + Math.floor(((base - tMin + 1) * delta) / (delta + skew));
}
