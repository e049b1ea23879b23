const call = (tool: string) =>
  JSON.stringify({
    tool: { server: "crm", name: tool },
    arguments: tool === "search_customers" ? { q: "smith" } : { id: "c-17" },
    subject: { id: "emma", roles: ["support"] },
    agent: { id: "support-bot" },
    session: { id: "s-1" },
    request: { origin: { ip: "127.0.0.1" } },
  });

/** Two curl lines for the default bundle: one that gets an allow, one that gets a deny with reasons. */
export function examples(url: string): string {
  const line = (tool: string) => `curl -s ${url}/decide -H 'content-type: application/json' -d '${call(tool)}'\n`;
  return `\nRemit is ready at ${url}. Ask it, from another terminal:\n\n# an allow\n${line("search_customers")}\n# a deny with reasons\n${line("delete_customer")}\n`;
}
