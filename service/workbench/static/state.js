// The one truth: the text of the request. Form and editor are two views of it.

import { parse, places, write } from "./json.js";

const listeners = [];

export const request = {
  text: "", // as it is sent
  value: null, // what it says; the last one that could be read while the text has a fault
  fault: null, // {line, column, problem} of the syntax
  lines: new Map(), // JSON path -> line
  story: null, // the scenario that it began as: {name, title, shows, service}
  opened: "", // its text when it was opened
};

/** What stands in a field of the form and not in the request, because it cannot be read: field -> what is wrong. */
export const unread = new Map();

/** Whether the request says all that was typed. */
export const isReadable = () => !request.fault && !unread.size;

/** Call `listener(from)` after each change; `from` names the view that made it. */
export const onChange = (listener) => listeners.push(listener);

function tell(text, from) {
  const found = places(text);
  Object.assign(request, { text, fault: found.fault, lines: found.lines });
  if (from !== "form") unread.clear(); // the form is drawn anew
  if (!found.fault && from !== "form") request.value = parse(text);
  for (const listener of listeners) listener(from);
}

/** A new text, from the editor or from outside. */
export const setText = (text, from) => tell(text, from);

/** A request takes the place of the one before. */
export function open(value, story) {
  request.story = story;
  request.opened = write(value);
  tell(request.opened, "open");
}

/** Change the value in place, as the form does: `change(value)`. Its resources stay the same objects. */
export function mutate(change) {
  change(request.value);
  tell(write(request.value), "form");
}

/** Something typed into the form cannot be read, or (null) it can be again: the request stays as it is. */
export function setUnread(field, words) {
  if (words) unread.set(field, words);
  else if (!unread.delete(field)) return;
  for (const listener of listeners) listener("form");
}

/** Whether the request is no longer what was opened. */
export const isEdited = () => request.text !== request.opened;
