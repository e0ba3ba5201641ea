// The Markdown of cards as elements. Raw HTML stays text, pictures are not fetched, links lead to http and https alone.
// What GitHub's Markdown has and cards use: headings, paragraphs, lists, tables, quotes, code, emphasis, links.

import { el, link, webAddress } from "./dom.js";

const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*$/;
const ITEM = /^( *)(?:([-*+])|(\d{1,9})[.)])(?:[ \t]+(.*)|$)/;
const FENCE = /^ {0,3}(```+|~~~+)/;
const RULE = /^ {0,3}(?:\* *){3,}$|^ {0,3}(?:- *){3,}$|^ {0,3}(?:_ *){3,}$/;
const DIVIDER = /^ {0,3}\|?(?: *:?-+:? *\|)+ *(?::?-+:? *)?$/;
const ENTITIES = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'", nbsp: "\u00a0" };
const SIGNS = /^\\([!-/:-@[-`{-~])/;
const ENTITY = /^&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]+));/;
const CODE = /^(`+)(?!`)([\s\S]*?[^`])\1(?!`)/;
const STRONG = /^(\*\*|__)(?=\S)((?:\\[\s\S]|(?!\1)[^\\])+?)\1(?!\*)/;
const EMPHASIS = /^([*_])(?=[^\s*_])((?:\\[\s\S]|\*\*(?:\\[\s\S]|[^*\\])+\*\*|(?!\1)[^\\])+)\1/;
const LINK = /^\[((?:\\[\s\S]|[^[\]\\]|\[[^[\]]*\])*)\]\(\s*<?((?:\\[\s\S]|\([^\s()<>]*\)|[^\s()<>\\])*)>?\s*\)/;

/** Elements for a Markdown text; headings begin at `top`. */
export function markdown(text, top = 4) {
  return blocks(text.replace(/\r\n?/g, "\n").split("\n"), top);
}

function blocks(lines, top) {
  const made = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const heading = HEADING.exec(line);
    if (!line.trim()) at++;
    else if (heading) {
      made.push(el(`h${Math.min(6, Math.max(top, heading[1].length))}`, {}, inline(heading[2])));
      at++;
    } else if (RULE.test(line)) {
      made.push(el("hr"));
      at++;
    } else if (FENCE.test(line)) at = fence(lines, at, made);
    else if (ITEM.test(line)) at = list(lines, at, made, top);
    else if (line.startsWith(">")) at = quote(lines, at, made, top);
    else if (isTable(lines, at)) at = table(lines, at, made);
    else at = paragraph(lines, at, made);
  }
  return made;
}

function paragraph(lines, at, made) {
  const held = [];
  while (at < lines.length && lines[at].trim() && !(held.length && begins(lines, at))) held.push(lines[at++].trimStart());
  made.push(el("p", {}, inline(held.join("\n").trimEnd())));
  return at;
}

const begins = (lines, at) =>
  HEADING.test(lines[at]) || FENCE.test(lines[at]) || RULE.test(lines[at]) || /^ *(?:[-*+]|1[.)])[ \t]+\S/.test(lines[at]) || isTable(lines, at);

function fence(lines, at, made) {
  const closing = FENCE.exec(lines[at])[1];
  const held = [];
  for (at++; at < lines.length && !lines[at].trim().startsWith(closing); at++) held.push(lines[at]);
  made.push(el("pre", {}, el("code", {}, held.join("\n"))));
  return at + 1;
}

function quote(lines, at, made, top) {
  const held = [];
  for (; at < lines.length && lines[at].startsWith(">"); at++) held.push(lines[at].replace(/^> ?/, ""));
  made.push(el("blockquote", {}, blocks(held, top)));
  return at;
}

function list(lines, at, made, top) {
  const [, margin, bullet, number] = ITEM.exec(lines[at]);
  const items = el(bullet ? "ul" : "ol", { start: number && number !== "1" ? number : null });
  while (at < lines.length) {
    const found = ITEM.exec(lines[at]);
    if (!found || found[1].length !== margin.length || Boolean(found[2]) !== Boolean(bullet)) break;
    const inner = [found[4] ?? ""];
    const indent = margin.length + 2;
    for (at++; at < lines.length && belongs(lines, at, indent); at++) inner.push(lines[at].replace(new RegExp(`^ {0,${indent}}`), ""));
    items.append(el("li", {}, tight(blocks(inner, top))));
    while (at + 1 < lines.length && !lines[at].trim() && ITEM.test(lines[at + 1])) at++;
  }
  made.push(items);
  return at;
}

const belongs = (lines, at, indent) =>
  lines[at].startsWith(" ".repeat(indent)) || (lines[at].trim() && !ITEM.test(lines[at]) && !HEADING.test(lines[at]));

// An item of one paragraph is shown without the paragraph's margins.
const tight = (inner) => (inner[0]?.tagName === "P" ? [...inner[0].childNodes, ...inner.slice(1)] : inner);

const isTable = (lines, at) => lines[at].includes("|") && at + 1 < lines.length && DIVIDER.test(lines[at + 1]);

const cells = (line) => line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));

function table(lines, at, made) {
  const names = cells(lines[at]);
  const rows = [];
  for (at += 2; at < lines.length && lines[at].includes("|"); at++) rows.push(cells(lines[at]));
  const head = el("tr", {}, names.map((name) => el("th", { scope: "col" }, inline(name))));
  const body = rows.map((row) => el("tr", {}, names.map((name, n) => el("td", { "data-name": name }, inline(row[n] ?? "")))));
  made.push(el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": names.join(", ") },
    el("table", {}, el("thead", {}, head), el("tbody", {}, body))));
  return at;
}

/** Nodes for the text of one paragraph, cell or heading. */
export function inline(text) {
  const made = [];
  let plain = "";
  const add = (node) => {
    if (plain) made.push(plain);
    plain = "";
    made.push(node);
  };
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const [length, found] = span(rest, text[at - 1] ?? "");
    if (typeof found === "string") plain += found;
    else add(found);
    at += length;
  }
  if (plain) made.push(plain);
  return made;
}

// How much of the text is read, and what it is: text, or an element.
function span(rest, before) {
  let match;
  switch (rest[0]) {
    case "\\":
      if (rest[1] === "\n") return [2, el("br")];
      return (match = SIGNS.exec(rest)) ? [2, match[1]] : [1, "\\"];
    case "&":
      return (match = ENTITY.exec(rest)) ? [match[0].length, character(match)] : [1, "&"];
    case "`":
      return (match = CODE.exec(rest)) ? [match[0].length, el("code", {}, match[2].replace(/^ (.*\S.*) $/, "$1"))] : [1, "`"];
    case "*":
    case "_":
      return emphasis(rest, before);
    case "[":
      match = LINK.exec(rest);
      if (match && webAddress(plainly(match[2]))) return [match[0].length, link(plainly(match[2]), inline(match[1]))];
      return [1, "["];
    case " ":
      return (match = /^ {2,}\n/.exec(rest)) ? [match[0].length, el("br")] : [1, " "];
    case "\n":
      return [1, " "];
    default:
      match = /^[^\\&`*_[ \n]+/.exec(rest);
      return [match[0].length, match[0]];
  }
}

function emphasis(rest, before) {
  const inWord = rest[0] === "_" && /\w/.test(before);
  let match = inWord ? null : STRONG.exec(rest);
  if (match) return [match[0].length, el("strong", {}, inline(match[2]))];
  match = inWord ? null : EMPHASIS.exec(rest);
  if (match && !/\s$/.test(match[2])) return [match[0].length, el("em", {}, inline(match[2]))];
  return [1, rest[0]];
}

function character([whole, decimal, hexadecimal, name]) {
  if (name) return ENTITIES[name] ?? whole;
  const point = decimal ? parseInt(decimal, 10) : parseInt(hexadecimal, 16);
  return point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff) ? String.fromCodePoint(point) : "\ufffd";
}

const plainly = (text) => text.replace(/\\([!-/:-@[-`{-~])/g, "$1").replace(/&amp;/g, "&");
