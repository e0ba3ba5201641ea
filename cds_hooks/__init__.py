"""CDS Hooks 2.0 as it binds a service, for any service: no medicine, no web framework.

    errors     one tree of exceptions, each with its HTTP status; a FHIR OperationOutcome of them
    grammar    ids, references, addresses, JSON without empties
    door       strict JSON: bytes in, decoded values out
    hooks      the hooks of the library and what their context holds
    services   Service (declared once, checked whole), discovery(services)
    context    the context of one call
    request    parse(body, service) -> HookRequest
    prefetch   read(request, service) -> {key: Prefetched}, require(...), resolve(template, tokens)
    parts      Coding, OverrideReason, Source, Link: what cards are made of
    cards      Card, Suggestion, Action, response(cards); the parts too
    markdown   escape_markdown(text)
    feedback   parse(body) -> items

Nothing is imported here: each module is imported by its own name, so that a part costs only what it needs.
"""
