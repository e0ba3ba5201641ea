"""Which browsers may read our answers (CDS Hooks 2.0, Cross-Origin Resource Sharing).

In: the origin of a call and the settings. Out: headers of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from service.settings import Settings

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
# Who may call from a browser in demo mode when no origin is configured: pages of this machine, and the public Sandbox.
_DEMO_ORIGIN = re.compile(
    r"(?:http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?|https://sandbox\.cds-hooks\.org)\Z"
)


def headers(origin: str, chosen: Settings, *, preflight: bool) -> Mapping[str, str]:
    """What lets a page of this origin read the answer; nothing for others."""
    demo = chosen.mode == "demo" and not chosen.cors_origins and _DEMO_ORIGIN.match(origin) is not None
    if not (demo or origin in chosen.cors_origins):
        return {}
    return {"Access-Control-Allow-Origin": origin, **(_PREFLIGHT if preflight else {})}
