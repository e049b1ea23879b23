import { type BuiltinContext, BuiltinError } from "../builtin.ts";

/** Characters of an indented text at most, and how many of them one unit pays for. */
const sizeMax = 64 * 1024 * 1024;
const sizePerUnit = 4;

const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[[{](?:[\]}])?|[\]},:]|[^"[\]{},:]+/g;

/** JSON without blanks, laid out as Go's `json.Indent` does: each line begins with the prefix and an indent for each level. */
export function indent(json: string, prefix: string, step: string, context: BuiltinContext): string {
  const parts: string[] = [];
  let depth = 0;
  let size = json.length;
  const line = () => {
    const length = 1 + prefix.length + step.length * depth;
    size += length;
    if (size > sizeMax) throw new BuiltinError("the indented text is too long");
    context.spend(1 + length / sizePerUnit);
    return `\n${prefix}${step.repeat(depth)}`;
  };
  for (const [text] of json.matchAll(token)) {
    if (text === "{" || text === "[") {
      depth++;
      parts.push(text, line());
    } else if (text === "}" || text === "]") {
      depth--;
      parts.push(line(), text);
    } else if (text === ",") parts.push(text, line());
    else parts.push(text === ":" ? ": " : text);
  }
  return parts.join("");
}
