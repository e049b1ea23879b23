import { createLogger as createWinstonLogger, format, transports, type Logger as WinstonLogger } from "winston";
import { type LogFields, serializeFields } from "./log-fields.ts";

/** Operational log. Messages are static texts; what varies is in the fields (snake_case names). */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields (`trace_id`, `span_id`, a component) to each of its lines. */
  child(fields: LogFields): Logger;
}

/** The logger of the process; `close` resolves when every line has reached the stream. */
export interface RootLogger extends Logger {
  close(): Promise<void>;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one JSON object per line. `console`: one readable line each. */
  readonly format: "json" | "console";
  /** Where lines go; standard error when left out, so that standard output is free for decision records. */
  readonly stream?: NodeJS.WritableStream;
}

interface Line {
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const MESSAGE = Symbol.for("message");
const reservedNames: ReadonlySet<string> = new Set(["timestamp", "level", "message"]);
// What JSON.stringify leaves as it is, yet ends or reorders a line on somebody's screen: DEL, C1, line separators, bidi controls, BOM.
const disruptive = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Creates the logger. Lines of a level below `level` cost one comparison. */
export function createLogger(options: LoggerOptions): RootLogger {
  const stream = options.stream ?? process.stderr;
  const transport = new transports.Stream({ stream, eol: "\n" });
  const render = options.format === "json" ? renderJson : renderConsole;
  const winston = createWinstonLogger({
    level: options.level,
    format: format((info) => ({ ...info, [MESSAGE]: render(lineOf(info)) }))(),
    transports: [transport],
  });
  // A reader of the log that goes away must not end the service.
  stream.on("error", ignore);
  transport.on("error", ignore);
  winston.on("error", ignore);
  return { ...wrap(winston, {}), close: () => close(winston, stream) };
}

function wrap(winston: WinstonLogger, base: LogFields): Logger {
  const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
    if (!winston.isLevelEnabled(level)) return;
    // Nested: winston would join a field named `message` to the message.
    winston.log({ level, message, fields: { ...base, ...fields } });
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(winston, { ...base, ...fields }),
  };
}

function ignore(): void {}

function lineOf(info: { readonly level: string; readonly message: unknown; readonly fields?: unknown }): Line {
  const given = typeof info.fields === "object" && info.fields !== null ? { ...info.fields } : {};
  const fields = Object.entries(serializeFields(given)).map(([name, value]) => [reservedNames.has(name) ? `field_${name}` : name, value]);
  return { timestamp: new Date().toISOString(), level: info.level, message: String(info.message), fields: Object.fromEntries(fields) };
}

function renderJson({ fields, ...line }: Line): string {
  return toSafeJson({ ...line, ...fields });
}

function renderConsole(line: Line): string {
  const fields = Object.entries(line.fields).map(([name, value]) => ` ${toSafeJson(name).slice(1, -1)}=${toSafeJson(value)}`);
  return `${line.timestamp.slice(11, 23)} ${line.level.padEnd(5)} ${toSafeJson(line.message).slice(1, -1)}${fields.join("")}`;
}

function toSafeJson(value: unknown): string {
  const json = JSON.stringify(value) ?? "null";
  return json.replace(disruptive, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

async function close(winston: WinstonLogger, stream: NodeJS.WritableStream): Promise<void> {
  const finished = new Promise<void>((resolve) => winston.once("finish", () => resolve()));
  winston.end();
  await finished;
  // winston is done when it has called `write`; the stream is done when an empty write behind the last line comes back.
  await new Promise<void>((resolve) => stream.write("", () => resolve()));
}
