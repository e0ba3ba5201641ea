"""`cds serve`: granian with the application in it.

In: where to listen. Out: a running service that stops cleanly at SIGTERM and SIGINT (exit status 0), or a sentence that
says why it does not start.
"""

from __future__ import annotations

import gc
import os
import shlex
import shutil
import socket
import sys
from ipaddress import ip_address
from pathlib import Path

import click
import msgspec
from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from sqlalchemy.engine import make_url

from service import settings
from service.app import create_app
from service.ground import read_settings
from service.settings import Settings
from service.silence import told

# Objects that live as long as the process are not looked at again, and the rest seldom: p99 follows from it.
YOUNG, MIDDLE, OLD = 50_000, 20, 50
BLOCKING_THREADS = 512  # a request whose body comes slowly holds one; they are made when needed
HEADER_SECONDS = 10
STOP_SECONDS = 10
CALLED_AS = "NEUTROPENIA_CDS_CALLED_AS"  # set by ./cds, which stands before the command
STORY = "b12-deficient-positive-antibody"

UNSAFE = (
    "and no call needs a token: name who may call in CDS_CLIENTS, or add --without-authentication "
    "where nothing but your own EHR or proxy can reach this address."
)

_checked: list[Flask] = []  # what the parent has made; a forked worker finds it here


def run(host: str, port: int, workers: int, without_authentication: bool) -> None:
    """Serve until told to stop."""
    chosen, address = _settings(), _free_address(host, port)
    if not (chosen.authenticates or without_authentication or ip_address(address).is_loopback):
        raise click.ClickException(f"{host} can be reached by other machines, {UNSAFE}")
    chosen = _with_workbench(chosen, address)
    _checked.append(create_app(chosen))  # before any worker starts, so that a fault is said once and clearly
    click.echo(greeting(address, port, chosen))
    server = Granian(
        "service.cli.serve:worker",
        factory=True,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=BLOCKING_THREADS,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=STOP_SECONDS,
        process_name=None,
    )
    server.serve()


def worker() -> Flask:
    """The application of one worker process."""
    app = _checked.pop() if _checked else create_app()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    return app


def _settings() -> Settings:
    """What the environment says, with a warning for each variable that nothing reads."""
    for stranger in settings.unknown(os.environ):
        click.echo(f"Warning: {stranger}", err=True)
    return read_settings(os.environ)


def _with_workbench(chosen: Settings, address: str) -> Settings:
    """The settings with the workbench where nobody but this machine can come, and nothing says otherwise."""
    near = ip_address(address).is_loopback and not chosen.authenticates  # so in demo mode
    if chosen.workbench or not near:
        return chosen
    os.environ["CDS_WORKBENCH"] = "on"  # a worker that is not forked reads its settings anew
    return msgspec.structs.replace(chosen, workbench="on")


def _free_address(host: str, port: int) -> str:
    """The IP address of a host, IPv4 first, on which the port is free: granian takes no names, and shares a port."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
            return str(probe.getsockname()[0])
    except (OSError, UnicodeError) as fault:
        reason = getattr(fault, "strerror", None) or "the address is not understood"
        hint = "Choose another --port or --host."
        raise click.ClickException(f"cannot listen on {host} port {port}: {reason}. {hint}") from None


def _where(chosen: Settings) -> str:
    """The database without its password."""
    address = make_url(chosen.database_url) if chosen.database_url else None
    return address.render_as_string(hide_password=True) if address else "off"


def _silence(chosen: Settings) -> str:
    said = told(chosen)
    return f"{said}\n" if said else ""


def _workbench(base: str, chosen: Settings) -> str:
    line = f"  {base}/                open this: the workbench, with made-up patients\n"
    return line if chosen.shows_workbench else ""


def greeting(host: str, port: int, chosen: Settings) -> str:
    """What is said when the service listens: where, how it is set, what to try."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    base = f"http://{shown}:{port}"
    return f"""\
Neutropenia review listens on {host} port {port}. Ctrl-C stops it.
Mode {chosen.mode}, thresholds {chosen.thresholds}, time zone {chosen.time_zone}.
{"Calls need the token of a client (CDS_CLIENTS)." if chosen.authenticates else "Calls need no token."}
Memory: {_where(chosen)}.
{_silence(chosen)}
{_workbench(base, chosen)}  {base}/cds-services    what an EHR reads first
  {base}/docs            the whole interface

{_try_it(base, chosen)}"""


def _try_it(base: str, chosen: Settings) -> str:
    """A call to paste; where calls need a token, what has to be put into it."""
    bearer = ' -H "Authorization: Bearer $TOKEN"' if chosen.authenticates else ""
    how = f", with a token of a client for {chosen.public_base_url} in $TOKEN" if bearer else ""
    return f"""\
Try it{how}:

  {_called()} story {STORY} |
    curl -s {base}/cds-services/neutropenia-review -H 'Content-Type: application/json'{bearer} -d @-
"""


def _called() -> str:
    """This command as its caller has to write it: by its name where PATH finds this one, else as it was called."""
    called = Path(os.environ.get(CALLED_AS) or sys.argv[0])
    found = shutil.which(called.name)
    is_it = found and called.exists() and Path(found).samefile(called)
    return called.name if is_it else shlex.quote(os.environ.get(CALLED_AS) or sys.argv[0])
