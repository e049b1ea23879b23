import { createPep } from "./pep.ts";
import { createTodos } from "./todos.ts";

const log = (line: string) => void process.stderr.write(`todos: ${line}\n`);
const pep = createPep({
  url: process.env.AUTHZEN_PDP_URL ?? "http://127.0.0.1:8181",
  apiKey: process.env.AUTHZEN_PDP_API_KEY,
  timeoutMs: 2000,
  onFault: log,
});
createTodos(pep).listen(8280, "127.0.0.1", () => log("http://127.0.0.1:8280/todos/1"));
