import { RegoObject, type Value } from "../../value/value.ts";
import type { BuiltinContext } from "../builtin.ts";

/** The place in a document that is looked at: the name of a member or the index of an item, and what is around it. */
export interface Place {
  readonly name: string;
  readonly around: Place | undefined;
  /** Characters of the whole path. */
  readonly length: number;
}

/** What is wrong at a place; the text may name the place. */
interface Failure {
  readonly type: string;
  readonly place: Place;
  readonly text: string | ((field: string) => string);
}

/** What validating gave: the score says how near a document came, and picks the errors that are shown where one of many was to match. */
export interface Result {
  readonly failures: Failure[];
  score: number;
}

/** The whole document. */
export const root: Place = { name: "(Root)", around: undefined, length: 6 };

/** A result without failures. */
export function newResult(): Result {
  return { failures: [], score: 0 };
}

/** The place of a member or an item. */
export function inside(around: Place, name: string): Place {
  return { name, around, length: around.length + 1 + name.length };
}

/** Adds a failure; the score is lower by one in the end. */
export function fail(result: Result, type: string, place: Place, text: Failure["text"]): void {
  result.failures.push({ type, place, text });
  result.score -= 2;
}

/** Takes over what a schema inside of the schema found. */
export function merge(result: Result, other: Result): void {
  for (const failure of other.failures) result.failures.push(failure);
  result.score += other.score;
}

/** The errors as `json.match_schema` returns them. */
export function errorsOf({ failures }: Result, context: BuiltinContext): readonly Value[] {
  return failures.map(({ type, place, text }) => {
    context.spend(place.length + (typeof text === "string" ? text.length : 0));
    const field = fieldOf(place);
    const desc = typeof text === "string" ? text : text(field);
    context.spend(desc.length);
    const members = { desc, error: `${field}: ${desc}`, field, type };
    return new RegoObject(Object.entries(members));
  });
}

/** The path without the root, unless that is all. */
function fieldOf(place: Place): string {
  const names: string[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.around) names.push(at.name);
  const path = names.reverse().join(".");
  return path.startsWith("(Root).") ? path.slice("(Root).".length) : path;
}
