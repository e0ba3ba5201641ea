"""The page of the contract: Swagger UI from this origin alone, without a script in the page, under a strict policy."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from flask.testing import FlaskClient

from service.app import create_app
from service.settings import read
from service.web.docs import FILES

CLIENTS = """
[[client]]
name = "ehr"
issuer = "https://ehr.example"
jku = "https://ehr.example/keys.json"
"""


def client(**settings: str) -> FlaskClient:
    return create_app(read({"CDS_DATABASE_URL": "off", **settings})).test_client()


def test_the_page_names_the_contract_and_takes_everything_from_here() -> None:
    text = client().get("/docs").get_data(as_text=True)
    assert 'data-contract="openapi.yaml"' in text
    taken = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert set(taken) == {"openapi.yaml", "static/docs.js", *(f"docs/{name}" for name in FILES)}
    assert not re.search(r"<script(?![^>]* src=)|style=|\son\w+=", text)


@pytest.mark.parametrize("name", FILES)
def test_each_file_that_the_page_takes_is_there(name: str) -> None:
    answer = client().get(f"/docs/{name}")
    assert answer.status_code == 200
    assert len(answer.get_data()) > 500
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["index.html", "swagger-ui.js", "LICENSE", "../__init__.py", "%2e%2e/__init__.py", ""])
def test_no_other_file_of_the_package_is_served(name: str) -> None:
    assert client().get(f"/docs/{name}").status_code == 404


def test_the_policy_lets_nothing_in_from_elsewhere_and_runs_no_inline_script() -> None:
    policy = client().get("/docs").headers["Content-Security-Policy"]
    told = {name: values for name, *values in (part.split() for part in policy.split("; "))}
    assert told["default-src"] == ["'none'"]
    assert told["script-src"] == told["connect-src"] == ["'self'"]
    assert told["base-uri"] == told["form-action"] == told["frame-ancestors"] == ["'none'"]
    assert {one for values in told.values() for one in values} <= {"'none'", "'self'", "data:"}


def test_calls_can_be_tried_in_demo_mode_and_not_in_production(tmp_path: object) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "clients.toml"
    file.write_text(CLIENTS, "utf-8")
    production = {"CDS_MODE": "production", "CDS_CLIENTS": str(file), "CDS_PUBLIC_BASE_URL": "https://cds.example"}
    assert 'data-try="yes"' in client().get("/docs").get_data(as_text=True)
    url = f"sqlite:///{tmp_path}/store.sqlite"
    answer = client(**(production | {"CDS_DATABASE_URL": url})).get("/docs")  # open: no patient is in it
    assert (answer.status_code, 'data-try="no"' in answer.get_data(as_text=True)) == (200, True)


def test_starting_costs_nothing_for_it() -> None:
    program = "import sys, service.app; service.app.create_app(); print('flask_swagger_ui' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
