// The form: a view of the request that a clinician can change. Each change goes into the JSON at once.

import { byId, el } from "./dom.js";
import * as patient from "./patient.js";
import { mutate, onChange, request, setUnread, unread } from "./state.js";

const GROUPS = { count: "Blood count", nutrients: "Nutrients", markers: "Markers", persistent: "Antibodies, genes", vitals: "Vital signs" };
let vocabulary;
let serial = 0;

const change = mutate;
const freshId = () => `field-${++serial}`;

/** Begin. `loaded`: what can be added by name, with its codes and units, and which day it is at the service. */
export function startForm(loaded) {
  vocabulary = loaded;
  byId("form").dataset.today = loaded.today;
  onChange((from) => (from === "form" ? undefined : draw()));
}

function draw() {
  const form = byId("form");
  let words = request.fault ? "The JSON has a fault: mend it there, then the form is back." : "";
  try {
    const { value } = request;
    if (!words && (Object(value) !== value || Array.isArray(value) || typeof (value.prefetch ?? {}) !== "object")) throw value;
    if (!words) form.replaceChildren(person(), ...resultGroups(), ...lists(), ...others());
  } catch { // whatever is odd in it: no field of the request before may stay
    form.replaceChildren();
    words = "This request cannot be shown as a form: change it as JSON.";
  }
  byId("form-fault").textContent = words;
  byId("form-fault").hidden = !words;
  form.disabled = Boolean(words);
}

function redraw(focus) {
  for (const field of unread.keys()) setUnread(field, null); // the fields are made anew
  draw();
  focus?.()?.focus();
}

// Say at a field what is wrong with what stands there; "" when nothing is. What was typed is not in the request.
function judgeTyped(field, words, isTyped = true) {
  field.setAttribute("aria-invalid", String(Boolean(words)));
  const place = field.closest(".row, .field");
  const told = place.querySelector(".wrong");
  if (told?.textContent !== words) {
    told?.remove();
    if (words) place.append(el("p", { class: "wrong", id: `${field.id}-wrong`, role: "alert" }, words));
  }
  if (words) field.setAttribute("aria-describedby", `${field.id}-wrong`);
  else field.removeAttribute("aria-describedby");
  setUnread(field, isTyped && words);
}

// --- the person -------------------------------------------------------------------------------------------------------

function person() {
  const found = patient.patientOf(request.value) ?? {};
  const { number, unit } = patient.age(found.birthDate, vocabulary.today);
  const units = ["years", "months", "days"].map((one) => el("option", { value: one, selected: one === unit }, one));
  const amount = el("input", { id: "age", inputmode: "numeric", autocomplete: "off", value: number, size: 3 });
  const chosen = el("select", { id: "age-unit", "aria-label": "Unit of the age" }, units);
  const born = el("input", { id: "born", type: "date", value: found.birthDate ?? "", max: vocabulary.today });
  const take = (field, day, none) => {
    const wrong = day ? patient.notBorn(day, vocabulary.today) : none;
    for (const one of [amount, born]) judgeTyped(one, one === field ? wrong : "");
    if (!wrong) setBorn(day);
    return !wrong;
  };
  const aged = () => {
    const typed = amount.value.trim();
    const day = /^\d{1,5}$/.test(typed) && patient.birthDate(Number(typed), chosen.value, vocabulary.today);
    if (take(amount, day, "Age: give a whole number.")) born.value = day;
  };
  amount.addEventListener("input", aged);
  chosen.addEventListener("change", () => amount.value && aged());
  born.addEventListener("input", () => {
    const again = patient.age(born.value, vocabulary.today);
    if (take(born, born.value, "Born: give a whole date.")) [amount.value, chosen.value] = [again.number, again.unit];
  });
  const made = el("fieldset", { class: "person" }, el("legend", {}, "Patient"),
    el("div", { class: "field" }, el("label", { for: "age" }, "Age"), el("span", { class: "pair" }, amount, chosen)),
    el("div", { class: "field" }, el("label", { for: "born" }, "Born"), born), sex(found));
  if (born.value) judgeTyped(born, patient.notBorn(born.value, vocabulary.today), false);
  return made;
}

function setBorn(day) {
  change((value) => (patient.withPatient(value).birthDate = day));
}

function sex(found) {
  const words = { "": "not recorded", female: "female", male: "male", other: "other", unknown: "unknown" };
  const chosen = el("select", { id: "sex", onchange: () => change((value) => {
    const whom = patient.withPatient(value);
    if (chosen.value) whom.gender = chosen.value;
    else delete whom.gender;
  }) }, Object.entries(words).map(([value, word]) => el("option", { value, selected: value === (found.gender ?? "") }, word)));
  return el("div", { class: "field" }, el("label", { for: "sex" }, "Sex"), chosen);
}

// --- results ----------------------------------------------------------------------------------------------------------

function resultGroups() {
  const rows = patient.ofType(request.value, "Observation");
  const keys = [...new Set([...Object.keys(GROUPS), ...rows.map((one) => one.key)])];
  const groups = keys.map((key) => {
    const here = rows.filter((one) => one.key === key);
    if (!here.length) return null;
    return el("fieldset", { class: "group" }, el("legend", {}, GROUPS[key] ?? key), here.map(resultRow));
  });
  return [...groups.filter(Boolean), adder("result", "Add a result", vocabulary.results, (line) => {
    const made = patient.observation(line, vocabulary.today, request.value);
    change((value) => patient.add(value, line.prefetch, made));
    redraw(() => rowOf(made));
  })];
}

const capital = (name) => name[0].toUpperCase() + name.slice(1);

const rowOf = (resource) => byId("form").querySelector(`[data-of="${CSS.escape(`${resource.resourceType}/${resource.id}`)}"] .amount, [data-of="${CSS.escape(`${resource.resourceType}/${resource.id}`)}"] select`);

function resultRow({ key, resource }) {
  const line = patient.known(resource, vocabulary);
  const name = capital(line?.name ?? patient.nameOf(resource));
  const id = freshId();
  const stands = patient.valueOf(resource);
  const inputs = { number: numberInputs, word: wordInputs, date: dateInput, text: textInput, other: otherValue }[stands.kind](resource, stands, id, name, line);
  return el("div", { class: "row", "data-of": `${resource.resourceType}/${resource.id}`, "data-analyte": line?.analyte },
    el("label", { for: id, class: "name" }, name), inputs, dayInput(resource, name), remover(key, resource, name));
}

function numberInputs(resource, stands, id, name, line) {
  const amount = el("input", { id, class: "amount", inputmode: "decimal", autocomplete: "off", value: stands.text, size: 6, oninput: () => {
    const trial = trialOf(resource);
    const valid = patient.setNumber(trial, amount.value);
    judgeTyped(amount, valid ? "" : `${name}: "${amount.value.trim()}" is not a number. Write it like 0.8 or <0.5.`);
    if (valid) change(() => patient.setNumber(resource, amount.value));
  } });
  return [amount, unitPicker(resource, stands, name, line)];
}

// A copy to try a change on; numbers keep their spelling, which structuredClone would refuse.
const trialOf = (resource) => ({ ...resource, valueQuantity: { ...resource.valueQuantity } });

function unitPicker(resource, stands, name, line) {
  const units = [...(line?.units ?? [])];
  if (!units.some((one) => one.code === stands.unit)) units.unshift({ unit: stands.unit || "no unit", code: stands.unit });
  const options = units.map((one, n) => el("option", { value: n, selected: one.code === stands.unit }, one.unit));
  const chosen = el("select", { class: "unit", "aria-label": `Unit of ${name}`, onchange: () =>
    change(() => patient.setUnit(resource, units[chosen.value], line)) }, options);
  return chosen;
}

function wordInputs(resource, stands, id, name, line) {
  const words = Object.values(line?.answers ?? {});
  if (!words.some((one) => one.code === stands.code)) words.unshift({ ...resource.valueCodeableConcept.coding?.[0], display: stands.text });
  const chosen = el("select", { id, class: "worded", onchange: () => change(() => patient.setWord(resource, words[chosen.value])) },
    words.map((one, n) => el("option", { value: n, selected: one.code === stands.code }, one.display)));
  return chosen;
}

function textInput(resource, stands, id) {
  const typed = el("input", { id, class: "worded", autocomplete: "off", value: stands.text, oninput: () =>
    change(() => (resource.valueString = typed.value)) });
  return typed;
}

function dateInput(resource, stands, id) {
  const chosen = el("input", { id, type: "date", class: "worded", value: stands.text, onchange: () =>
    change(() => (resource.valueDateTime = chosen.value)) });
  return chosen;
}

const otherValue = (resource, stands, id) => el("output", { id, class: "worded" }, `${stands.text}: see JSON`);

function dayInput(resource, name) {
  const { member, day } = patient.dayOf(resource);
  if (!member && !day) return el("span", { class: "day" });
  const chosen = el("input", { type: "date", class: "day", value: day, "aria-label": `Day of ${name}`, onchange: () =>
    change(() => patient.setDay(resource, member, chosen.value)) });
  return chosen;
}

function remover(key, resource, name) {
  return el("button", { type: "button", class: "remove", "aria-label": `Remove ${name}`, title: `Remove ${name}`, onclick: (event) => {
    const next = event.target.closest(".row").nextElementSibling?.dataset.of;
    change((value) => patient.remove(value, key, resource));
    redraw(() => byId("form").querySelector(next ? `[data-of="${CSS.escape(next)}"] .remove` : "#add-result"));
  } }, "×");
}

// --- conditions, medications, the rest --------------------------------------------------------------------------------

function lists() {
  return [
    listed("condition", "Conditions", ["Condition"], vocabulary.conditions, "conditions", patient.condition),
    listed("medication", "Medications", ["MedicationRequest", "MedicationStatement", "MedicationAdministration"], vocabulary.medications, "statements", patient.medication),
  ];
}

function listed(what, title, types, lines, key, make) {
  const rows = patient.ofType(request.value, ...types).map(plainRow);
  const more = adder(what, `Add a ${what}`, lines, (line) => {
    const made = make(line, vocabulary.today, request.value);
    change((value) => patient.add(value, key, made));
    redraw(() => byId(`add-${what}`));
  });
  return el("fieldset", { class: "listed" }, el("legend", {}, title), rows.length ? rows : el("p", { class: "soft" }, absent(key)), more);
}

function absent(key) {
  const sent = request.value.prefetch ?? {};
  if (!(key in sent)) return "Not supplied: the card says so.";
  return sent[key]?.resourceType === "OperationOutcome" ? "Could not be read: the card says so." : "None on record.";
}

function plainRow({ key, resource }) {
  const name = capital(patient.nameOf(resource));
  return el("div", { class: "row plain", "data-of": `${resource.resourceType}/${resource.id}` },
    el("span", { class: "name" }, name), dayInput(resource, name), remover(key, resource, name));
}

/** A field with suggestions by name, and a button; a name that is not there is said to be so. */
function adder(what, label, lines, take) {
  const names = `names-${what}`;
  const said = el("span", { class: "said", role: "status" });
  const typed = el("input", { id: `add-${what}`, list: names, autocomplete: "off", placeholder: "name …" });
  const run = () => {
    const wanted = typed.value.trim().toLowerCase();
    const found = lines.find((one) => one.name.toLowerCase() === wanted) ?? (wanted && lines.filter((one) => one.name.toLowerCase().includes(wanted)));
    const line = Array.isArray(found) ? (found.length === 1 ? found[0] : null) : found;
    if (line) take(line);
    else said.textContent = wanted ? "Choose one of the names listed" : "Type a name first";
  };
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    run();
  });
  return el("div", { class: "adder" }, el("label", { for: typed.id }, label), typed,
    el("datalist", { id: names }, lines.map((one) => el("option", { value: one.name }))),
    el("button", { type: "button", class: "small", onclick: run }, "Add"), said);
}

function others() {
  const asked = patient.drafts(request.value);
  const drafted = asked.length && el("fieldset", { class: "listed" }, el("legend", {}, "Being ordered"),
    asked.map((one) => el("p", { class: "draft" }, patient.nameOf(one), " ", el("span", { class: "soft" }, one.dosageInstruction?.[0]?.text ?? ""))));
  const rest = patient.ofType(request.value, "Procedure", "Encounter", "ServiceRequest", "Immunization").map(plainRow);
  const more = rest.length && el("fieldset", { class: "listed" }, el("legend", {}, "Also on record"), rest);
  return [drafted, more].filter(Boolean);
}
