/** Two ways to say the same, of which the second is the better one in WebAssembly. */
export interface Advice {
  /** As the headings of docs/policy-performance.md have it. */
  readonly name: string;
  readonly slow: string;
  readonly fast: string;
  readonly data?: unknown;
}

/** What every policy below is asked. */
export const input = {
  tool: "send_money",
  server: "banking",
  roles: ["customer", "support"],
  arguments: { recipient: "GB29NWBK60161331926819", amount: 12, path: "/srv/files/report.txt" },
};

const range = (count: number) => Array.from({ length: count }, (_, index) => index);
const lines = (count: number, line: (index: number) => string) => range(count).map(line).join("\n");
const entries = (count: number, line: (index: number) => string) => range(count).map(line).join(",\n");

const tools = Object.fromEntries(range(1000).map((index) => [`tool_${index}`, { class: "read" }]));
const known = { ...tools, send_money: { class: "update" } };

/** Each is measured by `make bench-policies`, both ways in turns, and must hold. */
export const advice: readonly Advice[] = [
  {
    name: "Look up by key instead of searching",
    slow: "hit if {\n\tsome entry in data.list\n\tentry.name == input.tool\n}",
    fast: "hit if data.tools[input.tool]",
    data: { tools: known, list: Object.keys(known).map((name) => ({ name })) },
  },
  {
    name: "Put tables into data, not into rules",
    slow: `table := {\n${entries(1000, (index) => `\t"tool_${index}": "read"`)},\n\t"send_money": "update",\n}\n\nhit if table[input.tool]`,
    fast: "hit if data.tools[input.tool]",
    data: { tools: known },
  },
  {
    name: "Dispatch by the tool's name instead of guarding every rule",
    slow: `hits contains "x" if input.tool == "send_money"\n\n${lines(300, (index) => `hits contains ${index} if {\n\tinput.tool == "tool_${index}"\n\tinput.arguments.amount > ${index}\n}\n`)}\nhit if count(hits) > 0`,
    fast: `rule.send_money := true\n\n${lines(300, (index) => `rule.tool_${index} if input.arguments.amount > ${index}\n`)}\nhit if rule[input.tool]`,
  },
  {
    name: "Ask the cheap question first",
    slow: `${lines(
      30,
      (index) => `hit if {\n\tregex.match("^GB[0-9]{2}[A-Z]{4}${index}", input.arguments.recipient)\n\tinput.server == "s${index}"\n}\n`,
    )}\nhit if true`,
    fast: `${lines(
      30,
      (index) => `hit if {\n\tinput.server == "s${index}"\n\tregex.match("^GB[0-9]{2}[A-Z]{4}${index}", input.arguments.recipient)\n}\n`,
    )}\nhit if true`,
  },
  {
    name: "Prefer startswith, endswith and sets to patterns",
    slow: `hits contains pattern if {\n\tsome pattern in [${range(30)
      .map((index) => `"tool_${index}_*"`)
      .join(", ")}]\n\tglob.match(pattern, [], input.tool)\n}\n\nhit if count(hits) == 0`,
    fast: `hits contains prefix if {\n\tsome prefix in [${range(30)
      .map((index) => `"tool_${index}_"`)
      .join(", ")}]\n\tstartswith(input.tool, prefix)\n}\n\nhit if count(hits) == 0`,
  },
  {
    name: "Prefer fixed text or concat to sprintf",
    slow:
      lines(10, (index) => `messages contains sprintf("%s is %s %d", [input.tool, input.server, ${index}])\n`) +
      "\nhit if count(messages) == 10",
    fast:
      lines(10, (index) => `messages contains concat("", [input.tool, " is ", input.server, " ${index}"])\n`) +
      "\nhit if count(messages) == 10",
  },
  {
    name: "Name the members you need instead of walking the input",
    slow: 'hit if {\n\twalk(input, [_, value])\n\tvalue == "GB29NWBK60161331926819"\n}',
    fast: 'hit if input.arguments.recipient == "GB29NWBK60161331926819"',
  },
];

/** The policy of 150 rules and 30 globs that the page speaks of: what a large team's tool rules look like when written without care. */
export const largePolicy = `${lines(150, (index) => `deny contains ${index} if {\n\tinput.tool == "tool_${index}"\n\t"role_${index}" in {role | some role in input.roles}\n\tinput.arguments.amount > ${index}\n}\n`)}
${lines(30, (index) => `deny contains "glob ${index}" if glob.match("/srv/${index}/*/secret_*", ["/"], input.arguments.path)\n`)}
hit if count(deny) == 0`;
