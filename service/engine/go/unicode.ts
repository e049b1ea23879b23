/**
 * What Unicode 15.1, 16 and 17 have added: Go 1.26 has Unicode 15.0, and each Node.js another version. Ranges in hexadecimal; those between
 * which nothing is assigned are one.
 */
const newer = `
88f 897 c5c cdc 1acf-1aeb 1b4e-1b4f 1b7f 1c89-1c8a 20c1 2427-2429 2b96 2ffc-2fff 31e4-31ef a7cb-a7cf a7d2 a7d4 a7da-a7f1
fbc3-fbd2 fd90-fd91 fdc8-fdce 105c0-105f3 10940-10959 10d40-10d8f 10ec2-10efc 11380-113e2 116d0-116e3 11b60-11bf9 11db0-11de9
11f5a 13460-143fa 16100-16139 16d40-16d79 16ea0-16ed3 16ff2-16ff6 187f8-187ff 18cff 18d09-18df2 1cc00-1cef0 1e5d0-1e6ff 1f6d8
1f777-1f77a 1f8b2-1f8d8 1fa54-1fa57 1fa89-1fa8f 1fabe 1fac6-1facd 1fadc-1fadf 1fae9-1faef 1fbcb-1fbef 1fbfa 2b73a-2b73f
2cea2-2cead 2ebf0-2ee5d 323b0-33479
`;

const newerCharacter = new RegExp(`^[${newer.replace(/[\da-f]+/g, "\\u{$&}").replace(/\s/g, "")}]$`, "u");

/** Whether a character is one that Go 1.26 does not know yet. */
export function isNewer(character: string): boolean {
  return newerCharacter.test(character);
}

/** Go's `unicode.IsLetter`. */
export function isLetter(character: string): boolean {
  return /^\p{L}$/u.test(character) && !isNewer(character);
}

/** Go's `unicode.IsDigit`. */
export function isDigit(character: string): boolean {
  return /^\p{Nd}$/u.test(character) && !isNewer(character);
}

/** Go's `unicode.IsPrint`: what can be seen, and the plain space. */
export function isPrintable(character: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character) && !isNewer(character);
}
