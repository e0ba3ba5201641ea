// Calls to the service, below whatever path the page itself is at.

import { parse } from "./json.js";

export class Refused extends Error {
  /** An answer that is no success, with the issues of its OperationOutcome. */
  constructor(status, issues) {
    super(issues.map((issue) => issue.diagnostics).join("; ") || `HTTP ${status}`);
    this.status = status;
    this.issues = issues;
  }
}

const LIMIT = 10; // seconds until an answer is no longer waited for

async function read(address, { signal, ...options }) {
  const limit = AbortSignal.timeout(LIMIT * 1000);
  let answer, text;
  try {
    answer = await fetch(address, { ...options, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    text = await answer.text();
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    const late = fault.name === "TimeoutError";
    throw refused(0, late ? `The service has not answered within ${LIMIT} seconds` : "The service does not answer: is it still running?");
  }
  if (!answer.ok) throw new Refused(answer.status, issuesOf(text, answer.status));
  try {
    return text ? parse(text) : null;
  } catch {
    throw refused(0, "The service answered with something that is not JSON: does another server answer at this address?");
  }
}

const refused = (status, diagnostics) => new Refused(status, [{ diagnostics }]);

function issuesOf(text, status) {
  try {
    return JSON.parse(text).issue ?? [];
  } catch {
    return [{ diagnostics: `The service answered ${status}` }];
  }
}

/** GET as JSON. */
export const get = (address) => read(address, { headers: { Accept: "application/json" } });

/** POST a JSON text. */
export const post = (address, text, signal) =>
  read(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: text, signal });

/** The judgement of a request: a preview, nothing of it is remembered. */
export const judge = (service, text, signal) => post(`workbench/judge/${encodeURIComponent(service)}`, text, signal);

/** The real call of a CDS service. */
export const call = (service, text) => post(`cds-services/${encodeURIComponent(service)}`, text);

/** Feedback on one card. */
export const feedback = (service, item) =>
  post(`cds-services/${encodeURIComponent(service)}/feedback`, JSON.stringify({ feedback: [item] }));

/** What the service keeps of a card: the link on it, on the origin of this page. */
export function evidence(url) {
  const { pathname, search } = new URL(url);
  return get(pathname + search);
}

/** A fresh UUID, also where crypto.randomUUID is closed to pages (http on another name than localhost). */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
