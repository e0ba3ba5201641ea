// The request as JSON: line numbers, and each fault at its line: of the syntax as one types, of the service as it answers.

import { byId, el } from "./dom.js";
import { lineOf } from "./json.js";
import { onChange, request, setText } from "./state.js";

let said = []; // the service's issues about the text as it stands

/** Begin. */
export function startEditor() {
  const text = byId("json");
  let typed = 0; // a text of many lines comes as many events: it is read once they are over
  text.addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(() => setText(text.value, "editor"));
  });
  text.addEventListener("scroll", () => (byId("gutter").scrollTop = text.scrollTop));
  onChange((from) => {
    said = [];
    if (from !== "editor") text.value = request.text;
    mark();
  });
}

/** The service's issues, as an OperationOutcome has them; none when it understood the request. */
export function showIssues(issues) {
  said = issues;
  mark();
}

function faults() {
  if (request.fault) return [{ line: request.fault.line, words: `${request.fault.problem} (column ${request.fault.column})` }];
  return said
    .filter((issue) => issue.expression)
    .map((issue) => ({ line: lineOf(request.lines, issue.expression[0]), words: issue.diagnostics }));
}

function mark() {
  const found = faults();
  const marked = new Set(found.map((one) => one.line));
  const count = request.text.split("\n").length;
  const lines = Array.from({ length: count }, (_, n) => (marked.has(n + 1) ? el("mark", {}, `${n + 1}`) : `${n + 1}`));
  byId("gutter").replaceChildren(...lines.flatMap((one, n) => (n ? ["\n", one] : [one])));
  byId("json").setAttribute("aria-invalid", String(found.length > 0));
  byId("json-faults").replaceChildren(...found.map(({ line, words }) =>
    el("li", {}, el("button", { type: "button", class: "plain", onclick: () => jump(line) }, `Line ${line}`), ` ${words}`)));
}

/** Put the cursor on a line. */
function jump(line) {
  const text = byId("json");
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  text.focus();
  text.setSelectionRange(start, start + lines[line - 1].length);
  const height = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (line - 4) * height);
}
