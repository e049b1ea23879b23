import { bytesOf, textOf } from "../value/bytes.ts";
import type { RegoObject } from "../value/value.ts";
import { valueText } from "../value/write.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { objectOperand, stringOf } from "./operands.ts";
import { templateFunctions } from "./template/functions.ts";
import { parseTemplate } from "./template/parse.ts";
import { execute } from "./template/run.ts";

/** Units for a character of the data. */
const dataUnits = 1;

const functionNames = new Set(templateFunctions.keys());

function render(template: string, data: RegoObject, context: BuiltinContext): string {
  checkData(data, context);
  const text = execute(parseTemplate(template, functionNames, context), data, context).replaceAll("<no value>", "<undefined>");
  return text.isWellFormed() ? text : textOf(bytesOf(text));
}

/** OPA reads its own text of the data as JSON: sets, keys that are not strings and some characters are not. */
function checkData(data: RegoObject, context: BuiltinContext): void {
  const text = valueText(data);
  context.spend(dataUnits * text.length);
  try {
    JSON.parse(text);
  } catch (error) {
    throw new BuiltinError("the data of a template must be JSON", { cause: error });
  }
}

/** `strings.render_template`: Go's `text/template`; what is missing or null is `<undefined>`. */
export const template: Family = {
  "strings.render_template": ([text, data], context) => render(stringOf(text), objectOperand(data), context),
};
