/** A member of the outermost object: its key and, if it is a string, its value, both without escapes resolved. */
interface Member {
  key: string;
  readonly string: string | undefined;
}

interface Reader {
  readonly text: string;
  at: number;
}

const depthMax = 300;
const invalid = Symbol("invalid");

/**
 * The outermost object of a text as the Go library `fastjson` sees it, which some of OPA's dependencies ask for single members. It takes
 * more than JSON: control characters, unknown escapes, `1-2`, `nan` and `inf`. Text that it does not take, or that is not an object, has
 * no members.
 */
export class FastObject {
  readonly #members: readonly Member[];
  #resolved = false;

  constructor(text: string) {
    this.#members = parse(text);
  }

  /** The first member with a plain ASCII key: `string` is its value if that is a string. Keys with escapes are looked at last. */
  get(key: string): { readonly string: string | undefined } | undefined {
    const found = this.#find(key);
    if (found !== undefined || this.#resolved) return found;
    for (const member of this.#members) member.key = resolve(member.key);
    this.#resolved = true;
    return this.#find(key);
  }

  #find(key: string): { readonly string: string | undefined } | undefined {
    const member = this.#members.find((candidate) => candidate.key === key);
    return member === undefined ? undefined : { string: member.string === undefined ? undefined : resolve(member.string) };
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

/** Escapes that are not known stay as they are; surrogates may come out different, which plain ASCII cannot show. */
function resolve(text: string): string {
  return text.replace(/\\(?:u([\da-fA-F]{4})|(.))/gs, (whole, code?: string, short = "") =>
    code === undefined ? (escapes.get(short) ?? whole) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function parse(text: string): readonly Member[] {
  const reader = { text, at: 0 };
  const members: Member[] = [];
  try {
    skipBlank(reader);
    if (peek(reader) === "{") readObject(reader, 1, members);
    else readValue(reader, 1);
    skipBlank(reader);
  } catch (error) {
    if (error === invalid) return [];
    throw error;
  }
  return reader.at === text.length ? members : [];
}

function peek(reader: Reader): string {
  return reader.text.charAt(reader.at);
}

function skipBlank(reader: Reader): void {
  while (peek(reader) !== "" && " \n\t\r".includes(peek(reader))) reader.at++;
}

function take(reader: Reader, character: string): void {
  if (peek(reader) !== character) throw invalid;
  reader.at++;
}

/** Reads a value away; a string is returned as it stands. */
function readValue(reader: Reader, depth: number): string | undefined {
  if (depth > depthMax) throw invalid;
  const first = peek(reader);
  if (first === '"') return readString(reader);
  if (first === "{") readObject(reader, depth);
  else if (first === "[") readItems(reader, "]", () => readValue(reader, depth + 1));
  else readWord(reader);
  return undefined;
}

function readObject(reader: Reader, depth: number, members?: Member[]): void {
  readItems(reader, "}", () => {
    const key = readString(reader);
    skipBlank(reader);
    take(reader, ":");
    skipBlank(reader);
    const string = readValue(reader, depth + 1);
    members?.push({ key, string });
  });
}

function readItems(reader: Reader, end: string, item: () => void): void {
  reader.at++;
  skipBlank(reader);
  for (let more = peek(reader) !== end; more; ) {
    skipBlank(reader);
    item();
    skipBlank(reader);
    more = peek(reader) === ",";
    if (more) reader.at++;
  }
  take(reader, end);
}

const special = /["\\]/g;

function readString(reader: Reader): string {
  take(reader, '"');
  const start = reader.at;
  special.lastIndex = start;
  for (let found = special.exec(reader.text); found?.[0] === "\\"; found = special.exec(reader.text)) special.lastIndex++;
  if (special.lastIndex === 0) throw invalid;
  reader.at = special.lastIndex;
  return reader.text.slice(start, reader.at - 1);
}

const word = /true|false|null|[-+]?(?:inf|nan)|[\d.e][\d.e+-]*|[-+][\d.e+-]+/iy;

/** What begins like a literal must be it in small letters; only `nan` and `inf` may be written in any case. */
function readWord(reader: Reader): void {
  word.lastIndex = reader.at;
  const found = word.exec(reader.text)?.[0];
  if (found === undefined || (/^(?:true|false|null)$/i.test(found) && found !== found.toLowerCase())) throw invalid;
  reader.at += found.length;
}
