import { boundedStart, looseForms, wideText } from "./folding.ts";
import type { Origin } from "./names.ts";
import type { Part, Question } from "./question.ts";
import { scan, type Token } from "./tokens.ts";

/** Where a value comes from. */
export interface Verdict {
  readonly origin: Origin;
  /** It is untrusted, and every source of it was named by the task or by trusted content. */
  readonly namedSource: boolean;
}

/** What is stored under a name: an `OriginCode`. Anything else counts as nothing found. */
export type Find = (name: string) => string | undefined;

/** All names that `judge` may ask for; some perhaps twice. */
export function namesToAsk({ parts, wide }: Question): string[] {
  return [...parts.flatMap(namesOfPart), ...wide];
}

function namesOfPart(part: Part): readonly string[] {
  switch (part.kind) {
    case "value":
      return [part.exact, ...part.wide];
    case "url":
      return [part.exact, ...part.pages, ...part.close, ...part.wide];
    case "phrase":
      return [...part.exact, ...part.wide, ...part.words.flatMap((word) => [word.exact, ...word.wide])];
    default:
      return [...part.exact, ...part.wide];
  }
}

/**
 * Where a value comes from: the worst of its parts. Matching what is trusted is strict, matching what is untrusted is wide; what is found
 * nowhere, or an empty value, is `unknown`, and a value too large to be looked at is `untrusted`.
 */
export function judge({ parts, wide, partial }: Question, find: Find): Verdict {
  if (partial) return { origin: "untrusted", namedSource: false };
  const evidence = new Evidence(find);
  const origins = parts.map((part) => evidence.weigh(part));
  const worst = origins.reduce<Origin>((a, b) => (severity[a] >= severity[b] ? a : b), parts.length === 0 ? "unknown" : "task");
  if (worst === "task" || worst === "trusted") return { origin: worst, namedSource: false };
  if (worst === "untrusted" || evidence.untrusted(wide)) return { origin: "untrusted", namedSource: evidence.allNamed };
  return unknown;
}

const severity: Readonly<Record<Origin, number>> = { task: 0, trusted: 1, unknown: 2, untrusted: 3 };
const unknown: Verdict = { origin: "unknown", namedSource: false };

/** Weighs what is found, and keeps in mind whether all untrusted content came from named sources. */
class Evidence {
  allNamed = true;
  readonly #find: Find;

  constructor(find: Find) {
    this.#find = find;
  }

  weigh(part: Part): Origin {
    switch (part.kind) {
      case "value":
        return this.#known(part.exact) ?? (this.untrusted(part.wide) ? "untrusted" : "unknown");
      case "url":
        return this.#url(part);
      case "phrase":
        return this.#phrase(part);
      default:
        return this.#all(part.exact) ?? (this.untrusted(part.wide) ? "untrusted" : "unknown");
    }
  }

  /** Whether untrusted content holds one of these. */
  untrusted(names: readonly string[]): boolean {
    const codes = names.map((name) => this.#find(name)).filter((code) => code === "u" || code === "n");
    if (codes.includes("u")) this.allNamed = false;
    return codes.length > 0;
  }

  /** Origin under which a value was first stored, if any. */
  #known(name: string): Origin | null {
    if (this.untrusted([name])) return "untrusted";
    const code = this.#find(name);
    return code === "k" ? "task" : code === "t" ? "trusted" : null;
  }

  /** `task` or `trusted` when every name is that; the lesser of both. */
  #all(names: readonly string[]): Origin | null {
    const codes = names.map((name) => this.#find(name));
    if (codes.length === 0 || !codes.every((code) => code === "k" || code === "t")) return null;
    return codes.includes("t") ? "trusted" : "task";
  }

  /**
   * A URL that was seen is what its source is. Any page of a bare host that the user named, and any page below one that the user named, is the
   * user's as well, unless untrusted content named it or its way leads on to a host from there. Other pages of the host may be anybody's. A host
   * or page from trusted content vouches for itself only: data could be put into path or query.
   */
  #url(part: Extract<Part, { kind: "url" }>): Origin {
    const exact = this.#known(part.exact);
    if (exact !== null) return exact;
    if (this.untrusted(part.close)) return "untrusted";
    if (part.pages.some((page) => this.#find(page) === "k")) return "task";
    return this.untrusted(part.wide) ? "untrusted" : "unknown";
  }

  /** Untrusted: two of its words stand together there, or every word that is not known from better content is there. */
  #phrase({ exact, words, wide }: Extract<Part, { kind: "phrase" }>): Origin {
    const known = this.#all(exact);
    if (known !== null) return known;
    const strange = words.filter((word) => this.#all([word.exact]) === null);
    const together = this.untrusted(wide);
    const strangers = strange.length > 0 && strange.every((word) => this.untrusted(word.wide));
    return together || strangers ? "untrusted" : "unknown";
  }
}

const spelledMin = 3;

/** Whether `value` spells out `other`: `dora` in `dora@example.com`. Fewer than three letters say nothing. */
export function spells(value: string, other: string): boolean {
  return looseForms(other).some((name) => name.length >= spelledMin && looseForms(value).some((form) => form.includes(name)));
}

/** A link or an account number inside a text. */
export interface EmbeddedLink {
  readonly kind: "url" | "account";
  /** As it stands in the text: a value for `judge`. */
  readonly text: string;
}

/** The links of a text. */
export interface EmbeddedLinks {
  readonly links: readonly EmbeddedLink[];
  /** The text was too long to be read to its end, or held too many: there may be others. */
  readonly partial: boolean;
}

const [linksMax, readMax] = [32, 32_768];
const noLinks: EmbeddedLinks = { links: [], partial: false };

/**
 * What every link has in whatever disguise, and most texts have not: a dot or colon with something else behind it than the next word (` at ` is
 * an `@`), a dot spelled out or referred to (`&#46;`), or a sign outside printable ASCII. Where it is not found nothing need be looked for.
 */
const mayHoldLink = /[^ -~]|[.:](?! (?![Aa][Tt][ _-])[A-Za-z0-9]|$)| \.|&#|[Dd][Oo][Tt]/;
const ibanStart = /[A-Za-z]{2}\d{2}/;

function mayHoldIban(text: string): boolean {
  return ibanStart.test(text) && manyDigits.test(text);
}

/**
 * Links and IBANs that stand in a text such as the body of a message, each once: URLs, host names, and what a reader would understand as such.
 * At most 32; of more, the last one holds all the rest.
 */
export function embeddedLinks(text: string): EmbeddedLinks {
  if (text.length <= readMax && !mayHoldLink.test(text) && !mayHoldIban(text)) return noLinks;
  const part = boundedStart(text, readMax);
  const wide = wideText(part);
  const scans = [part, ...(wide === part ? [] : [wide])].map((reading) => scan(reading));
  const tokens = scans.flatMap((each) => each.tokens).filter(isLink);
  const links = [...new Map(tokens.map((token) => [token.strict, linkOf(token)])).values()];
  const others = links.splice(linksMax - 1);
  const last: EmbeddedLink[] = others.length <= 1 ? others : [{ kind: "url", text: others.map((link) => link.text).join(" ") }];
  return { links: [...links, ...last], partial: part.length < text.length || scans.some((each) => each.partial) };
}

function linkOf({ kind, text }: Token): EmbeddedLink {
  return { kind: kind === "iban" ? "account" : "url", text };
}

const manyDigits = /(?:\d\D*){10}/;

function isLink(token: Token): boolean {
  return token.sure && (token.kind === "url" || (token.kind === "iban" && manyDigits.test(token.strict)));
}
