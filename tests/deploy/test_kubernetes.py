"""deploy/kubernetes: what a cluster understands, what the service accepts, and that the files agree."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from documents import (
    DOCKERFILE,
    KNOWN,
    KUBERNETES,
    METRICS_PORT,
    ROOT,
    manifest,
    manifests,
    port_of_the_image,
    with_paths,
)

import service
from service.cli.serve import STOP_SECONDS
from service.ground import read_settings

VERSION = "1.37"
POD = manifest("Deployment")["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
CONFIGURED = manifest("ConfigMap")["data"]
LABELS = {"app.kubernetes.io/name": "neutropenia-cds"}
CONTRACT = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))


def named(one: dict[str, Any]) -> str:
    return f"{one['kind']} {one['metadata']['name']}"


@pytest.mark.parametrize("one", manifests(), ids=named)
def test_it_follows_the_schema_of_kubernetes(one: dict[str, Any]) -> None:
    kubernetes_validate.validate(one, VERSION, strict=True)


def test_a_misspelt_field_would_be_noticed() -> None:
    wrong = deepcopy(manifest("Deployment"))
    wrong["spec"]["template"]["spec"]["containers"][0]["securitycontext"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


def test_everything_that_is_asked_for_is_there() -> None:
    assert {one["kind"] for one in manifests()} >= {
        "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "ConfigMap",
    }  # fmt: skip


def test_the_kustomization_names_every_file() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text("utf-8"))
    assert sorted([*kustomization["resources"], "kustomization.yaml"]) == sorted(p.name for p in KUBERNETES.iterdir())
    assert kustomization["namespace"] == manifest("Namespace")["metadata"]["name"]


def test_every_variable_is_a_setting() -> None:
    given = {one["name"] for one in CONTAINER.get("env", ())} | CONFIGURED.keys()
    assert {name for name in given if name.startswith("CDS_")} <= KNOWN


def mounted(folder: Path) -> dict[str, Path]:
    """For each file that the pod sees, one of this machine with its content; of secrets, one that will do."""
    secrets = {"key": "k" * 64, "database.conf": "[cds]\nhost=database.example\n"}
    files: dict[str, Path] = {}
    for mount in (one for one in CONTAINER["volumeMounts"] if one.get("readOnly")):
        (volume,) = (one for one in POD["volumes"] if one["name"] == mount["name"])
        held = manifest("ConfigMap", volume["configMap"]["name"])["data"] if "configMap" in volume else secrets
        for name, content in held.items():
            files[f"{mount['mountPath']}/{name}"] = folder / f"{mount['name']}-{name}"
            (folder / f"{mount['name']}-{name}").write_text(content, "utf-8")
    return files


def test_the_service_accepts_its_settings_in_production(tmp_path: Path) -> None:
    environment = with_paths(CONFIGURED, mounted(tmp_path))
    chosen = read_settings(environment)
    assert chosen.mode == "production"
    assert chosen.authenticates
    assert chosen.database_url.startswith("postgresql")
    assert Path(environment["PGSERVICEFILE"]).is_file()


def test_secrets_are_files_by_reference_that_the_user_of_the_image_can_read() -> None:
    assert not [one for one in manifests() if one["kind"] == "Secret"]
    (volume,) = (one["secret"] for one in POD["volumes"] if "secret" in one)
    assert volume["defaultMode"] == 0o440
    assert POD["securityContext"]["fsGroup"] == POD["securityContext"]["runAsGroup"]
    assert not re.search(r"password\s*[:=]", "".join(path.read_text("utf-8") for path in KUBERNETES.iterdir()))


def test_the_ports_are_that_of_the_image() -> None:
    http, _ = CONTAINER["ports"]
    assert http == {"name": "http", "containerPort": port_of_the_image()}
    assert [one["targetPort"] for one in manifest("Service")["spec"]["ports"]] == ["http"]


def test_metrics_are_reached_by_the_monitoring_alone(tmp_path: Path) -> None:
    chosen = read_settings(with_paths(CONFIGURED, mounted(tmp_path)))
    assert (chosen.metrics_port, chosen.metrics_host) == (METRICS_PORT, "0.0.0.0")
    assert CONTAINER["ports"][1] == {"name": "metrics", "containerPort": METRICS_PORT}
    namespace = "kubernetes.io/metadata.name"
    allowed = {
        (*(one["namespaceSelector"]["matchLabels"][namespace] for one in rule["from"]), port["port"])
        for rule in manifest("NetworkPolicy")["spec"]["ingress"]
        for port in rule["ports"]
    }
    assert allowed == {("ingress-nginx", port_of_the_image()), ("monitoring", METRICS_PORT)}


def test_workers_count_together_in_memory_and_nothing_else_can_be_written() -> None:
    given = {one["name"]: one for one in POD["volumes"] if "emptyDir" in one}
    assert given == {"temporary": {"name": "temporary", "emptyDir": {"medium": "Memory", "sizeLimit": "32Mi"}}}
    writable = [(one["name"], one["mountPath"]) for one in CONTAINER["volumeMounts"] if not one.get("readOnly")]
    assert writable == [("temporary", "/tmp")]


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_the_probes_ask_what_the_contract_has(probe: str) -> None:
    asked = CONTAINER[probe]["httpGet"]
    assert "get" in CONTRACT["paths"][asked["path"]]
    assert asked["port"] == CONTAINER["ports"][0]["name"]


def test_readiness_is_asked_of_readyz_and_nothing_else_is() -> None:
    asked = {name: CONTAINER[name]["httpGet"]["path"] for name in CONTAINER if name.endswith("Probe")}
    assert asked == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


def test_every_proxy_learns_that_a_replica_goes_and_running_calls_may_finish(tmp_path: Path) -> None:
    drain = read_settings(with_paths(CONFIGURED, mounted(tmp_path))).drain_seconds
    assert drain >= 5  # what routes calls in a cluster follows within seconds
    assert POD["terminationGracePeriodSeconds"] > drain + STOP_SECONDS


def test_a_database_that_is_away_for_ten_seconds_takes_no_replica_out() -> None:
    assert CONTAINER["readinessProbe"]["periodSeconds"] * CONTAINER["readinessProbe"]["failureThreshold"] > 10


def test_nothing_more_is_allowed_than_needed() -> None:
    """What the namespace enforces (Pod Security Standards, restricted), and the read-only root."""
    (user, group) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[-1]
    whole, own = POD["securityContext"], CONTAINER["securityContext"]
    assert (whole["runAsNonRoot"], whole["runAsUser"], whole["runAsGroup"]) == (True, int(user), int(group))
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert POD["automountServiceAccountToken"] is False


def test_addresses_of_other_services_do_not_come_as_variables() -> None:
    """A Service named `cds` would make CDS_PORT, which is no setting."""
    assert POD["enableServiceLinks"] is False


def test_all_speak_of_the_same_pods() -> None:
    spec = manifest("Deployment")["spec"]
    assert spec["template"]["metadata"]["labels"] == spec["selector"]["matchLabels"] == LABELS
    assert manifest("Service")["spec"]["selector"] == LABELS
    assert manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == LABELS
    assert manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == LABELS
    assert [one["labelSelector"]["matchLabels"] for one in POD["topologySpreadConstraints"]] == [LABELS, LABELS]
    target = manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", manifest("Deployment")["metadata"]["name"])


def test_there_are_replicas_left_while_one_is_replaced() -> None:
    least = manifest("HorizontalPodAutoscaler")["spec"]["minReplicas"]
    assert least > manifest("PodDisruptionBudget")["spec"]["maxUnavailable"] + 1
    assert manifest("Deployment")["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in manifest("Deployment")["spec"]


def test_the_image_is_of_this_version() -> None:
    assert CONTAINER["image"] == f"neutropenia-cds:{service.__version__}"
    assert {"requests", "limits"} <= CONTAINER["resources"].keys()
