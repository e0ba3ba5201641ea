"""Settings: CDS_* environment variables, read once at start.

In: an environment, and what the knowledge has against a value. Out: Settings, or SettingsError with every fault and its
remedy; names of CDS_* variables that nothing reads. A fault names the variable and never repeats its value.

    SettingsError    the service does not start
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from service.settings import texts
from service.settings.texts import MIB, LocalCodes, read_toml

__all__ = ["MIB", "LocalCodes", "Settings", "SettingsError", "read", "read_toml", "unknown", "variables"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a site can choose."""

    mode: Literal["demo", "production"] = "demo"
    thresholds: str = "nice-ng239"
    knowledge_overlay: Path | None = None
    local_codes: LocalCodes = {}
    clozapine: Literal["", "us", "uk", "eu"] = ""
    time_zone: ZoneInfo = ZoneInfo("UTC")
    max_body: int = 4 * MIB
    fetch_seconds: float = 2.0
    cors_origins: tuple[str, ...] = ()
    public_base_url: str = ""
    database_url: str = ""  # "": nothing is remembered
    key_file: Path | None = None
    clients: Path | None = None
    auth: Literal["", "on", "off"] = ""
    repeats: Literal["lower", "omit", "show"] = "lower"
    repeat_hours: int = 24
    repeat_severe: bool = False
    silent: tuple[str, ...] = ()
    keep_comments: bool = False
    evidence_days: int = 30
    cards_days: int = 730
    workbench: Literal["", "on", "off"] = ""
    log: Literal["", "json", "text"] = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics_port: int = 0  # 0: no metrics
    metrics_host: str = "127.0.0.1"
    traces: bool = False
    drain_seconds: float = 3.0

    @property
    def authenticates(self) -> bool:
        """Whether calls need a token: as CDS_AUTH says, else in production and when clients are named."""
        return self.auth == "on" or (not self.auth and (self.mode == "production" or self.clients is not None))

    @property
    def shows_workbench(self) -> bool:
        """Whether the workbench is there: it asks for no token, so never where calls need one."""
        return self.workbench == "on" and not self.authenticates

    def is_silent(self, service: str, client: str) -> bool:
        """Whether a service answers a client without cards: it judges and remembers all the same."""
        return not {"*", service, f"*@{client}", f"{service}@{client}"}.isdisjoint(self.silent)

    def silence(self, service: str) -> str:
        """Whom a service answers no card: silent (nobody gets one), silent-for-some, or "" (all get theirs)."""
        if not {"*", service}.isdisjoint(self.silent):
            return "silent"
        return "silent-for-some" if any(one.partition("@")[0] in ("*", service) for one in self.silent) else ""


class SettingsError(Exception):
    """One or more settings cannot be used: `faults` has a sentence for each, `usable` the others."""

    def __init__(self, faults: Iterable[str], usable: Settings | None = None) -> None:
        self.faults = tuple(faults)
        self.usable = usable or Settings()
        super().__init__("; ".join(self.faults))


class Setting(msgspec.Struct, frozen=True):
    """One variable: how its text becomes a value (ValueError: its faults with their remedies), and what it is for."""

    field: str
    parse: Callable[[str], Any]
    shown_default: str
    meaning: str

    @property
    def name(self) -> str:
        """The environment variable."""
        return f"CDS_{self.field.upper()}"


Against = Callable[[Settings], Iterable[tuple[str, str]]]

_SETTINGS = (
    Setting("mode", texts.mode, "demo", "`demo`: browsers on this machine and the public CDS Hooks Sandbox may call; "
            "`production`: only `CDS_CORS_ORIGINS`"),
    Setting("thresholds", texts.profile, "nice-ng239", "whose limits for vitamin B12: `nice-ng239`, `bsh-2014`, "
            "`aafp`"),
    Setting("knowledge_overlay", texts.file, "", "a TOML file with the site's own thresholds, checked at start"),
    Setting("local_codes", texts.local_codes, "", "a TOML file that maps the laboratory's own codes (see below)"),
    Setting("clozapine", texts.clozapine, "", "whose limits of the count on clozapine: `us`, `uk` or `eu`; not set: "
            "those of the US, and cards say that local rules may be stricter"),
    Setting("time_zone", texts.zone, "UTC", "where the site's days begin and end (IANA name)"),
    Setting("max_body", texts.size, "4 MiB", "the longest request that is read; longer ones get 413"),
    Setting("fetch_seconds", texts.seconds, "2", "how many seconds it may take to fetch what a request lacks "
            "from the client's FHIR server, all keys together"),
    Setting("cors_origins", texts.origins, "", "origins of browser clients, exact, separated by commas"),
    Setting("public_base_url", texts.public_base, "", "the address that clients call, for the links on cards and in "
            "their tokens; not set: in demo mode that of the call, without authentication"),
    Setting("database_url", texts.database, "", "`sqlite:////path/to/file`, or `postgresql://user@host/database` for "
            "several replicas (password by `PGPASSFILE`); not set: an SQLite file in `~/.local/state/neutropenia-cds`; "
            "`off`: nothing is remembered, and cards that come once a year come each time"),
    Setting("key_file", texts.file, "", "a file with the secret keys of pseudonyms, evidence and links, one per line, "
            "32 bytes or more: the first is in use, the others open what they made; not set: a file beside the SQLite "
            "database, made at the first start; PostgreSQL needs one"),
    Setting("clients", texts.file, "", "a TOML file that says who may call (see below)"),
    Setting("auth", texts.auth, "", "`on`: each call needs the token of a client; `off`: none does (demo mode alone); "
            "not set: `on` in production and when `CDS_CLIENTS` is set"),
    Setting("repeats", texts.repeats, "lower", "a card that comes again with nothing new, or after it was overridden: "
            "`lower` it to info, `omit` it, or `show` it as it is"),
    Setting("repeat_hours", texts.hours, "24", "for how many hours a card that came is a repeat"),
    Setting("repeat_severe", texts.yes, "no", "`yes`: severe counts and critical cards are repeats too"),
    Setting("silent", texts.names, "", "services that judge and remember and answer no card: ids, `*` for all, "
            "`@client` behind it for one client, separated by commas"),
    Setting("keep_comments", texts.yes, "no", "`yes`: comments in feedback are kept; they may name a patient"),
    Setting("evidence_days", texts.days, "30", "for how many days what a card rests on is kept, sealed"),
    Setting("cards_days", texts.days, "730", "for how many days cards and feedback are kept"),
    Setting("workbench", texts.workbench, "", "the workbench at `/`, to see and try the service: `on` or `off`; it "
            "asks for no token and goes with no authentication; not set: `on` in demo mode when `cds serve` listens to "
            "this machine alone"),
    Setting("log", texts.log, "", "lines of the log: `json` or `text`; not set: `text` on a terminal, `json` "
            "elsewhere"),
    Setting("log_level", texts.log_level, "info", "`info`: a line per call; `warning`, `error`: what goes wrong alone; "
            "`debug`: a line per request of any kind"),
    Setting("metrics_port", texts.port, "", "the port of `/metrics` for Prometheus; not set: no metrics"),
    Setting("metrics_host", texts.address, "127.0.0.1", "the IP address on which that port listens"),
    Setting("traces", texts.yes, "no", "`yes`: spans by OpenTelemetry, to where `OTEL_EXPORTER_OTLP_ENDPOINT` says; "
            "needs the extra `traces`"),
    Setting("drain_seconds", texts.drain, "3", "for how many seconds after SIGTERM calls still come in, while "
            "`/readyz` answers 503"),
)  # fmt: skip


def variables() -> tuple[Setting, ...]:
    """Every variable that is read, for documentation."""
    return _SETTINGS


def _nothing(_: Settings) -> Iterable[tuple[str, str]]:
    return ()


def read(environment: Mapping[str, str], against: Against = _nothing) -> Settings:
    """The settings that an environment makes; an empty variable counts as not set. SettingsError: all faults.

    `against` gives (field, fault) for each value that is well formed and cannot be used all the same.
    """
    values: dict[str, Any] = {}
    faults: list[str] = []
    for setting in _SETTINGS:
        text = environment.get(setting.name, "").strip()
        if not text:
            continue
        try:
            values[setting.field] = setting.parse(text)
        except ValueError as fault:
            faults += [f"{setting.name}: {one}" for one in fault.args]
    if "database_url" not in values and not environment.get("CDS_DATABASE_URL", "").strip():
        values["database_url"] = texts.embedded(environment)
    chosen = Settings(**values)
    for field, problem in against(chosen):
        values.pop(field, None)
        faults.append(f"CDS_{field.upper()}: {problem}")
    if faults:
        raise SettingsError(faults, Settings(**values))
    return chosen


def unknown(environment: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each CDS_* variable that nothing reads, with the likely name where there is one."""
    known = [setting.name for setting in _SETTINGS]
    strangers = sorted(name for name in environment if name.startswith("CDS_") and name not in known)
    return tuple(f"{name} is not a setting of this service{_likely(name, known)}" for name in strangers)


def _likely(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.75)
    return f": did you mean {close[0]}?" if close else ""
