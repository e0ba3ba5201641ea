// The workbench: scenarios, request, cards. One request is open; whatever changes it is judged at once.

import * as api from "./api.js";
import { byId } from "./dom.js";
import { showIssues, startEditor } from "./editor.js";
import { startForm } from "./form.js";
import { forgetOpened, saySent, showFresh, showJudged, showProblem, showSent, showStale, showStory } from "./results.js";
import { isReadable, onChange, open, request, setText, unread } from "./state.js";
import { markStory, startStories } from "./stories.js";
import { tabs } from "./tabs.js";

const REST = 60; // milliseconds without a change before the request is judged
const FIRST = "b12-deficient-positive-antibody";
const VIEWS = { "view-patient": "", "view-developers": "#developers", "view-server": "#server" };

let stories = [];
let bases = []; // of FHIR servers that may be asked
let waiting = 0;
let running = null; // AbortController of the judgement under way
let judged = 0; // how many changes and judgements there were: the answer to the latest alone is shown
let shown = 0; // the one of them that is shown
let last = null; // the judgement that is shown: [answer, milliseconds]
let chosen = 0; // how many requests were chosen to be opened: the latest alone is

/** The CDS service that answers the request in hand: the one of its hook. */
function service() {
  const hook = request.value?.hook;
  return stories.find((one) => one.hook === hook)?.service ?? request.story?.service ?? "neutropenia-review";
}

// What was begun before is given up.
function begin(isOther) {
  clearTimeout(waiting);
  running?.abort();
  running = new AbortController();
  showStale(isOther);
  return ++judged;
}

// The judgement gives pictures and evidence; the cards are those of the real call when `isSent`.
async function judgeNow(isSent) {
  const number = begin();
  if (request.fault) return showProblem(`The JSON has a fault in line ${request.fault.line}: ${request.fault.problem}.`);
  const [unreadable] = unread.values();
  if (unreadable) return showProblem(`${unreadable} What stands below was judged before that was typed.`);
  const [called, text, { signal }, begun] = [service(), request.text, running, performance.now()];
  let sent;
  try {
    if (isSent) sent = await api.call(called, (await import("./feedback.js")).asCall());
    const answer = await api.judge(called, text, signal);
    if (number !== judged) return;
    const took = performance.now() - begun;
    showIssues([]);
    showJudged(answer, took, (...decision) => act(true, ...decision));
    last = [answer, took];
    await drawDevelopers();
    if (number !== judged) return;
    if (sent) showSent(sent.cards, called, (...decision) => act(false, ...decision));
    showFresh();
    shown = number;
  } catch (fault) {
    if (number !== judged) return;
    const what = sent ? "The call was sent; its pictures and evidence are missing" : `The service refuses the ${isSent ? "call" : "request"}`;
    showFault(fault, fault.status ? `${what} (${fault.status})` : sent ? what : "No answer");
  }
}

// Whatever went wrong is said: nothing that stands there may pass for an answer.
function showFault(fault, words) {
  const issues = fault instanceof api.Refused ? fault.issues : [{ diagnostics: `The page cannot show the answer: ${fault.message}` }];
  showIssues(issues);
  showProblem(words, issues);
}

function judgeSoon(from) {
  begin(from === "open");
  waiting = setTimeout(() => judgeNow(false), from === "open" ? 0 : REST);
}

// The view for developers is loaded once it is looked at.
async function drawDevelopers() {
  if (last && !byId("view-developers").hidden) (await import("./developers.js")).setAnswer(...last);
}

// What is needed only when a user decides, or asks a FHIR server, is loaded only then.
async function act(isPreview, card, outcome, chosen, place) {
  if (!isReadable()) return place.replaceChildren("Not sent: the request has a fault. Mend it first.");
  if (shown !== judged) return place.replaceChildren("Not sent: this card is of the request before.");
  const [number, called] = [judged, service()];
  const { decide } = await import("./feedback.js");
  await decide(called, card, isPreview, outcome, chosen, place, (kept) => isPreview && number === judged && saySent(called, kept));
}

async function openStory(name, address) {
  const number = ++chosen;
  try {
    const story = await api.get(`workbench/stories/${encodeURIComponent(name)}`);
    if (number !== chosen) return;
    forgetOpened();
    open(story.request, story);
    markStory(name);
    if (address) history[address]({}, "", `?story=${encodeURIComponent(name)}${location.hash}`);
  } catch (fault) {
    if (number === chosen) showFault(fault, "This scenario cannot be opened");
  }
}

const named = () => new URLSearchParams(location.search).get("story");

function openFetched(value) {
  chosen++;
  forgetOpened();
  open(value, null);
  markStory(null);
  history.pushState({}, "", location.pathname + location.hash);
}

function startViews() {
  const show = tabs(byId("views"), (id) => {
    history.replaceState({}, "", location.pathname + location.search + VIEWS[id]);
    drawDevelopers();
    if (id === "view-server") import("./server.js").then((server) => server.startServer(bases, openFetched));
  });
  const fromHash = () => show(Object.keys(VIEWS).find((id) => VIEWS[id] === location.hash) ?? "view-patient");
  addEventListener("hashchange", fromHash);
  fromHash();
  tabs(byId("request-tabs"));
}

async function start() {
  startEditor();
  onChange((from) => {
    showStory();
    byId("send").disabled = !isReadable();
    judgeSoon(from);
  });
  byId("send").addEventListener("click", () => judgeNow(true));
  byId("reset").addEventListener("click", () => setText(request.opened, "reset"));
  byId("print").addEventListener("click", () => print());
  addEventListener("popstate", () => (named() && named() !== request.story?.name ? openStory(named()) : chosen++));
  const [listed, vocabulary] = await Promise.all([api.get("workbench/stories"), api.get("workbench/vocabulary")]);
  stories = listed.stories;
  startForm(vocabulary);
  bases = vocabulary.fhirServers;
  startViews();
  startStories(stories, (name) => openStory(name, "pushState"));
  await openStory(named() ?? (stories.find((one) => one.name === FIRST) ?? stories[0]).name, named() ? null : "replaceState");
}

start().catch((fault) => showFault(fault, "The workbench cannot start"));
