"""The files of a deployment, as data, and the settings that they make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from service import settings

ROOT = Path(__file__).resolve().parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
METRICS_PORT = 9464  # in compose.yaml and deploy/kubernetes; the image has none by itself
KNOWN = {one.name for one in settings.variables()}


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return found


def manifests() -> list[dict[str, Any]]:
    files = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name != "kustomization.yaml")
    return [one for path in files for one in yaml.safe_load_all(path.read_text("utf-8"))]


def manifest(kind: str, name: str = "neutropenia-cds") -> dict[str, Any]:
    (found,) = (one for one in manifests() if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def port_of_the_image() -> int:
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    return int(port)


def with_paths(environment: Mapping[str, str], mounted: Mapping[str, Path]) -> dict[str, str]:
    """An environment whose files lie on this machine; `mounted` gives for the path in the container that here."""
    return {name: str(mounted.get(value, value)) for name, value in environment.items()}
