import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A tool that the model wants to call. */
export interface WantedTool {
  readonly name: string;
  readonly input: object;
}

/** Plays the model for a real coding agent: it asks for one tool, and is content with whatever comes back. */
export interface ModelApi {
  readonly url: string;
  /** What the agent told the model of the tool's result. */
  readonly results: readonly string[];
  close(): Promise<void>;
}

/** Anthropic's Messages API, as far as Claude Code needs it. */
export function startMessagesApi(wanted: WantedTool): Promise<ModelApi> {
  return startApi((body, results) => {
    const { messages = [], tools = [] } = body as { messages?: { content: unknown }[]; tools?: unknown[] };
    const content = messages.at(-1)?.content;
    const returned = Array.isArray(content) ? content.filter((part: { type?: string }) => part.type === "tool_result") : [];
    results.push(...returned.map((part) => JSON.stringify(part)));
    return tools.length === 0 || returned.length > 0 ? messageEvents(null) : messageEvents(wanted);
  });
}

function messageEvents(wanted: WantedTool | null): readonly ModelEvent[] {
  const usage = { input_tokens: 1, output_tokens: 1 };
  const block = wanted === null ? { type: "text", text: "" } : { type: "tool_use", id: "toolu_1", name: wanted.name, input: {} };
  const delta =
    wanted === null ? { type: "text_delta", text: "done" } : { type: "input_json_delta", partial_json: JSON.stringify(wanted.input) };
  const message = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "test",
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  const events = [
    { type: "message_start", message },
    { type: "content_block_start", index: 0, content_block: block },
    { type: "content_block_delta", index: 0, delta },
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: wanted === null ? "end_turn" : "tool_use", stop_sequence: null }, usage },
    { type: "message_stop" },
  ];
  return events;
}

/** OpenAI's Responses API, as far as Codex needs it. A tool of an MCP server is in a namespace. */
export function startResponsesApi(wanted: WantedTool & { readonly namespace?: string }): Promise<ModelApi> {
  return startApi((body, results) => {
    const { input = [] } = body as { input?: { type?: string }[] };
    const returned = input.filter(({ type }) => type === "function_call_output");
    results.push(...returned.map((part) => JSON.stringify(part)));
    return responseEvents(returned.length > 0 ? null : wanted);
  });
}

function responseEvents(wanted: (WantedTool & { readonly namespace?: string }) | null): readonly ModelEvent[] {
  const said = { type: "message", role: "assistant", id: "m_1", content: [{ type: "output_text", text: "done" }] };
  const usage = { input_tokens: 1, input_tokens_details: null, output_tokens: 1, output_tokens_details: null, total_tokens: 2 };
  const call = wanted === null ? said : callItem(wanted);
  const events = [
    { type: "response.created", response: { id: "r_1" } },
    { type: "response.output_item.done", item: call },
    { type: "response.completed", response: { id: "r_1", usage } },
  ];
  return events;
}

function callItem({ name, input, namespace }: WantedTool & { readonly namespace?: string }) {
  const where = namespace === undefined ? {} : { namespace };
  return { type: "function_call", id: "fc_1", call_id: "call_1", name, ...where, arguments: JSON.stringify(input) };
}

/** An event of the stream; each kind has members of its own. */
interface ModelEvent {
  readonly type: string;
}

type Answer = (body: unknown, results: string[]) => readonly ModelEvent[];

async function startApi(answer: Answer): Promise<ModelApi> {
  const results: string[] = [];
  const server = createServer((request, response) => void reply(request, response, (body) => answer(body, results)));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    results,
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}

async function reply(request: IncomingMessage, response: ServerResponse, answer: (body: unknown) => readonly ModelEvent[]) {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  if (request.method !== "POST") return response.writeHead(404).end();
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of answer(JSON.parse(text || "{}"))) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  return response.end();
}
