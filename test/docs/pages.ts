import { readdirSync, readFileSync } from "node:fs";

const skipped = new Set(["node_modules", "dist", "var", "coverage"]);

/** Every Markdown file of the repository, by path from its root. */
export function markdownFiles(folder = "."): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "." ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name.startsWith(".") || skipped.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

/** The pages that tell a reader what to type and to set: README, CONTRIBUTING and so on, and everything in `docs/`. */
export function guides(): string[] {
  return markdownFiles().filter((path) => path.startsWith("docs/") || !path.includes("/"));
}

/** One Markdown file. */
export function page(path: string): string {
  return readFileSync(path, "utf8");
}

/** The text without its fenced code. */
export function prose(text: string): string {
  return text.replaceAll(/^(`{3,}|~{3,})[^\n]*\n[\s\S]*?^\1`*\s*$/gm, "");
}

/** What stands in single backticks, outside of fenced code. */
export function codeSpans(text: string): string[] {
  return [...prose(text).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "");
}
