// For developers of EHRs: the call, the answer, what is checked of it, the queries, discovery, the request as a fixture.

import { get } from "./api.js";
import { byId, copyButton, el, refill } from "./dom.js";
import { spelled, write } from "./json.js";
import { isEdited, request } from "./state.js";

let answer = null;
let discovery = null;
let took = 0;

/** Keep the latest judgement; draw it when the view is open. */
export function setAnswer(judged, roundTrip) {
  [answer, took] = [judged, roundTrip];
  drawDevelopers();
}

/** Draw the view, when it is the one that is open. */
export function drawDevelopers() {
  const view = byId("view-developers");
  if (view.hidden || !answer) return;
  refill(view, part("Call", curl()), part("Validation of the answer", checks()), part("Answer", response()),
    part("Prefetch queries of this patient", queries()), part("Fixture", fixture()), part("Discovery", discovered()));
}

const part = (title, ...inside) => el("section", { class: "panel" }, el("h2", {}, title), inside);

const code = (text, label) => el("pre", { tabindex: "0", "aria-label": label }, text);

function curl() {
  const size = new Blob([request.text]).size;
  return [
    el("p", { class: "soft" }, `Judged in ${Number(spelled(answer.took_ms)).toFixed(1)} ms; with the way there and back ${took.toFixed(0)} ms. Request ${size.toLocaleString("en")} bytes.`),
    copyButton("Copy as curl", () => answer.curl), code(answer.curl, "curl"),
  ];
}

function checks() {
  const failed = answer.checks.filter((one) => !one.ok).length;
  const rows = answer.checks.map((one) => el("tr", { class: one.ok ? null : "failed" },
    el("td", {}, one.ok ? "pass" : "fail"), el("td", {}, one.line), el("td", {}, one.said, one.found ? el("div", { class: "soft" }, one.found) : null)));
  return [
    el("p", {}, failed ? `${failed} of ${rows.length} rules fail.` : `All ${rows.length} rules hold: those of cds check, and openapi.yaml.`),
    el("details", { open: failed > 0 }, el("summary", {}, "Rules"), table(["Result", "Rule", "What it asks for"], rows)),
  ];
}

function table(names, rows) {
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": names.join(", ") },
    el("table", {}, el("thead", {}, el("tr", {}, names.map((one) => el("th", { scope: "col" }, one)))), el("tbody", {}, rows)));
}

function response() {
  const text = write(answer.response);
  return [copyButton("Copy the answer", () => text), el("details", {}, el("summary", {}, "JSON"), code(text, "Answer as JSON"))];
}

function queries() {
  const rows = answer.prefetch.map((one) => el("tr", {}, el("th", { scope: "row" }, one.key), el("td", {}, one.state), el("td", {}, el("code", {}, one.filled))));
  return [copyButton("Copy the queries", () => answer.prefetch.map((one) => `${one.key}\t${one.filled}`).join("\n")),
    el("details", {}, el("summary", {}, `Queries (${rows.length})`), table(["Key", "In this request", "Query"], rows))];
}

function fixture() {
  const { story } = request;
  const quoted = (text) => JSON.stringify(text);
  const toml = () => `title = ${quoted(story && !isEdited() ? story.title : "Say in a line who this is")}\nshows = ${quoted(story && !isEdited() ? story.shows : "Say what the answer shows")}\nas_of = ${byId("form").dataset.today}\n`;
  return [
    el("p", { class: "soft" }, "A scenario is a folder in fixtures/fhir/stories: request.json, story.toml, response.json."),
    copyButton("Copy as fixture (request.json)", () => `${write(request.value)}\n`), " ",
    copyButton("Copy story.toml", toml), " ", copyButton("Copy response.json", () => `${write(answer.response)}\n`),
  ];
}

function discovered() {
  if (discovery) return [copyButton("Copy", () => discovery), el("details", {}, el("summary", {}, "GET /cds-services"), code(discovery, "Discovery"))];
  get("cds-services").then((found) => {
    discovery = write(found);
    drawDevelopers();
  }, (fault) => {
    byId("discovery-said").textContent = fault.message;
  });
  return el("p", { id: "discovery-said", class: "soft" }, "GET /cds-services …");
}
