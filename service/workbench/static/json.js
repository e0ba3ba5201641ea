// JSON as text: read with its numbers as they were written, written again, and where each part stands.

/** The value of a JSON text. A number whose spelling JavaScript would lose (0.80) keeps it, where the browser can. */
export function parse(text) {
  return JSON.parse(text, (_, value, context) =>
    typeof value === "number" && context && JSON.rawJSON && String(value) !== context.source
      ? JSON.rawJSON(context.source)
      : value,
  );
}

/** A number as it is typed, ready to be written; null when it is none. */
export function numeral(typed) {
  if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(typed)) return null;
  return JSON.rawJSON ? JSON.rawJSON(typed) : Number(typed);
}

/** A number as it was written. */
export const spelled = (number) => (number === undefined || number === null ? "" : String(number.rawJSON ?? number));

/** A value as JSON text, laid out as the stories are. */
export const write = (value) => JSON.stringify(value, null, 1);

class Fault extends Error {}

/** Line (from 1) of each JSON path of a text, and its first fault of syntax: {line, column, problem} or null. */
export function places(text) {
  const reader = new Reader(text);
  try {
    reader.whole();
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return { lines: reader.lines, fault: { ...reader.here(), problem: fault.message } };
  }
  return { lines: reader.lines, fault: null };
}

/** The line of a path, or of the nearest thing around it that is there. */
export function lineOf(lines, path) {
  let at = path.startsWith("$.") ? path.slice(2) : path;
  while (at && !lines.has(at)) at = at.replace(/(?:\.?[^.[\]]+|\[[^\]]*\])$/, "");
  return lines.get(at) ?? 1;
}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.line = 1;
    this.lineStart = 0;
    this.lines = new Map();
  }

  here() {
    return { line: this.line, column: this.at - this.lineStart + 1 };
  }

  whole() {
    this.value("", 0);
    this.space();
    if (this.at < this.text.length) throw new Fault("there is more after the end of the JSON");
  }

  space() {
    for (; this.at < this.text.length; this.at++) {
      const one = this.text[this.at];
      if (one === "\n") {
        this.line++;
        this.lineStart = this.at + 1;
      } else if (one !== " " && one !== "\t" && one !== "\r") return;
    }
  }

  value(path, depth) {
    this.space();
    if (depth > 200) throw new Fault("is nested too deeply");
    this.lines.set(path, this.line);
    const one = this.text[this.at];
    if (one === "{") this.object(path, depth);
    else if (one === "[") this.array(path, depth);
    else if (one === '"') this.string();
    else this.word();
  }

  object(path, depth) {
    this.at++;
    this.space();
    if (this.take("}")) return;
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') throw new Fault(this.text[this.at] === "}" ? "a comma too many" : 'expects a name in "quotes"');
      const key = this.string();
      this.space();
      if (!this.take(":")) throw new Fault("expects a colon after the name");
      this.value(path ? `${path}.${key}` : key, depth + 1);
      this.space();
      if (this.take("}")) return;
      if (!this.take(",")) throw new Fault("expects a comma or }");
    }
  }

  array(path, depth) {
    this.at++;
    this.space();
    if (this.take("]")) return;
    for (let index = 0; ; index++) {
      this.space();
      if (this.text[this.at] === "]") throw new Fault("a comma too many");
      this.value(`${path}[${index}]`, depth + 1);
      this.space();
      if (this.take("]")) return;
      if (!this.take(",")) throw new Fault("expects a comma or ]");
    }
  }

  string() {
    const found = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
    found.lastIndex = this.at;
    const match = found.exec(this.text);
    if (!match) throw new Fault("a text without its closing quote, or with a sign that needs a backslash");
    this.at = found.lastIndex;
    return JSON.parse(match[0]);
  }

  word() {
    const found = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
    found.lastIndex = this.at;
    if (!found.test(this.text)) throw new Fault(this.at < this.text.length ? "expects a value" : "ends before its end");
    this.at = found.lastIndex;
  }

  take(sign) {
    if (this.text[this.at] !== sign) return false;
    this.at++;
    return true;
  }
}
