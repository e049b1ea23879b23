/** Path of the first repeated member name in a text that is known to be valid JSON; empty when there is none. */
export function findDuplicateKey(text: string): readonly (string | number)[] {
  const stack: Frame[] = [];
  for (const token of tokens(text)) {
    const found = step(stack, token);
    if (found) return [...stack.map((frame) => frame.at)];
  }
  return [];
}

interface Frame {
  /** Names seen so far, or undefined in an array. */
  readonly seen: Set<string> | undefined;
  at: string | number;
}

/** Applies one token; true when it repeats a name. */
function step(stack: Frame[], token: string): boolean {
  const top = stack.at(-1);
  if (token === "{") stack.push({ seen: new Set(), at: "" });
  else if (token === "[") stack.push({ seen: undefined, at: 0 });
  else if (token === "}" || token === "]") stack.pop();
  else if (token === "," && top !== undefined && typeof top.at === "number") top.at++;
  else if (token.endsWith(":") && top?.seen !== undefined) return name(top, top.seen, JSON.parse(token.slice(0, -1)) as string);
  return false;
}

function name(frame: Frame, seen: Set<string>, key: string): boolean {
  frame.at = key;
  if (seen.has(key)) return true;
  seen.add(key);
  return false;
}

/** Structure characters, and member names with their colon; values do not matter here. */
function* tokens(text: string): Generator<string> {
  const pattern = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\],]/gs;
  for (const match of text.matchAll(pattern)) {
    const token = match[0];
    if (!token.startsWith('"')) yield token;
    else if (match[1] !== undefined) yield `${token.slice(0, token.length - match[1].length)}:`;
  }
}
