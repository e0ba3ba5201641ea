// Cards as an EHR draws them: indicator, summary, detail, suggestions with what they draft, reasons to override, links.

import { el, level, link, webAddress } from "./dom.js";
import { markdown } from "./markdown.js";

const FIRST = 3; // sections of a detail that are open from the start: what was found, causes, what is not known

/** One card; `act(card, outcome, {suggestion, reason}, place)` is called when a user decides. */
export function drawCard(card, number, act) {
  const title = `card-${number}`;
  const record = el("div", { class: "record", role: "status" });
  return el("article", { class: `card ${card.indicator}`, id: `${title}-card`, "aria-labelledby": title, "data-indicator": card.indicator },
    el("header", {}, el("p", { class: "from" }, level(card.indicator), el("span", { class: "soft" }, card.source?.label ?? "")),
      el("h3", { id: title }, card.summary)),
    el("div", { class: "detail" }, detail(card.detail ?? "")),
    card.suggestions?.length ? suggestions(card, act, record) : null,
    override(card, act, record, number),
    record,
    card.links?.length ? links(card.links) : null);
}

/** The detail by its headings; later ones are closed, a last paragraph (whose advice, which knowledge) stays in sight. */
export function detail(text) {
  const made = markdown(text);
  const foot = made.length > 1 && made.at(-1).tagName === "P" && made.some(isHeading) ? [made.pop()] : [];
  const parts = [[]];
  for (const one of made) {
    if (isHeading(one)) parts.push([one]);
    else parts.at(-1).push(one);
  }
  const [lead, ...sections] = parts;
  foot.forEach((one) => one.classList.add("foot"));
  return [...lead, ...sections.map(section), ...foot];
}

const isHeading = (one) => /^H[1-6]$/.test(one.tagName);

function section([heading, ...rest], number) {
  return el("details", { open: number < FIRST }, el("summary", {}, heading), rest);
}

function suggestions(card, act, record) {
  const rule = card.selectionBehavior === "at-most-one" ? "one at most" : "any of them";
  return el("section", { class: "suggestions", "aria-label": "Suggestions" }, el("h4", {}, "Suggestions ", el("small", {}, rule)),
    el("ul", {}, card.suggestions.map((one) => el("li", {},
      el("button", { type: "button", class: "accept", onclick: () => act(card, "accepted", { suggestion: one }, record) },
        el("span", { class: "verb" }, "Accept"), ` ${one.label}`),
      one.isRecommended ? el("span", { class: "level info recommended" }, "Recommended") : null,
      el("details", { class: "drafts" }, el("summary", {}, `What it drafts: ${one.actions?.length ?? 0} ${one.actions?.length === 1 ? "action" : "actions"}`, el("span", { class: "away" }, ` of: ${one.label}`)),
        (one.actions ?? []).map(action))))));
}

function action(one) {
  const order = one.resource ?? {};
  const facts = [
    ["Does", { create: "drafts an order", delete: "removes a draft", update: "changes a draft" }[one.type] ?? one.type],
    ["Order", order.code?.text ?? one.resourceId],
    ["Kind", order.resourceType && `${order.resourceType}, ${order.status}, ${order.intent}`],
    ["Priority", order.priority],
    ["When", order.occurrenceDateTime ?? period(order.occurrencePeriod)],
    ["Why", order.reasonCode?.[0]?.text],
  ].filter(([, fact]) => fact);
  return el("div", { class: "action" }, el("dl", {}, facts.map(([name, fact]) => [el("dt", {}, name), el("dd", {}, fact)])),
    one.resource ? el("details", {}, el("summary", {}, "As FHIR"), el("pre", { tabindex: "0" }, JSON.stringify(order, null, 1))) : null);
}

const period = (one) => one && [one.start && `from ${one.start}`, one.end && `until ${one.end}`].filter(Boolean).join(" ");

function override(card, act, record, number) {
  const reasons = card.overrideReasons ?? [];
  const chosen = el("select", { id: `reason-${number}` }, el("option", { value: "" }, "no reason given"),
    reasons.map((one, n) => el("option", { value: n }, one.display)));
  return el("div", { class: "override" }, el("label", { for: chosen.id }, "Reason to override"), chosen,
    el("button", { type: "button", onclick: () => act(card, "overridden", { reason: reasons[chosen.value] }, record) }, "Override"));
}

function links(all) {
  return el("ul", { class: "links" }, all.map((one) => el("li", {},
    one.type === "absolute" && webAddress(one.url) ? link(one.url, one.label) : `${one.label} (${one.type === "smart" ? "opens inside the EHR" : "leads elsewhere"})`)));
}
