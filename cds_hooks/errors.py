"""Everything that can go wrong here, as one tree; each class knows its HTTP status.

    CdsHooksError                  500
    |-- InvalidCard                500  we were about to send what the specification forbids
    |-- InvalidService             500  a service is declared wrongly; raised when it is built
    `-- Refusal                         the caller can do something about it
        |-- InvalidRequest         400
        |-- Unauthorized           401  never says why, not even to an honest caller
        |-- UnknownService         404
        |-- MethodNotAllowed       405
        |-- PreconditionFailed     412  required prefetch is lacking and cannot be fetched
        |-- TooLarge               413
        |-- UnsupportedMediaType   415
        `-- Unavailable            503

In: what is wrong, where and what to do about it. Out: an exception, and a FHIR OperationOutcome (R4) of it.
A message names a place and a remedy; it never holds what the caller sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: where (JSON path, "$" for the whole body, "" for none), what, and what to do."""

    path: str
    problem: str
    hint: str = ""
    code: str = ""  # FHIR IssueType; "": the one of the exception's class

    def __str__(self) -> str:
        text = f"{self.path} {self.problem}".strip()
        return f"{text}: {self.hint}" if self.hint else text


class CdsHooksError(Exception):
    """One or more faults, said at once: `Error(issue, ...)` or `Error(path=..., problem=..., hint=...)`."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"

    def __init__(self, *issues: Issue, path: str = "", problem: str = "", hint: str = "", code: str = "") -> None:
        named = (Issue(path, problem, hint, code),) if problem else ()
        self.issues: tuple[Issue, ...] = issues + named
        if not self.issues:
            raise ValueError("an error names at least one issue")
        super().__init__("; ".join(str(issue) for issue in self.issues))


class InvalidCard(CdsHooksError):
    """What was about to be sent breaks the specification."""


class InvalidService(CdsHooksError):
    """A service is declared in a way that clients cannot use."""


class Refusal(CdsHooksError):
    """The request cannot be answered as it is."""

    status = 400
    code = "invalid"


class InvalidRequest(Refusal):
    """The request is not what the specification says: 400."""


class Unauthorized(Refusal):
    """The caller is not known or not allowed: 401. The issues are for the log alone."""

    status = 401
    code = "login"


class UnknownService(Refusal):
    """No service has this id: 404."""

    status = 404
    code = "not-found"


class MethodNotAllowed(Refusal):
    """The address exists, the method does not: 405."""

    status = 405
    code = "not-supported"


class PreconditionFailed(Refusal):
    """Data without which there is no answer is absent: 412."""

    status = 412
    code = "required"


class TooLarge(Refusal):
    """The body is longer than the service reads: 413."""

    status = 413
    code = "too-long"


class UnsupportedMediaType(Refusal):
    """The body is not JSON in UTF-8, or is compressed: 415."""

    status = 415
    code = "not-supported"


class Unavailable(Refusal):
    """Something that the service itself needs is down: 503."""

    status = 503
    code = "transient"


def operation_outcome(error: CdsHooksError) -> dict[str, Any] | None:
    """The FHIR OperationOutcome with one issue per fault; None for a 401, whose answer has no body."""
    if isinstance(error, Unauthorized):
        return None
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue, error.code) for issue in error.issues]}


def _issue(issue: Issue, code: str) -> dict[str, Any]:
    shown = {"severity": "error", "code": issue.code or code, "diagnostics": str(issue)}
    return {**shown, "expression": [issue.path]} if issue.path else shown
