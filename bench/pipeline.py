"""From the bytes of a call to the bytes of its answer, stage by stage, as service.hooks and service.app go.

In: a Ground and the instant of judgement. Out: what each stage gives, so that each can be measured by itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from bench.requests import AS_OF, PATIENT
from cds_hooks import prefetch
from cds_hooks import request as hook_request
from cds_hooks.cards import response
from service import hooks
from service.cards import cards
from service.clinical.assess import assess
from service.ground import Ground, prepare
from service.settings import Settings
from service.web.parts import encode

__all__ = ["STAGES", "Pipeline"]

STAGES = ("decode", "prefetch", "read", "assess", "cards", "encode")


class Pipeline:
    """What answers `neutropenia-review`, in this process and without HTTP."""

    def __init__(self, ground: Ground | None = None, as_of: datetime = AS_OF) -> None:
        self.ground = ground or prepare(Settings())
        self.as_of = as_of
        self.service, self.hook = next(iter(hooks.offered(self.ground).values()))

    def answer(self, body: bytes) -> bytes:
        """The answer as the service gives it."""
        asked = hook_request.parse(body, self.service)
        return encode(response(hooks.answer(asked, self.service, self.hook, self.ground, self.as_of).cards))

    def reference(self, body: bytes) -> Any:
        """What costs are compared with: a fast parser that understands nothing."""
        return orjson.loads(body)

    def stage(self, name: str, given: Any) -> Any:
        """One stage of `answer`, from what the stage before it gave."""
        match name:
            case "decode":
                return hook_request.parse(given, self.service)
            case "prefetch":
                fetched = prefetch.read(given, self.service)
                prefetch.require(fetched, self.service.required)
                return [resource for one in fetched.values() for resource in one.resources]
            case "read":
                return self.ground.reader.read(given, PATIENT, self.as_of.date())
            case "assess":
                return assess(given, self.ground.knowledge, self.as_of)
            case "cards":
                return cards(given, self.ground.knowledge)
            case "encode":
                return encode(response(given))
        raise AssertionError(f"no stage is called {name}")
