"""The compose file is valid, and what it says of the images, the settings and the files beside it is so."""

import os
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis as client
import yaml

from har_core.config import PROJECT_ROOT
from tests.deploy import known, proxy
from tests.deploy.containerfile import stages, tracked
from tests.servers import free_port
from tests.waiting import until

FOLDER = PROJECT_ROOT / "deploy" / "compose"
FILE = FOLDER / "compose.yaml"
Service = dict[str, Any]


def compose() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())


def services() -> dict[str, Service]:
    return compose()["services"]


def ours() -> dict[str, tuple[str, Service]]:
    """The services of our images, with the images' targets."""
    found = {name: service for name, service in services().items() if service["image"].startswith("har-")}
    return {name: (re.sub(r"har-(\w+):.*", r"\1", service["image"]), service) for name, service in found.items()}


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    finally:
        process.kill()


def test_it_is_a_compose_file():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", FILE]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_containers_may_do_as_little_as_they_can():
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "mem_limit" in service
        assert "cpus" in service or "cpu_shares" in service
        assert service["init"] is True
        # nginx reads certificates as root; its workers are somebody else.
        target = ours().get(name, ("", {}))[0]
        user = stages()[target].last("USER") if target else service.get("user", "0")
        assert user.split(":")[0] != "0" or name == "nginx"
        assert not service.get("cap_add") or name == "nginx"
        assert not service.get("ports") or name == "nginx"
        assert "privileged" not in service


def test_images_are_pinned_and_ours_can_be_built():
    version = re.search(r'^version = "(.+)"', (PROJECT_ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert stages()["runtime"].lines[0][1].endswith(f'version="{version[1]}"')
    for name, service in services().items():
        assert re.search(r":\d+\.\d+", service["image"]), name
    built = set()
    for _, (target, service) in ours().items():
        assert service["image"].endswith(f":{version[1]}")
        if "build" in service:
            assert (FOLDER / service["build"]["context"]).resolve() == PROJECT_ROOT
            assert (PROJECT_ROOT / service["build"]["dockerfile"]).exists()
            built.add(service["build"]["target"])
            assert service["build"]["target"] == target
    assert built == {target for target, _ in ours().values()}


def test_every_variable_is_read_by_somebody():
    of_mlflow = known.variables_of_mlflow()
    for name, (_, service) in ours().items():
        assert set(service["environment"]) <= known.variables() | (of_mlflow if name == "mlflow" else set()), name
    for name in services()["nginx"]["environment"]:
        assert f"${name}" in (FOLDER / "start-nginx.sh").read_text()


def test_what_has_to_be_filled_in_is_in_the_example_without_a_value():
    lines = (FOLDER / "example.env").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    asked = dict(re.findall(r"(?<!\$)\$\{(\w+):([?-])", FILE.read_text()))
    assert set(example) == set(asked)
    for name, kind in asked.items():
        if any(word in name for word in ("PASSWORD", "SECRET")):
            assert example[name] == ""
        if name in ("DJANGO_SECRET_KEY", "HAR_POSTGRES_PASSWORD", "HAR_REDIS_PASSWORD"):
            assert kind == "?"  # It does not start without.
    assert ".env" in (FOLDER / ".gitignore").read_text().splitlines()


def test_commands_are_in_their_images():
    for target, service in ours().values():
        known.require_command(target, service.get("command") or stages()[target].command())
        check = service.get("healthcheck", {})
        health = check["test"][1:] if "test" in check else stages()[target].health()
        if health and not check.get("disable"):
            known.require_command(target, health)


def test_who_is_waited_for_has_a_health_check():
    for name, service in services().items():
        for other, how in service.get("depends_on", {}).items():
            waited = services()[other]
            if how["condition"] == "service_healthy":
                target = ours().get(other, ("", {}))[0]
                own = waited.get("healthcheck", {})
                assert not own.get("disable"), (name, other)
                assert "test" in own or (target and stages()[target].health()), (name, other)
            else:
                assert how["condition"] == "service_completed_successfully"
                assert waited["restart"] == "no"


def test_volumes_and_networks_are_there():
    for name, service in services().items():
        for volume in service.get("volumes", []):
            source, _, target = volume.rpartition(":") if not volume.endswith(":ro") else volume[:-3].rpartition(":")
            if source.startswith("."):
                path = str((FOLDER / source).resolve().relative_to(PROJECT_ROOT))
                assert any(file == path or file.startswith(f"{path}/") for file in tracked()), volume
                assert volume.endswith(":ro")
            elif source.startswith("/"):
                # The machine's own: where certbot answers, as nginx's configuration says.
                assert volume == f"{source}:{source}:ro"
                assert f"root {source};" in (proxy.SHIPPED / "har.conf").read_text()
            elif source and not source.startswith("${"):
                assert source in compose()["volumes"], volume
                if name in ours():
                    assert target == stages()[ours()[name][0]].environment()["HAR_HOME"]
        assert set(service["networks"]) <= set(compose()["networks"])
    # All share one, but for MLflow, which has its own.
    assert {name for name, (_, service) in ours().items() if "home:/var/lib/har" in service["volumes"]} == {
        *("api", "app", "jobs", "migrate", "worker"),
    }
    assert compose()["networks"]["back"] == {"internal": True}
    assert all(services()[name]["networks"] == ["back"] for name in ("mlflow", "postgres", "redis"))


def test_addresses_agree():
    address = {
        name: service["networks"]["front"]["ipv4_address"]
        for name, service in services().items()
        if isinstance(service["networks"], dict)
    }
    (pool,) = compose()["networks"]["front"]["ipam"]["config"]
    for fixed in map(ip_address, address.values()):
        # What others are given is never one of these.
        assert fixed in ip_network(pool["subnet"])
        assert fixed not in ip_network(pool["ip_range"])
    script = (FOLDER / "start-nginx.sh").read_text()
    for name, (target, service) in ours().items():
        if name in address:
            port = stages()[target].last("EXPOSE")
            assert f"{address[name]}:{port}/" in script
            assert port in " ".join(service.get("command") or stages()[target].command()) or name == "api"
    assert services()["api"]["environment"]["FORWARDED_ALLOW_IPS"] == address["nginx"]
    assert services()["api"]["hostname"] == services()["jobs"]["hostname"]


@pytest.mark.skipif(not proxy.NGINX or not proxy.OPENSSL, reason="nginx and openssl are needed")
def test_nginx_takes_the_configuration_that_is_made(tmp_path):
    har, etc = tmp_path / "har", tmp_path / "nginx"
    for folder in (har, etc / "conf.d", etc / "snippets"):
        folder.mkdir(parents=True)
    shutil.copytree(proxy.SHIPPED / "snippets", har / "snippets")
    proxy.certificate(tmp_path)
    text = (proxy.SHIPPED / "har.conf").read_text()
    for port in ("80", "443"):
        text = text.replace(f"listen {port}", f"listen {free_port()}").replace(f"listen [::]:{port}", "listen [::1]:0")
    text = re.sub(r"listen \[::1\]:0.*;", "", text)
    text = re.sub(r"/etc/letsencrypt/live/[\w.]+", str(tmp_path), text)
    (har / "har.conf").write_text(text)
    (etc / "nginx.conf").write_text(f"pid {etc}/pid;\nevents {{}}\nhttp {{ include {etc}/conf.d/*.conf; }}\n")
    script = (FOLDER / "start-nginx.sh").read_text().replace("/etc/har", str(har)).replace("/etc/nginx", str(etc))
    script = script.replace("exec nginx -g 'daemon off;'", f"exec {proxy.NGINX} -t -p {tmp_path} -c {etc}/nginx.conf")
    names = {"HAR_APP_NAME": "photos.example.net", "HAR_API_NAME": "api.photos.example.net"}
    done = subprocess.run(
        ["sh", "-c", script], check=False, env={**os.environ, **names}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    made = (etc / "conf.d" / "har.conf").read_text()
    assert "example.org" not in re.sub(r"#.*", "", made)
    assert "127.0.0.1" not in re.sub(r"#.*", "", made)
    assert re.search(r"^\s*auth_basic ", made, re.MULTILINE)
    assert (etc / "snippets" / "har-own-network.conf").read_text() == "deny all;\n"


@pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is needed")
def test_redis_wants_its_password(tmp_path):
    service = services()["redis"]
    port = free_port()
    command = [word.replace("$$", "$").replace("/tmp", str(tmp_path)) for word in service["command"]]
    command[-1] = command[-1].replace("--dir /data", f"--dir {tmp_path} --bind 127.0.0.1 --port {port}")
    environment = {**os.environ, **dict.fromkeys(service["environment"], "opensesame")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            return bool(client.Redis(port=port, password="opensesame").ping())
        except client.exceptions.ConnectionError:
            return False

    try:
        until(answers, process=process)
        with pytest.raises(client.exceptions.AuthenticationError):
            client.Redis(port=port).ping()
        assert "opensesame" not in Path(f"/proc/{process.pid}/cmdline").read_text()
    finally:
        ended(process)


def test_mlflow_answers_to_the_name_that_the_others_call_it_by(monkeypatch):
    """Asked of MLflow itself; its server takes too long to start here."""
    from mlflow.cli import cli
    from mlflow.server import security_utils as security

    service = services()["mlflow"]
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", service["environment"]["MLFLOW_SERVER_ALLOWED_HOSTS"])
    allowed = security.get_allowed_hosts_from_env()
    uri = services()["worker"]["environment"]["MLFLOW_TRACKING_URI"]
    assert security.is_allowed_host_header(allowed, httpx.URL(uri).netloc.decode())
    assert not security.is_allowed_host_header(allowed, "elsewhere.example.org")
    health = httpx.URL(service["healthcheck"]["test"][-1])
    assert security.is_health_endpoint(health.path)  # It may be asked by any name.
    _, verb, *options = service["command"]
    understood = cli.commands[verb].make_context(verb, options).params
    assert (understood["host"], understood["port"]) == ("0.0.0.0", health.port)
