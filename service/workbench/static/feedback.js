// Accept and override: the real call, feedback, what the service recorded, and what it holds back afterwards.

import * as api from "./api.js";
import { el, level, link } from "./dom.js";
import { parse, write } from "./json.js";
import { request } from "./state.js";

const alike = (one, other) =>
  one.source?.topic?.code === other.source?.topic?.code && extension(one).row === extension(other).row && extension(one).rule === extension(other).rule;
const sentFor = new WeakMap(); // preview of a card -> the card that the real call sent for it
const extension = (card) => card.extension?.["org.neutropenia-cds.card"] ?? {};
const evidenceLink = (card) => card.links?.find((one) => URL.canParse(one.url) && /\/cards\/[^/]+$/.test(new URL(one.url).pathname))?.url;

/** The request as a call of its own: each call of an EHR has its own hookInstance. */
export function asCall() {
  const value = parse(request.text);
  if ("hookInstance" in value) value.hookInstance = api.uuid();
  return write(value);
}

/** Do what a user decided about a card and tell each step in `place`. `service` is called first when the card is a preview; `sent(kept)` tells that it was, and whether the decision is kept. */
export async function decide(service, card, isPreview, outcome, { suggestion, reason }, place, sent) {
  const steps = el("ol");
  const say = (...words) => steps.append(el("li", {}, words));
  place.replaceChildren(el("h4", {}, "What became of it"), steps);
  try {
    const shown = isPreview ? (sentFor.get(card) ?? (await shownNow(service, card, say))) : card;
    sent(false);
    if (!shown) return;
    sentFor.set(card, shown);
    await api.feedback(service, item(shown, outcome, same(shown, suggestion), reason));
    sent(true);
    say(outcome === "accepted" ? `Feedback: accepted "${suggestion.label}".` : `Feedback: overridden, ${reason?.display ?? "no reason given"}.`);
    await recorded(shown, say);
    await afterwards(service, card, say);
  } catch (fault) {
    if (!(fault instanceof api.Refused)) throw fault;
    say(el("strong", {}, "It went no further: "), fault.message);
  }
}

// A preview has no record: the card that an EHR would have got is called for first.
async function shownNow(service, card, say) {
  const { cards } = await api.call(service, asCall());
  const found = cards.find((one) => alike(one, card));
  if (found) say("Called the service: it sent the card as ", level(found.indicator), found.indicator === card.indicator ? "." : `, held back because it came before.`);
  else say("Called the service: it left this card out, because it came or was overridden before.");
  return found;
}

const same = (card, wanted) => card.suggestions?.find((one) => one.label === wanted?.label) ?? wanted;

function item(card, outcome, suggestion, reason) {
  return {
    card: card.uuid,
    outcome,
    outcomeTimestamp: new Date().toISOString(),
    ...(outcome === "accepted" ? { acceptedSuggestions: [{ id: suggestion.uuid }] } : {}),
    ...(reason ? { overrideReason: { reason: { system: reason.system, code: reason.code } } } : {}),
  };
}

async function recorded(card, say) {
  const url = evidenceLink(card);
  if (!url) return say("The card has no link to its evidence: the service keeps none.");
  const kept = await api.evidence(url);
  const lines = kept.feedback.map((one) => `${one.outcome}${one.reason ? ` (${reasonCode(one.reason)})` : ""} at ${clock(one.at)}`);
  say("Recorded: card ", fate(kept.fate), `, issued ${clock(kept.issued)}; feedback: ${lines.join("; ") || "none"}. `, link(new URL(url).href, "Its page of evidence"));
}

const fate = ({ is, reason }) => ({ shown: "shown", lowered: "lowered to information", "left-out": "left out", silent: "judged in silence" })[is] + (reason ? ` (${reason})` : "");
const reasonCode = (reason) => reason.split("|").at(-1);
const clock = (instant) => new Date(instant).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

async function afterwards(service, before, say) {
  const { cards } = await api.call(service, asCall());
  const next = cards.find((one) => alike(one, before));
  if (!next) return say(el("strong", {}, "The next call leaves this card out."));
  if (next.indicator !== before.indicator) return say(el("strong", {}, "The next call holds it back: "), "it comes as ", level(next.indicator), " and says when it came before.");
  say("The next call brings it again as ", level(next.indicator), next.indicator === "critical" ? ": what is critical is not held back." : ".");
}
