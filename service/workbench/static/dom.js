// Elements from data. Text stays text: nothing here reads HTML but `fragment`, for what the server made of escaped text.

const SVG = "http://www.w3.org/2000/svg";

// An octagon, a triangle, a circle: told apart without colour.
const SHAPES = {
  critical: "M5 1h6l4 4v6l-4 4H5l-4-4V5z",
  warning: "M8 1.2 15.4 14.6H.6z",
  info: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1z",
  none: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1z",
};
const MARKS = {
  critical: "M7.2 4h1.6v5H7.2zM7.2 10.4h1.6V12H7.2z",
  warning: "M7.2 5.8h1.6v4H7.2zM7.2 11h1.6v1.6H7.2z",
  info: "M7.2 4h1.6v1.6H7.2zM7.2 7h1.6v5H7.2z",
  none: "M4.6 7.2h6.8v1.6H4.6z",
};
export const WORDS = { critical: "Critical", warning: "Warning", info: "Information", none: "No card" };

/** The element under this id. */
export const byId = (id) => document.getElementById(id);

/** An element; attributes that begin with `on` are listeners, false and null leave one out. */
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "value") made.value = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(3).filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

function path(className, d) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("class", className);
  made.setAttribute("d", d);
  return made;
}

/** The sign of an indicator; a word always stands beside it. */
export function sign(indicator) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `sign ${indicator}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(path("shape", SHAPES[indicator] ?? SHAPES.none), path("mark", MARKS[indicator] ?? MARKS.none));
  return svg;
}

/** Sign and word of an indicator. */
export function level(indicator) {
  return el("span", { class: `level ${indicator}` }, sign(indicator), WORDS[indicator] ?? indicator);
}

/** The address when a browser may go there: http or https; else null. */
export function webAddress(url) {
  try {
    const read = new URL(url);
    return read.protocol === "http:" || read.protocol === "https:" ? read.href : null;
  } catch {
    return null;
  }
}

/** A link to the web in a tab of its own; the bare text when the address leads elsewhere. */
export function link(url, ...children) {
  const address = webAddress(url);
  if (!address) return el("span", {}, ...children);
  return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

/** A button that copies what `text()` gives, and says so. */
export function copyButton(label, text) {
  const button = el("button", { type: "button", class: "small" }, label);
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text())) ? "Copied" : "Copying is not allowed here";
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedByHand(text);
  }
}

// Where the clipboard is closed to pages: without https, on another name than localhost.
function copiedByHand(text) {
  const held = el("textarea", { class: "away", readonly: true, value: text });
  document.body.append(held);
  held.select();
  const done = document.execCommand("copy");
  held.remove();
  return done;
}

/** HTML that the server made of escaped text. Scripts in it would not run: innerHTML and the policy both forbid it. */
export function fragment(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
}

// A details by its summary, and those around it.
function name(details) {
  const around = details.parentElement?.closest("details, [id]");
  const outer = around?.tagName === "DETAILS" ? name(around) : (around?.id ?? "");
  return `${outer}/${details.querySelector("summary")?.textContent.trim() ?? ""}`;
}

/** Fill a region anew; what its reader opened or closed stays so. */
export function refill(region, ...children) {
  const was = new Map([...region.querySelectorAll("details")].map((one) => [name(one), one.open]));
  region.replaceChildren(...children.flat(3).filter(Boolean));
  for (const one of region.querySelectorAll("details")) if (was.has(name(one))) one.open = was.get(name(one));
}
