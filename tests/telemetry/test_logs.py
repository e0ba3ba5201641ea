"""Log lines: their form, the keys that are allowed, what of other libraries is withheld."""

from __future__ import annotations

import io
import json
import logging
import sys
from contextvars import copy_context
from typing import Any

import pytest

from service import telemetry
from service.telemetry import logs

lines: list[str] = []


def line(form: logs.Form = "json", logger: str = "service", message: str = "said", **extra: Any) -> str:
    """One record as the formatter writes it."""
    record = logging.getLogger(logger).makeRecord(logger, logging.WARNING, __file__, 1, message, (), None, extra=extra)
    return logs.formatter(form, io.StringIO()).format(record)


def test_a_line_is_json_with_the_keys_that_were_given() -> None:
    said = json.loads(line(message="a call", request_id="r", status=200, ms=1.5))
    assert said.pop("timestamp").endswith("Z")
    assert said == {"level": "warning", "event": "a call", "request_id": "r", "status": 200, "ms": 1.5}


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("key", ["patient", "value", "token", "fhir_server", "exc_info_text", "user"])
def test_a_key_that_is_not_allowed_is_dropped(form: logs.Form, key: str) -> None:
    assert "canary7731" not in line(form, **{key: "canary7731"})


def test_an_exception_brings_neither_its_text_nor_its_trace() -> None:
    try:
        raise ValueError("canary7731")
    except ValueError:
        fault = sys.exc_info()
    record = logging.getLogger("service").makeRecord("service", logging.ERROR, __file__, 1, "crash", (), fault)
    for form in ("json", "text"):
        assert "canary7731" not in logs.formatter(form, io.StringIO()).format(record)


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_message_of_another_library_is_withheld(form: logs.Form) -> None:
    said = line(form, "urllib3.connectionpool", "GET https://ehr.example/Patient/canary7731")
    assert "canary7731" not in said and "ehr.example" not in said
    assert logs.WITHHELD in said and "urllib3.connectionpool" in said


def test_what_the_server_says_of_its_workers_is_kept() -> None:
    assert "Unexpected exit from worker-1" in line(logger="_granian", message="Unexpected exit from worker-1")


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_record_breaks_a_line(form: logs.Form) -> None:
    said = line(form, message="a\nb\r\x1b[31m")
    assert len(said.splitlines()) == 1 and "\x1b" not in said


def test_a_line_carries_the_id_of_the_request_in_hand() -> None:
    given = "0123456789abcdef0123456789ABCDEF"
    copy_context().run(lambda: (telemetry.begin(given, ""), lines.append(line())))
    assert json.loads(lines.pop())["request_id"] == given.lower()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_form_is_that_of_the_setting_else_text_on_a_terminal_alone() -> None:
    assert logs.form_of("", io.StringIO()) == "json" and logs.form_of("", Terminal()) == "text"
    assert logs.form_of("json", Terminal()) == "json" and logs.form_of("text", io.StringIO()) == "text"


def test_text_is_for_people() -> None:
    said = line("text", message="call", service="neutropenia-review", ms=2.5)
    assert "call" in said and "service=neutropenia-review" in said and "ms=2.5" in said and "{" not in said
