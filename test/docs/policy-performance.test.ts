import { expect, test } from "vitest";
import { advice } from "../../bench/policies/advice.ts";
import { page } from "./pages.ts";

const text = page("docs/policy-performance.md");

test("the page gives a figure and a reason for each advice that the benchmark measures, and for no other", () => {
  const measured = [...text.matchAll(/^\| ([A-Z][^|(]*?)(?: \([^|)]*\))? \| [\d.]+ \| [\d.]+ \| [\d.]+ \|$/gm)].map((match) => match[1]);
  const explained = [...text.matchAll(/^- \*\*([^*]+)\.\*\*/gm)].map((match) => match[1]);

  expect(measured).toEqual(advice.map(({ name }) => name));
  expect(explained).toEqual(advice.map(({ name }) => name));
});

test("the page has no figure that was not filled in", () => {
  expect(text).not.toMatch(/\b(?:TABLE|MACHINE|TODO|XXX)\b/);
});
