import { createServer, type IncomingMessage, type Server } from "node:http";
import type { Question, Verdict } from "./pep.ts";

/** Todos by id, with the e-mail address of their owner. */
const todos = new Map([
  ["1", { owner: "rick@the-citadel.com", done: false }],
  ["2", { owner: "morty@the-citadel.com", done: false }],
]);
const actions: Readonly<Record<string, string>> = { GET: "can_read_todos", PUT: "can_update_todo", DELETE: "can_delete_todo" };
const statuses: Readonly<Record<Verdict, number>> = { permit: 200, deny: 403, unanswered: 503 };

/** `GET`, `PUT` and `DELETE /todos/{id}`. The user is in `x-user`; a real service would take it from a verified token. */
export function createTodos(ask: (question: Question) => Promise<Verdict>): Server {
  return createServer((request, response) => {
    serve(request, ask).then(
      ({ status, body }) => response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`),
      () => response.writeHead(500).end(),
    );
  });
}

async function serve(request: IncomingMessage, ask: (question: Question) => Promise<Verdict>) {
  const id = /^\/todos\/(\w+)$/.exec(request.url ?? "")?.[1] ?? "";
  const [todo, name] = [todos.get(id), actions[request.method ?? ""]];
  if (todo === undefined || name === undefined) return { status: 404, body: "no such todo" };
  const verdict = await ask({
    subject: { type: "user", id: String(request.headers["x-user"]) },
    action: { name },
    resource: { type: "todo", id, properties: { ownerID: todo.owner } },
  });
  if (verdict !== "permit") return { status: statuses[verdict], body: verdict };
  if (request.method === "PUT") todo.done = true;
  if (request.method === "DELETE") todos.delete(id);
  return { status: 200, body: todo };
}
