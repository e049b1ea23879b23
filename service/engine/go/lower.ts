/** Go's `strings.ToLower`: one character for one, whatever is around it; bytes that are not UTF-8 become U+FFFD unless all is ASCII. */
export function toLower(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  return [...text]
    .map((character) => (character === "\u0130" ? "i" : character.toLowerCase()))
    .join("")
    .toWellFormed();
}
