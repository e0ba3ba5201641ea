"""`cds serve`: granian with the application in it.

In: where to listen. Out: a running service that stops cleanly (exit status 0) at SIGTERM, after a while in which it is
not ready, and at SIGINT at once; or a sentence that says why it does not start.
"""

from __future__ import annotations

import gc
import os
import shlex
import shutil
import signal
import socket
import sys
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec
from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from service import __version__, settings
from service.app import create_app
from service.cli.addresses import shown_address
from service.cli.server import Draining, NotReady
from service.ground import read_settings
from service.settings import Settings
from service.silence import told
from service.telemetry import logs

# Objects that live as long as the process are not looked at again, and the rest seldom: p99 follows from it. A request
# leaves about 13 in cycles (routes, statements): seldomer still, and what waits to be collected scatters over the heap.
YOUNG, MIDDLE, OLD = 10_000, 20, 50
BLOCKING_THREADS = 512  # a request whose body comes slowly holds one; they are made when needed
HEADER_SECONDS = 10
STOP_SECONDS = 10
CALLED_AS = "NEUTROPENIA_CDS_CALLED_AS"  # set by ./cds, which stands before the command
OTHER_METRICS = "Choose another CDS_METRICS_PORT, or another CDS_METRICS_HOST."
SHARING = "name one that can be written in TMPDIR (in a container a tmpfs at /tmp), or leave CDS_METRICS_PORT out."
STORY = "b12-deficient-positive-antibody"

UNSAFE = (
    "and no call needs a token: name who may call in CDS_CLIENTS, or add --without-authentication "
    "where nothing but your own EHR or proxy can reach this address."
)

_checked: list[Flask] = []  # what the parent has made; a forked worker finds it here
_metrics: list[socket.socket] = []  # the same


def run(host: str, port: int, workers: int, without_authentication: bool) -> None:
    """Serve until told to stop."""
    chosen, address = _settings(), _free_address(host, port)
    if not (chosen.authenticates or without_authentication or ip_address(address).is_loopback):
        raise click.ClickException(f"{host} can be reached by other machines, {UNSAFE}")
    if chosen.metrics_port == port:
        raise click.ClickException(f"port {port} is that of the service. {OTHER_METRICS}")
    if chosen.metrics_port:
        _free_address(chosen.metrics_host, chosen.metrics_port, OTHER_METRICS)
    chosen = _with_workbench(chosen, address)
    _log(chosen)
    with ExitStack() as until_the_end:
        folder = _shared_folder(until_the_end) if chosen.metrics_port else ""
        _checked.append(create_app(chosen))  # before any worker starts, so that a fault is said once and clearly
        if folder:
            _expose(chosen, folder)
        click.echo(greeting(address, port, chosen))
        gc.collect()
        gc.freeze()  # a collection in a worker would write to the pages that it shares with this process
        _server(address, port, workers, chosen).serve()


def _server(address: str, port: int, workers: int, chosen: Settings) -> Draining:
    server = Draining(
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
        log_dictconfig=dict(logs.for_granian()),
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        process_name=None,
    )
    server.drain_seconds = chosen.drain_seconds
    return server


def worker() -> Flask:
    """The application of one worker process."""
    for listening in _metrics:
        listening.close()  # the parent's; what a fork has open would keep the port
    app = _checked.pop() if _checked else create_app()
    _log(app.extensions["cds"].settings)
    signal.signal(NotReady, lambda *_: app.extensions["readiness"].drain())
    app.extensions["cds"].telling.starts()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    return app


def _log(chosen: Settings) -> None:
    logs.configure(logs.form_of(chosen.log, sys.stderr), chosen.log_level)


def _shared_folder(until_the_end: ExitStack) -> str:
    """Where workers count together, in files of memory that go with the service."""
    try:
        folder = until_the_end.enter_context(TemporaryDirectory(prefix="cds-metrics-"))
    except OSError as fault:
        raise click.ClickException(f"no folder for metrics can be made ({fault.strerror}): {SHARING}") from None
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # read when prometheus_client is loaded, and by workers
    return folder


def _expose(chosen: Settings, folder: str) -> None:
    """Open the port of the metrics, in this process, which outlives its workers."""
    from service.telemetry.metrics import expose

    knowledge = _checked[0].extensions["cds"].ground.knowledge
    in_force = {"version": knowledge.version, "thresholds": knowledge.profile, "service": __version__}
    _metrics.append(expose(chosen.metrics_host, chosen.metrics_port, folder, in_force).socket)


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


def _free_address(host: str, port: int, hint: str = "Choose another --port or --host.") -> str:
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
        raise click.ClickException(f"cannot listen on {host} port {port}: {reason}. {hint}") from None


def _silence(chosen: Settings) -> str:
    said = told(chosen)
    return f"{said}\n" if said else ""


def _told(chosen: Settings) -> str:
    host = f"[{chosen.metrics_host}]" if ":" in chosen.metrics_host else chosen.metrics_host
    return f"Metrics: http://{host}:{chosen.metrics_port}/metrics.\n" if chosen.metrics_port else ""


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
Memory: {shown_address(chosen.database_url)}.
{_told(chosen)}{_silence(chosen)}
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
