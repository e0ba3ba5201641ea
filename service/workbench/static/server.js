// Try against a FHIR server: the service fetches its own prefetch, from bases that its settings allow.

import { post, Refused } from "./api.js";
import { byId, el } from "./dom.js";
import { spelled } from "./json.js";

/** Ready the form: which bases may be asked; `take(request)` gets what was fetched. */
export function startServer(bases, take) {
  byId("server-form").onsubmit = (event) => {
    event.preventDefault();
    ask(event.target, take);
  };
  byId("bases").replaceChildren(...bases.map((one) => el("option", { value: one })));
  byId("no-bases").hidden = bases.length > 0;
  if (bases.length === 1) byId("base").value ||= bases[0];
}

async function ask(form, take) {
  const { base, patient, token } = form.elements;
  const place = byId("server-said");
  const sent = { fhirServer: base.value.trim(), patientId: patient.value.trim(), ...(token.value ? { accessToken: token.value } : {}) };
  place.replaceChildren(el("p", { class: "soft" }, "The service asks the server …"));
  try {
    const { keys, request } = await post("workbench/fetch", JSON.stringify(sent));
    place.replaceChildren(fetched(keys), el("p", {}, "The request is open in the workbench: see the cards, the form and the JSON."));
    take(request);
  } catch (fault) {
    if (!(fault instanceof Refused)) throw fault;
    place.replaceChildren(el("div", { class: "fault" }, el("strong", {}, "Nothing was fetched"),
      el("ul", {}, fault.issues.map((one) => el("li", {}, one.diagnostics)))));
  }
}

function fetched(keys) {
  const rows = keys.map((one) => el("tr", { "data-key": one.key }, el("th", { scope: "row" }, one.key), el("td", {}, one.state), el("td", {}, spelled(one.results)),
    el("td", {}, one.took_ms === undefined || one.took_ms === null ? "" : `${Math.round(Number(spelled(one.took_ms)))} ms`), el("td", {}, one.said ? el("div", {}, one.said) : null, el("code", {}, one.query))));
  return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "What each query returned" }, el("table", {},
    el("thead", {}, el("tr", {}, ["Key", "State", "Resources", "Took", "Query"].map((one) => el("th", { scope: "col" }, one)))), el("tbody", {}, rows)));
}
