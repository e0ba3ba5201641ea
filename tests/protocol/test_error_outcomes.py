"""Errors: one tree, each class with its status, and the OperationOutcome of it (section 2.7, line 44)."""

from __future__ import annotations

import pytest

from cds_hooks import errors
from cds_hooks.errors import CdsHooksError, InvalidRequest, Issue, PreconditionFailed, Unauthorized, operation_outcome

# FHIR R4 CodeSystem issue-type, as far as it is used here.
ISSUE_TYPES = {
    "invalid", "structure", "required", "value", "login", "not-found", "not-supported", "incomplete", "too-long",
    "transient", "exception",
}  # fmt: skip
STATUSES = {
    "CdsHooksError": 500,
    "InvalidCard": 500,
    "InvalidService": 500,
    "Refusal": 400,
    "InvalidRequest": 400,
    "Unauthorized": 401,
    "UnknownService": 404,
    "MethodNotAllowed": 405,
    "PreconditionFailed": 412,
    "TooLarge": 413,
    "UnsupportedMediaType": 415,
    "Unavailable": 503,
}


@pytest.mark.parametrize("name", STATUSES)
def test_44_each_error_knows_its_status_and_a_code_of_fhir(name) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, CdsHooksError)
    assert kind.status == STATUSES[name]
    assert kind.code in ISSUE_TYPES


def test_44_every_class_of_the_tree_is_in_the_table_and_in_the_drawing() -> None:
    classes = {
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, CdsHooksError)
    }
    assert classes == set(STATUSES)
    assert all(name in (errors.__doc__ or "") for name in classes)


def test_30_44_an_outcome_has_one_issue_per_fault() -> None:
    error = InvalidRequest(
        Issue("context.patientId", "is missing", "patient-view requires it", "required"), Issue("", "is odd")
    )
    assert operation_outcome(error) == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "required",
                "diagnostics": "context.patientId is missing: patient-view requires it",
                "expression": ["context.patientId"],
            },
            {"severity": "error", "code": "invalid", "diagnostics": "is odd"},
        ],
    }


def test_an_error_of_one_fault_is_said_by_name() -> None:
    error = PreconditionFailed(path="prefetch.a", problem="is missing", hint="send it")
    assert str(error) == "prefetch.a is missing: send it"
    assert error.issues == (Issue("prefetch.a", "is missing", "send it"),)


def test_44_the_answer_to_an_unknown_caller_has_no_body() -> None:
    assert operation_outcome(Unauthorized(problem="the signature does not fit")) is None


def test_an_error_without_a_fault_cannot_be_raised() -> None:
    with pytest.raises(ValueError, match="at least one"):
        InvalidRequest()
