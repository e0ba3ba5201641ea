// What the form shows and changes, in the request's own JSON: CDS Hooks `context` and `prefetch`, FHIR R4 resources.

import { numeral, spelled } from "./json.js";

const LOINC = "http://loinc.org";
const UCUM = "http://unitsofmeasure.org";
const CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category";
const CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical";

const list = (value) => (Array.isArray(value) ? value : []);
// The first that is a text and says something: a request may hold anything.
const said = (...all) => all.find((one) => typeof one === "string" && one.trim());

/** Each resource of the prefetch with its key, in the order of the request. */
export function resources(request) {
  return Object.entries(request.prefetch ?? {}).flatMap(([key, value]) => held(value).map((resource) => ({ key, resource })));
}

function held(value) {
  if (value?.resourceType !== "Bundle") return value && value.resourceType !== "OperationOutcome" ? [value] : [];
  return list(value.entry).map((entry) => entry?.resource).filter((one) => one && typeof one === "object");
}

export const ofType = (request, ...types) => resources(request).filter(({ resource }) => types.includes(resource.resourceType));

/** The Patient of the request, if it has one. */
export const patientOf = (request) => ofType(request, "Patient")[0]?.resource;

/** The Patient of the request; made when there is none. */
export function withPatient(request) {
  const found = patientOf(request);
  if (found) return found;
  request.prefetch ??= {};
  return (request.prefetch.patient = { resourceType: "Patient", id: patientId(request) });
}

export const patientId = (request) => request.context?.patientId ?? "patient";

/** The drafts that an order hook asks about. */
export const drafts = (request) => held(request.context?.draftOrders);

/** Put a resource under a key; a key that is null or missing becomes a Bundle. */
export function add(request, key, resource) {
  request.prefetch ??= {};
  const there = held(request.prefetch[key]);
  if (request.prefetch[key]?.resourceType !== "Bundle")
    request.prefetch[key] = { resourceType: "Bundle", type: "searchset", total: 0, entry: there.map((one) => ({ resource: one })) };
  const bundle = request.prefetch[key];
  (bundle.entry ??= []).push({ resource });
  count(bundle);
}

/** Take a resource out again. */
export function remove(request, key, resource) {
  const bundle = request.prefetch[key];
  if (bundle === resource) request.prefetch[key] = null;
  else {
    bundle.entry = bundle.entry.filter((entry) => entry?.resource !== resource);
    if (!bundle.entry.length) delete bundle.entry;
    count(bundle);
  }
}

function count(bundle) {
  if ("total" in bundle) bundle.total = bundle.entry?.length ?? 0;
}

const OLDEST = 130; // years

const day = (date) => date.toISOString().slice(0, 10);

/** Age at a day: {number, unit}: days below two months, months below two years, then years. */
export function age(born, today) {
  if (!/^\d{4}-\d\d-\d\d$/.test(born ?? "")) return { number: "", unit: "years" };
  const [from, to] = [new Date(born), new Date(today)];
  const months = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth() - (to.getUTCDate() < from.getUTCDate());
  if (months < 2) return { number: Math.round((to - from) / 86400000), unit: "days" };
  return months < 24 ? { number: months, unit: "months" } : { number: Math.floor(months / 12), unit: "years" };
}

/** Why nobody was born on a day; nothing when somebody may have been. */
export function notBorn(born, today) {
  if (born > today) return "The date of birth lies in the future.";
  return born < birthDate(OLDEST, "years", today) ? `More than ${OLDEST} years is no age.` : "";
}

/** The birth date of who has this age today. */
export function birthDate(number, unit, today) {
  const date = new Date(today);
  if (unit === "days") date.setUTCDate(date.getUTCDate() - number);
  else {
    const first = date.getUTCDate();
    date.setUTCMonth(date.getUTCMonth() - number * (unit === "months" ? 1 : 12));
    if (date.getUTCDate() !== first) date.setUTCDate(0); // 31 March less a month is the end of February
  }
  return day(date);
}

const codings = (concept) => list(concept?.coding).filter((one) => one && typeof one === "object");
const isSame = (one, { system, code }) => one.system === system && one.code === code;
const isCoded = (concept, coding) => codings(concept).some((one) => isSame(one, coding));

/** What a resource is called. */
export function nameOf(resource) {
  const concept = resource.code ?? resource.medicationCodeableConcept ?? resource.vaccineCode ?? resource.type?.[0];
  const { display, code } = codings(concept)[0] ?? {};
  return said(concept?.text, display, resource.medicationReference?.display, code, resource.resourceType) ?? "unnamed";
}

// Its usual coding, then those of units that have one of their own: moles, not mass.
const codingsOf = (line) => [line.coding, ...line.units.map((one) => one.coding).filter(Boolean)];

/** The line of the vocabulary that an Observation is of. */
export const known = ({ code }, { results }) =>
  results.find((one) => isCoded(code, one.coding)) ?? results.find((one) => codingsOf(one).some((coding) => isCoded(code, coding)));

/** Value of an Observation as it is shown: {kind: number|word|text|other, text, unit}. */
export function valueOf(observation) {
  const { valueQuantity: quantity, valueCodeableConcept: concept } = observation;
  if (quantity) return { kind: "number", text: (quantity.comparator ?? "") + spelled(quantity.value), unit: quantity.code ?? quantity.unit ?? "" };
  if (concept) return { kind: "word", text: said(concept.text, codings(concept)[0]?.display) ?? "", code: codings(concept)[0]?.code ?? "" };
  if (typeof observation.valueDateTime === "string") return { kind: "date", text: observation.valueDateTime.slice(0, 10) };
  if (typeof observation.valueString === "string") return { kind: "text", text: observation.valueString };
  const other = Object.keys(observation).find((key) => key.startsWith("value") || key === "component");
  return other ? { kind: "other", text: other } : { kind: "number", text: "", unit: "" };
}

/** Set the number of a Quantity from what was typed; false when it is none, or could be two: 1,500. Nothing typed: no value. */
export function setNumber(observation, typed) {
  const [, comparator, digits] = /^\s*(<=|>=|<|>)?\s*(.*?)\s*$/.exec(typed);
  const value = numeral(digits.replace(",", ".").replace(/^\./, "0."));
  if (digits && (value === null || /,\d{3}$/.test(digits))) return false;
  const quantity = (observation.valueQuantity ??= { system: UCUM });
  delete observation.dataAbsentReason;
  if (!digits) delete quantity.value;
  else quantity.value = value;
  if (comparator && digits) quantity.comparator = comparator;
  else delete quantity.comparator;
  return true;
}

/** Another unit for the same number, and the code that goes with it. The laboratory's own range was in the old one, and goes. */
export function setUnit(observation, { unit, code, coding }, line) {
  const replaced = line ? codings(observation.code).find((one) => codingsOf(line).some((of) => isSame(one, of))) : null;
  if (replaced) Object.assign(replaced, coding ?? line.coding);
  const quantity = (observation.valueQuantity ??= {});
  if (code) Object.assign(quantity, { unit, system: UCUM, code });
  else for (const key of ["unit", "system", "code"]) delete quantity[key];
  delete observation.referenceRange;
}

export function setWord(observation, coding) {
  observation.valueCodeableConcept = { coding: [coding] };
}

/** An Observation of today without a value yet. */
export function observation(line, today, request) {
  return {
    resourceType: "Observation",
    id: freshId(request, line.analyte),
    status: "final",
    category: [{ coding: [{ system: CATEGORY, code: line.category ?? "laboratory" }] }],
    code: { coding: [{ ...line.coding, system: line.coding.system ?? LOINC }] },
    subject: { reference: `Patient/${patientId(request)}` },
    effectiveDateTime: today,
    ...blank(line, today),
  };
}

function blank({ kind, units, answers }, today) {
  if (kind === "date") return { valueDateTime: today };
  if (kind === "presence") return { valueCodeableConcept: { coding: [Object.values(answers)[0]] } };
  return { valueQuantity: units[0] ? { unit: units[0].unit, system: UCUM, code: units[0].code } : {} };
}

export function condition(line, today, request) {
  return {
    resourceType: "Condition",
    id: freshId(request, line.concept),
    clinicalStatus: { coding: [{ system: CLINICAL, code: "active" }] },
    code: { coding: [line.coding], text: line.name },
    subject: { reference: `Patient/${patientId(request)}` },
    recordedDate: today,
  };
}

export function medication(line, today, request) {
  return {
    resourceType: "MedicationStatement",
    id: freshId(request, line.concept),
    status: "active",
    medicationCodeableConcept: { coding: [line.coding], text: line.name },
    subject: { reference: `Patient/${patientId(request)}` },
    effectivePeriod: { start: today },
  };
}

function freshId(request, wanted) {
  const taken = new Set(resources(request).map(({ resource }) => resource.id));
  let id = wanted;
  for (let number = 2; taken.has(id); number++) id = `${wanted}-${number}`;
  return id;
}

const DATED = ["effectiveDateTime", "onsetDateTime", "recordedDate", "authoredOn", "performedDateTime"];

/** The day that a resource is of, and the member that says so. */
export function dayOf(resource) {
  const member = DATED.find((one) => typeof resource[one] === "string");
  const start = resource.effectivePeriod?.start ?? resource.performedPeriod?.start ?? resource.period?.start;
  return { member, day: (said(resource[member], start) ?? "").slice(0, 10) };
}

/** Another day, at the same time of day. */
export function setDay(resource, member, chosen) {
  const period = resource.effectivePeriod ?? resource.performedPeriod ?? resource.period;
  if (!member && chosen) period.start = chosen + (period.start ?? "").slice(10);
  else if (!member) delete period.start;
  else if (chosen) resource[member] = chosen + (resource[member] ?? "").slice(10);
  else delete resource[member];
}
