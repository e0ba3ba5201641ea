"""Faults 44 and 45 over a real socket: tokens that let nobody in; the number in an id is the one of the fault.

Lines 70 to 77 of the checklist: who is let in.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from requests_of import call
from tokens import BASE, ISSUER, SERVICE, Signer, b64, claims, unsigned
from wire import Reply, Running

FEEDBACK = f"{SERVICE}/feedback"
Guarded = tuple[Running, list[str]]
Signers = dict[str, Signer]


def posted(guarded: Guarded, authorization: str | None, path: str = SERVICE) -> Reply:
    server, sent = guarded
    if authorization:
        sent.append(authorization.rpartition(" ")[2])
    given = {} if authorization is None else {"Authorization": authorization}
    return server.ask("POST", path, json.dumps(call()).encode(), Content_Type="application/json", **given)


def check_refusal(reply: Reply) -> None:
    """A bare 401: nothing in it says why."""
    assert (reply.status, reply.body) == (401, b"")
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert reply.headers["Content-Type"] is None
    assert reply.headers["Cache-Control"] == "no-store"
    assert len(reply.headers["X-Request-Id"]) == 32


GOOD: dict[str, Callable[[Signers], str]] = {
    "es384": lambda s: s["ec"].token(),
    "rs384": lambda s: s["rsa"].token(),
    "45_aud_list_holding_the_address": lambda s: s["ec"].token(aud=["urn:other", BASE + SERVICE]),
    "77_aud_with_a_last_slash": lambda s: s["ec"].token(aud=BASE + SERVICE + "/"),
    "a_configured_audience": lambda s: s["ec"].token(aud="urn:cds"),
    "72_claims_of_epic": lambda s: s["ec"].token(sub="client", nbf=int(time.time()) - 300),
    "clocks_differ_by_half_a_minute": lambda s: s["ec"].token(iat=int(time.time()) + 30, exp=int(time.time()) + 90),
    "a_fraction_of_a_second": lambda s: s["ec"].token(exp=time.time() + 100.5),
    "a_listed_tenant": lambda s: s["ec"].token(iss="urn:tenants", tenant="north"),
    "a_tenant_where_none_is_listed": lambda s: s["ec"].token(tenant="any"),
    "the_jku_on_record": lambda s: s["ec"].sign(s["ec"].header(jku="https://ehr.example.org/jwks.json"),
                                                claims(iss="urn:jku")),
    "an_unknown_header": lambda s: s["ec"].sign(s["ec"].header(**{"x-ehr": "v" * 2000}), claims()),
}  # fmt: skip


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_a_good_token_lets_its_client_in(guarded: Guarded, signers: Signers, make: Callable[[Signers], str]) -> None:
    reply = posted(guarded, f"Bearer {make(signers)}")
    assert reply.status == 200
    assert reply.json["cards"] == []


def test_the_scheme_is_not_case_sensitive(guarded: Guarded, signers: Signers) -> None:
    assert posted(guarded, f"bearer  {signers['ec'].token()}").status == 200


def with_public_key_as_secret(signer: Signer) -> str:
    token = unsigned(signer.header(alg="HS256"), claims())
    secret = signer.key.as_pem(private=False)
    return token + b64(hmac.digest(secret, token.removesuffix(".").encode(), "sha256"))


def tampered(token: str) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{b64(json.dumps(claims()).encode())}.{signature}"


FAULT_44: dict[str, Callable[[Signers], str | None]] = {
    "absent": lambda _: None,
    "empty": lambda _: "",
    "basic": lambda _: "Basic dXNlcjpwYXNz",
    "bearer_alone": lambda _: "Bearer",
    "bare_token": lambda s: s["ec"].token(),
    "token_and_more": lambda s: f"Bearer {s['ec'].token()} x",
    "two_tokens": lambda s: f"Bearer {s['ec'].token()}, Bearer {s['ec'].token()}",
    "no_token_at_all": lambda _: "Bearer abc",
    "none": lambda s: "Bearer " + unsigned(s["ec"].header(alg="none"), claims()),
    "none_with_signature": lambda s: "Bearer " + unsigned(s["ec"].header(alg="none"), claims(), "AA"),
    "None": lambda s: "Bearer " + unsigned(s["ec"].header(alg="None"), claims(), "AA"),
    "hs256_with_public_key": lambda s: "Bearer " + with_public_key_as_secret(s["rsa"]),
    "rs256_where_384_is_asked": lambda s: "Bearer " + Signer("RS256", "rsa-1", s["rsa"].key).token(),
    "ps384_where_rs384_is_asked": lambda s: "Bearer " + Signer("PS384", "rsa-1", s["rsa"].key).token(),
    "es256": lambda s: "Bearer " + s["p256"].token(),
    "es384_with_the_key_of_es256": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(kid="p256"), claims()),
    "rs384_by_the_kid_of_ec": lambda s: "Bearer " + s["rsa"].sign(s["rsa"].header(kid="ec-1"), claims()),
    "alg_missing": lambda s: "Bearer " + unsigned(s["ec"].header(alg=...), claims(), "AA"),
    "alg_list": lambda s: "Bearer " + unsigned(s["ec"].header(alg=["ES384"]), claims(), "AA"),
    "kid_unknown": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(kid="ec-2"), claims()),
    "kid_missing": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(kid=...), claims()),
    "kid_empty": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(kid=""), claims()),
    "kid_number": lambda s: "Bearer " + unsigned(s["ec"].header(kid=1), claims(), "AA"),
    "kid_path": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(kid="../../../../dev/null"), claims()),
    "kid_sql": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(kid="x' OR '1'='1"), claims()),
    "kid_long": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(kid="k" * 257), claims()),
    "jwk": lambda s: "Bearer " + s["stranger"].sign(s["stranger"].header(jwk=s["stranger"].public), claims()),
    "jwk_of_the_right_key": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(jwk=s["ec"].public), claims()),
    "x5u": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(x5u="https://evil.example/x"), claims()),
    "x5c": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(x5c=["MIIB"]), claims()),
    "crit": lambda s: "Bearer " + unsigned(s["ec"].header(crit=["x"], x=1), claims(), "A" * 128),
    "b64": lambda s: "Bearer " + unsigned(s["ec"].header(crit=["b64"], b64=False), claims(), "A" * 128),
    "jku_not_listed": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(jku="https://evil.example/x"), claims()),
    "jku_other_than_the_one_on_record": lambda s: "Bearer " + s["ec"].sign(
        s["ec"].header(jku="https://ehr.example.org/jwks.json?x"), claims(iss="urn:jku")),
    "typ_missing": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(typ=...), claims()),
    "typ_other": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(typ="at+jwt"), claims()),
    "key_of_another": lambda s: "Bearer " + s["stranger"].token(),
    "tampered": lambda s: "Bearer " + tampered(s["ec"].token()),
    "zero_signature": lambda s: "Bearer " + unsigned(s["ec"].header(), claims(), b64(bytes(96))),
    "empty_signature": lambda s: "Bearer " + unsigned(s["ec"].header(), claims()),
    "short_signature": lambda s: f"Bearer {s['ec'].token()[:-4]}",
    "trailing_dot": lambda s: f"Bearer {s['ec'].token()}.",
    "trailing_dots": lambda s: f"Bearer {s['ec'].token()}...",
    "five_parts": lambda s: f"Bearer {s['ec'].token()}.AA.AA",
    "padding": lambda s: f"Bearer {s['ec'].token()}==",
    "header_no_json": lambda s: "Bearer bm8." + s["ec"].token().partition(".")[2],
    "header_no_base64": lambda s: "Bearer a." + s["ec"].token().partition(".")[2],
    "header_list": lambda s: f"Bearer {b64(b'[]')}." + s["ec"].token().partition(".")[2],
    "header_deep": lambda s: f"Bearer {b64(b'[' * 8000)}." + s["ec"].token().partition(".")[2],
    "claims_list": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(), b"[]"),
    "claims_no_json": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(), b"\xff"),
    "claims_deep": lambda s: "Bearer " + s["ec"].sign(s["ec"].header(), b'{"a":' * 1500),
}  # fmt: skip


@pytest.mark.parametrize("make", FAULT_44.values(), ids=[f"fault_44_{name}" for name in FAULT_44])
def test_a_token_that_proves_nothing_is_a_bare_401(
    guarded: Guarded, signers: Signers, make: Callable[[Signers], str | None]
) -> None:
    check_refusal(posted(guarded, make(signers)))


def test_fault_44_two_headers_are_a_bare_401(guarded: Guarded, signers: Signers) -> None:
    server, sent = guarded
    tokens = [signers["ec"].token(), signers["ec"].token()]
    sent += tokens
    lines = "".join(f"Authorization: Bearer {one}\r\n" for one in tokens)
    body = json.dumps(call())
    head = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    reply = server.send(f"{head}{lines}\r\n{body}".encode())
    assert reply is not None
    check_refusal(reply)


@pytest.mark.parametrize("length", [17_000, 60_000, 200_000])
def test_fault_44_a_token_of_200_kB_is_refused_before_it_is_read(
    guarded: Guarded, signers: Signers, length: int
) -> None:
    head = f"POST {SERVICE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {'a' * length}\r\nContent-Length: 0\r\n\r\n"
    reply = guarded[0].send(head.encode())
    assert reply is not None and reply.status == 431  # as fault 18 has it: the limit of all headers comes first


NOW = int(time.time())
FAULT_45: dict[str, dict[str, Any]] = {
    "exp_past": {"exp": NOW - 120, "iat": NOW - 300},
    "exp_missing": {"exp": ...},
    "exp_text": {"exp": str(NOW + 10_000)},
    "exp_infinite": {"exp": float("inf")},
    "exp_nan": {"exp": float("nan")},
    "exp_negative": {"exp": -1},
    "exp_true": {"exp": True},
    "exp_null": {"exp": None},
    "exp_beyond_time": {"exp": 10**30},
    "iat_future": {"iat": NOW + 10_000, "exp": NOW + 10_100},
    "iat_missing": {"iat": ...},
    "iat_text": {"iat": str(NOW)},
    "iat_negative": {"iat": -(10**400)},
    "nbf_future": {"nbf": NOW + 10_000},
    "nbf_text": {"nbf": "now"},
    "lifetime": {"exp": NOW + 10_000},
    "lifetime_just_over_the_cap": {"iat": NOW - 30, "exp": NOW + 271},
    "aud_of_another_service": {"aud": f"{BASE}/cds-services/neutropenia-order-sign"},
    "aud_base": {"aud": BASE},
    "aud_list_without_the_address": {"aud": ["urn:other"]},
    "aud_empty_list": {"aud": []},
    "aud_missing": {"aud": ...},
    "aud_number": {"aud": 5},
    "aud_list_with_a_number": {"aud": [BASE + SERVICE, 5]},
    "aud_by_the_host_header": {"aud": f"http://127.0.0.1{SERVICE}"},
    "iss_unknown": {"iss": "https://evil.example"},
    "iss_missing": {"iss": ...},
    "iss_list": {"iss": [ISSUER]},
    "iss_with_a_slash": {"iss": f"{ISSUER}/"},
    "tenant_unknown": {"iss": "urn:tenants", "tenant": "east"},
    "tenant_missing": {"iss": "urn:tenants"},
    "tenant_list": {"iss": "urn:tenants", "tenant": ["north"]},
    "jti_missing": {"jti": ...},
    "jti_number": {"jti": 5},
    "jti_empty": {"jti": ""},
    "jti_10_kB": {"jti": "j" * 10_240},
    "jti_257": {"jti": "j" * 257},
    "jti_nul": {"jti": "a\u0000b"},
    "jti_surrogate": {"jti": "\ud800"},
    "sub_number": {"sub": 5},
}


@pytest.mark.parametrize("changes", FAULT_45.values(), ids=[f"fault_45_{name}" for name in FAULT_45])
def test_claims_that_do_not_fit_are_a_bare_401(guarded: Guarded, signers: Signers, changes: dict[str, Any]) -> None:
    check_refusal(posted(guarded, f"Bearer {signers['ec'].token(**changes)}"))


def test_fault_45_the_longest_lifetime_and_the_longest_jti_are_let_in(guarded: Guarded, signers: Signers) -> None:
    now = int(time.time())
    token = signers["ec"].token(iat=now - 30, exp=now + 270, jti=f"{now}{'j' * (256 - len(str(now)))}")
    assert posted(guarded, f"Bearer {token}").status == 200


# --- which addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/cds-services", "/livez", "/readyz", "/openapi.yaml"])
def test_what_holds_no_patient_is_open(guarded: Guarded, path: str) -> None:
    server, _ = guarded
    assert server.ask("GET", path).status == 200
    assert server.ask("GET", path, Authorization="Bearer x").status == 200


def test_a_preflight_needs_no_token(guarded: Guarded) -> None:
    wanted = {"Access_Control_Request_Method": "POST", "Origin": "http://localhost"}
    assert guarded[0].ask("OPTIONS", SERVICE, **wanted).status == 204


def test_assess_needs_a_token_of_its_own(guarded: Guarded, signers: Signers) -> None:
    check_refusal(posted(guarded, None, "/assess"))
    check_refusal(posted(guarded, f"Bearer {signers['ec'].token()}", "/assess"))
    assert posted(guarded, f"Bearer {signers['ec'].token('/assess')}", "/assess?explain=true").status == 400  # no FHIR


def test_an_unknown_service_says_so_only_to_a_client(guarded: Guarded, signers: Signers) -> None:
    check_refusal(posted(guarded, None, "/cds-services/nothing"))
    token = signers["ec"].token("/cds-services/nothing")
    assert posted(guarded, f"Bearer {token}", "/cds-services/nothing").status == 404


def test_a_refused_call_with_a_long_body_reads_its_answer(guarded: Guarded) -> None:
    server, _ = guarded
    reply = server.ask("POST", SERVICE, b" " * 3_000_000, Content_Type="application/json")
    check_refusal(reply)
