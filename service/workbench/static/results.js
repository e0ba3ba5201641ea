// What the service answers: the cards, the pictures, the evidence; as a preview, or as the real call sent them.

import { drawCard } from "./cards.js";
import { byId, el, fragment, level, refill, sign, WORDS } from "./dom.js";
import { spelled } from "./json.js";
import { isEdited, request } from "./state.js";

const NOTHING = "The service had nothing to say about what was sent";
let opened = null; // the first card of the request as it was opened: {indicator, summary}
const BACK = "A change of the request goes back to the preview.";
let spoken = "";
let speaking = 0;

const PARTS = ["cards", "strip", "pictures-part", "evidence-part", "view-developers"]; // what a judgement fills
const SLOW = 150; // milliseconds until a judgement under way is said to be (and seen: .stale)
let late = 0;

// Of a request that changed: greyed. Of another one: not to be seen at all.
function mark(...kinds) {
  clearTimeout(late);
  for (const one of PARTS.map(byId)) {
    one.classList.remove(...(kinds.length ? [] : ["stale", "gone"]));
    one.classList.add(...kinds);
  }
}

/** What is shown is no longer of the request: so until its own answer is. */
export function showStale(isOther) {
  mark("stale", ...(isOther ? ["gone"] : []));
  if (isOther) byId("problem").replaceChildren();
  late = setTimeout(() => {
    byId("said").textContent = "Being judged. What stands below, greyed, is of the request before.";
    say("Being judged …");
  }, SLOW);
}

/** What is shown is the answer to the request in hand. */
export const showFresh = () => mark();

/** A new scenario: what it says first is what later changes are measured by. */
export function forgetOpened() {
  opened = null;
}

const verdictOf = (cards) => (cards.length ? { indicator: cards[0].indicator, summary: cards[0].summary } : { indicator: "none", summary: NOTHING });

// What changes above a field must not move it from under the eyes of who types in it.
function inPlace(change) {
  const typed = document.activeElement?.closest("#request") && document.activeElement;
  const before = typed && typed.getBoundingClientRect().top;
  change();
  if (typed) scrollBy({ top: typed.getBoundingClientRect().top - before, behavior: "instant" });
}

/** Show a judgement. */
export const showJudged = (...judged) => inPlace(() => drawJudged(...judged));

function drawJudged(answer, roundTrip, act) {
  const { cards } = answer.response;
  said(`Preview: nothing is remembered. Judged in ${Number(spelled(answer.took_ms)).toFixed(1)} ms, shown after ${Math.round(roundTrip)} ms.`, cards);
  refill(byId("pictures"), (answer.pictures ?? []).map(picture));
  refill(byId("evidence"), answer.evidence ? fragment(answer.evidence) : el("p", { class: "soft" }, "Nothing was judged."));
  byId("pictures-part").hidden = !answer.pictures?.length;
  byId("evidence-part").hidden = !answer.evidence;
  showCards(cards, act);
}

/** A decision about a card of the preview called the service. `kept`: it recorded the decision, too. */
export function saySent(service, kept) {
  said(`Sent${kept ? " and recorded" : ""} by POST /cds-services/${service}. ${BACK}`, byId("cards").querySelectorAll("article"));
}

/** Show what the real call sent. */
export function showSent(cards, service, act) {
  said(`Sent by POST /cds-services/${service}, and recorded. ${BACK}`, cards);
  showCards(cards, act);
}

function showCards(cards, act) {
  const verdict = verdictOf(cards);
  opened ??= verdict;
  refill(byId("cards"), flipped(verdict), cards.length ? cards.map((card, n) => drawCard(card, n + 1, act)) : nothing());
  byId("problem").replaceChildren();
  strip(verdict);
}

function said(words, cards) {
  byId("said").textContent = `${cards.length} ${cards.length === 1 ? "card" : "cards"}. ${words}`;
}

const nothing = () => el("div", { class: "card none" }, el("p", { class: "from" }, level("none")),
  el("h3", {}, NOTHING), el("p", { class: "soft" }, "An empty list of cards. Without a card, what was not measured or not used is not named to the clinician.",
    byId("evidence-part").hidden ? null : " Pictures (Not measured) and Evidence below name it."));

// Where the conclusion stands against the request as it was opened.
function flipped(now) {
  if (!isEdited() || (now.indicator === opened.indicator && now.summary === opened.summary)) return null;
  return el("p", { class: "flipped" }, "As opened: ", level(opened.indicator), ` ${opened.summary}`);
}

/** Say why there is no judgement; what was judged before stays, greyed. */
export function showProblem(words, issues = []) {
  mark("stale");
  byId("main").classList.remove("starting");
  byId("said").textContent = "Not judged.";
  byId("problem").replaceChildren(el("div", { class: "fault" }, el("strong", {}, words),
    issues.length ? el("ul", {}, issues.map((one) => el("li", {}, one.diagnostics))) : null));
  say(words, "warning");
}

// In the strip, in place of a verdict.
function say(words, shape = "none") {
  byId("strip").className = "strip none";
  byId("strip").replaceChildren(sign(shape), el("span", {}, words));
  speak(words);
}

// The strip keeps the first card in sight of who edits further down; the hidden live region tells it, once it rests.
function strip({ indicator, summary }) {
  byId("main").classList.remove("starting");
  byId("strip").className = `strip ${indicator}`;
  byId("strip").replaceChildren(level(indicator), el("span", {}, summary));
  speak(`${WORDS[indicator]}: ${summary}`);
}

function speak(words) {
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    if (words !== spoken) byId("live").textContent = words;
    spoken = words;
  }, 700);
}

const picture = ({ id, title, html }) => el("figure", { class: "drawn", id: `picture-${id}` }, el("figcaption", {}, title), fragment(html));

/** The head of the view: which scenario, changed or not. */
export function showStory() {
  const { story } = request;
  byId("story-title").textContent = story ? story.title : "A request of your own";
  byId("story-shows").textContent = story ? story.shows : "Fetched or pasted; it belongs to no scenario.";
  byId("edited").hidden = !isEdited();
  byId("reset").hidden = !isEdited();
  document.title = `${story ? story.title : "Workbench"} - Neutropenia review`;
}
