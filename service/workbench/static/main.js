// The workbench: scenarios, request, cards. One request is open; whatever changes it is judged at once.

import * as api from "./api.js";
import { drawDevelopers, setAnswer } from "./developers.js";
import { byId } from "./dom.js";
import { showIssues, startEditor } from "./editor.js";
import { startForm } from "./form.js";
import { forgetOpened, saySent, showJudged, showProblem, showSent, showStory } from "./results.js";
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
let judged = 0; // how many judgements were begun: the latest alone is shown

/** The CDS service that answers the request in hand: the one of its hook. */
function service() {
  const hook = request.value?.hook;
  return stories.find((one) => one.hook === hook)?.service ?? request.story?.service ?? "neutropenia-review";
}

async function judgeNow() {
  const number = ++judged;
  running?.abort();
  running = new AbortController();
  if (request.fault) return showProblem(`The JSON has a fault in line ${request.fault.line}: ${request.fault.problem}.`);
  const [unreadable] = unread.values();
  if (unreadable) return showProblem(`${unreadable} What stands below was judged before that was typed.`);
  const begun = performance.now();
  try {
    const answer = await api.judge(service(), request.text, running.signal);
    if (number !== judged) return;
    showIssues([]);
    showJudged(answer, performance.now() - begun, (...decision) => act(true, ...decision));
    setAnswer(answer, performance.now() - begun);
  } catch (fault) {
    if (number !== judged || fault.name === "AbortError") return;
    if (!(fault instanceof api.Refused)) throw fault;
    showIssues(fault.issues);
    showProblem(fault.status ? `The service refuses the request (${fault.status})` : "No answer", fault.issues);
  }
}

function judgeSoon(from) {
  clearTimeout(waiting);
  waiting = setTimeout(judgeNow, from === "open" ? 0 : REST);
}

// What is needed only when a user decides, or asks a FHIR server, is loaded only then.
async function act(isPreview, card, outcome, chosen, place) {
  if (!isReadable()) return place.replaceChildren("Not sent: the request has a fault. Mend it first.");
  const [number, called] = [judged, service()];
  const { decide } = await import("./feedback.js");
  await decide(called, card, isPreview, outcome, chosen, place, (kept) => isPreview && number === judged && saySent(called, kept));
}

async function send() {
  clearTimeout(waiting);
  const number = ++judged;
  running?.abort();
  const called = service();
  const { asCall } = await import("./feedback.js");
  try {
    const { cards } = await api.call(called, asCall());
    if (number === judged) showSent(cards, called, (...decision) => act(false, ...decision));
  } catch (fault) {
    if (!(fault instanceof api.Refused)) throw fault;
    showIssues(fault.issues);
    showProblem(`The service refuses the call (${fault.status})`, fault.issues);
  }
}

async function openStory(name, address) {
  try {
    const story = await api.get(`workbench/stories/${encodeURIComponent(name)}`);
    forgetOpened();
    open(story.request, story);
    markStory(name);
    if (address) history[address]({}, "", `?story=${encodeURIComponent(name)}${location.hash}`);
  } catch (fault) {
    if (!(fault instanceof api.Refused)) throw fault;
    showProblem("This scenario cannot be opened", fault.issues);
  }
}

const named = () => new URLSearchParams(location.search).get("story");

function openFetched(value) {
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
  byId("send").addEventListener("click", send);
  byId("reset").addEventListener("click", () => setText(request.opened, "reset"));
  byId("print").addEventListener("click", () => print());
  addEventListener("popstate", () => named() && named() !== request.story?.name && openStory(named()));
  const [listed, vocabulary] = await Promise.all([api.get("workbench/stories"), api.get("workbench/vocabulary")]);
  stories = listed.stories;
  startForm(vocabulary);
  bases = vocabulary.fhirServers;
  startViews();
  startStories(stories, (name) => openStory(name, "pushState"));
  await openStory(named() ?? (stories.find((one) => one.name === FIRST) ?? stories[0]).name, named() ? null : "replaceState");
}

start().catch((fault) => {
  if (!(fault instanceof api.Refused)) throw fault;
  showProblem("The workbench cannot start", fault.issues);
});
