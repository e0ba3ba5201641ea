// The list of scenarios: filter, open by click or by address.

import { byId, el, sign, WORDS } from "./dom.js";

const HOOKS = { "patient-view": "A chart is opened", "order-select": "An order is chosen", "order-sign": "An order is signed" };

/** Draw the list; `choose(name)` opens one. */
export function startStories(stories, choose) {
  const list = byId("story-list");
  const groups = Object.entries(Object.groupBy ? Object.groupBy(stories, (one) => one.hook) : grouped(stories));
  list.replaceChildren(...groups.map(([hook, held]) => el("section", { "data-hook": hook },
    el("h3", {}, HOOKS[hook] ?? hook, " ", el("small", {}, hook)), el("ul", {}, held.map(entry)))));
  list.addEventListener("click", (event) => {
    const chosen = event.target.closest("a[data-story]");
    if (!chosen || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    byId("stories").classList.remove("open");
    byId("stories-toggle").setAttribute("aria-expanded", "false");
    choose(chosen.dataset.story);
  });
  byId("filter").addEventListener("input", filter);
  byId("stories-toggle").addEventListener("click", toggle);
  filter();
}

function grouped(stories) {
  const groups = {};
  for (const one of stories) (groups[one.hook] ??= []).push(one);
  return groups;
}

function entry({ name, title, shows, indicators }) {
  const signs = indicators.length ? indicators : ["none"];
  return el("li", {}, el("a", { href: `?story=${encodeURIComponent(name)}`, "data-story": name },
    el("span", { class: "signs" }, signs.map(sign), el("span", { class: "away" }, signs.map((one) => `${WORDS[one]}: `))),
    el("span", {}, el("span", { class: "title" }, title), el("span", { class: "shows" }, shows))));
}

function filter() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const section of byId("story-list").querySelectorAll("section")) {
    let here = 0;
    for (const item of section.querySelectorAll("li")) {
      const text = `${item.textContent} ${item.querySelector("a").dataset.story} ${section.dataset.hook}`.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      here += !item.hidden;
    }
    section.hidden = !here;
    left += here;
  }
  byId("filtered").textContent = words.length ? `${left} of ${byId("story-list").querySelectorAll("li").length}` : "";
}

function toggle() {
  const open = byId("stories").classList.toggle("open");
  byId("stories-toggle").setAttribute("aria-expanded", String(open));
  if (open) byId("filter").focus();
}

/** Mark the scenario that is open. */
export function markStory(name) {
  for (const one of byId("story-list").querySelectorAll("a[data-story]")) {
    if (one.dataset.story === name) {
      one.setAttribute("aria-current", "true");
      inSight(one);
    } else one.removeAttribute("aria-current");
  }
}

// Only the list scrolls: scrollIntoView would move the page too.
function inSight(one) {
  const list = byId("story-list");
  const [frame, here] = [list.getBoundingClientRect(), one.getBoundingClientRect()];
  if (here.top < frame.top || here.bottom > frame.bottom) list.scrollTop += here.top - frame.top - frame.height / 3;
}
