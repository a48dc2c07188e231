"""The manifests are valid, and what they say of each other, of the images and of the settings is so."""

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from api_service.config import ApiSettings
from har_core.config import PROJECT_ROOT
from tests.deploy import known
from tests.deploy.containerfile import stages

FOLDER = PROJECT_ROOT / "deploy" / "kubernetes"
# preStop.sleep is on by default since the first.
VERSIONS = ("1.30", "1.34", "1.37")
Document = dict[str, Any]


def documents() -> list[Document]:
    """All objects, in the order of kustomization.yaml."""
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    return [found for name in listed for found in yaml.safe_load_all((FOLDER / name).read_text())]


def of_kind(*kinds: str) -> list[Document]:
    return [document for document in documents() if document["kind"] in kinds]


def names(kind: str) -> set[str]:
    return {document["metadata"]["name"] for document in of_kind(kind)}


def pods() -> dict[str, Document]:
    """Who runs what: the templates of all pods, by their owner's name."""
    owners = of_kind("Deployment", "Job")
    assert owners
    return {owner["metadata"]["name"]: owner["spec"]["template"] for owner in owners}


def containers() -> list[tuple[str, Document]]:
    return [(name, pod["spec"]["containers"][0]) for name, pod in pods().items()]


def env_file(name: str) -> dict[str, str]:
    lines = [line for line in (FOLDER / name).read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_every_object_is_valid():
    for version in VERSIONS:
        for document in documents():
            kubernetes_validate.validate(document, version, strict=True)


def test_a_mistake_would_be_found():
    document = of_kind("Deployment")[0]
    document["spec"]["template"]["spec"]["hostNames"] = "har"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)


def test_the_kustomization_names_every_file_and_every_image():
    said = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    assert set(said) == {
        *("apiVersion", "kind", "namespace", "resources", "configMapGenerator", "secretGenerator", "images"),
    }
    assert sorted([*said["resources"], "kustomization.yaml"]) == sorted(path.name for path in FOLDER.glob("*.yaml"))
    assert {image["name"] for image in said["images"]} == {container["image"] for _, container in containers()}
    version = re.search(r'^version = "(.+)"', (PROJECT_ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    assert {image["newTag"] for image in said["images"]} == {version[1]}
    assert names("Namespace") == {said["namespace"]}
    assert said["configMapGenerator"] == [{"name": "settings", "envs": ["settings.env"]}]
    assert said["secretGenerator"] == [{"name": "secrets", "envs": ["secrets.env"]}]


def test_no_secret_is_under_version_control():
    assert "secrets.env" in (FOLDER / ".gitignore").read_text().splitlines()
    assert all("REPLACE" in value for value in env_file("secrets.example.env").values())
    assert not of_kind("Secret")


def test_selectors_select():
    for owner in of_kind("Deployment"):
        assert (
            owner["spec"]["selector"]["matchLabels"].items() <= owner["spec"]["template"]["metadata"]["labels"].items()
        )
        for spread in owner["spec"]["template"]["spec"].get("topologySpreadConstraints", []):
            assert spread["labelSelector"] == owner["spec"]["selector"]
    labels = [pod["metadata"]["labels"] for pod in pods().values()]
    wanted = [service["spec"]["selector"] for service in of_kind("Service")]
    wanted += [budget["spec"]["selector"]["matchLabels"] for budget in of_kind("PodDisruptionBudget")]
    wanted += [policy["spec"]["podSelector"].get("matchLabels", {}) for policy in of_kind("NetworkPolicy")]
    for selector in wanted:
        assert any(selector.items() <= found.items() for found in labels), selector


def test_what_is_referred_to_is_there():
    settings, secrets = set(env_file("settings.env")), set(env_file("secrets.example.env"))
    left_out = set(re.findall(r"^#(\w+)=", (FOLDER / "secrets.example.env").read_text(), re.MULTILINE))
    for owner, container in containers():
        for source in container["envFrom"]:
            assert source in ({"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "secrets"}}), owner
        given = {entry["name"]: entry for entry in container.get("env", [])}
        for entry in given.values():
            if "valueFrom" in entry:
                key = entry["valueFrom"]["secretKeyRef"]
                assert key["name"] == "secrets"
                assert key["key"] in (left_out if key.get("optional") else secrets)
        assert set(given) | settings | secrets <= known.variables(), owner
        assert not set(given) & settings, owner
        volumes = {volume["name"]: volume for volume in pods()[owner]["spec"]["volumes"]}
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert set(mounts.values()) == set(volumes), owner
        assert volumes["home"]["persistentVolumeClaim"]["claimName"] in names("PersistentVolumeClaim")
        target = container["image"].removeprefix("har-")
        assert mounts[stages()[target].environment()["HAR_HOME"]] == "home", owner
        assert "/tmp" in mounts
    for scaler in of_kind("HorizontalPodAutoscaler"):
        reference = scaler["spec"]["scaleTargetRef"]
        assert reference["name"] in names(reference["kind"])
        assert not any(
            "replicas" in owner["spec"]
            for owner in of_kind("Deployment")
            if owner["metadata"]["name"] == reference["name"]
        )


def test_ports_lead_to_what_listens():
    ports = {
        owner: {port["name"]: port["containerPort"] for port in container.get("ports", [])}
        for owner, container in containers()
    }
    for owner, container in containers():
        exposed = stages()[container["image"].removeprefix("har-")].last("EXPOSE")
        if ports[owner]:
            assert [str(port) for port in ports[owner].values()] == [exposed]
    for service in of_kind("Service"):
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= set(
            ports[service["spec"]["selector"]["app"]]
        )
    served = {
        service["metadata"]["name"]: {port["name"] for port in service["spec"]["ports"]}
        for service in of_kind("Service")
    }
    for ingress in of_kind("Ingress"):
        assert [rule["host"] for rule in ingress["spec"]["rules"]] == ingress["spec"]["tls"][0]["hosts"]
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                assert backend["port"]["name"] in served[backend["name"]]
                if path["pathType"] == "Exact":
                    assert path["path"] in known.paths()
    for policy in of_kind("NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            for port in rule["ports"]:
                assert port["port"] in ports[policy["spec"]["podSelector"]["matchLabels"]["app"]]


def test_probes_ask_what_answers():
    allowed = env_file("settings.env")["DJANGO_ALLOWED_HOSTS"].split(",")
    for owner, container in containers():
        probes = [container[kind] for kind in ("startupProbe", "livenessProbe", "readinessProbe") if kind in container]
        assert len(probes) == (3 if "ports" in container else 0), owner
        for probe in probes:
            asked = probe["httpGet"]
            assert asked["path"] in known.paths()
            assert asked["port"] in {port["name"] for port in container["ports"]}
            if container["image"] == "har-api":
                assert asked["httpHeaders"][0]["value"] in allowed
    api = dict(containers())["api"]
    assert api["readinessProbe"]["httpGet"]["path"] == "/readyz"
    # Who lives but cannot answer, as without a database, is not helped by a restart.
    assert api["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_commands_are_in_their_images():
    for _, container in containers():
        target = container["image"].removeprefix("har-")
        known.require_command(target, container.get("command") or stages()[target].command())


def test_pods_are_of_the_restricted_profile():
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/, which the namespace enforces."""
    for owner, pod in pods().items():
        spec = pod["spec"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), owner
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        # Kubernetes would set variables as HAR_API_PORT for a Service har-api.
        assert spec["enableServiceLinks"] is False
        (container,) = spec["containers"]
        target = container["image"].removeprefix("har-")
        assert f"{spec['securityContext']['runAsUser']}:{spec['securityContext']['runAsGroup']}" == stages()[
            target
        ].last("USER")
        for each in (container, *spec.get("initContainers", [])):
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(each["resources"]["requests"])
            assert "memory" in each["resources"]["limits"]
        assert all(set(volume) - {"name"} <= {"emptyDir", "persistentVolumeClaim"} for volume in spec["volumes"])


def test_folders_of_the_shared_volume_that_others_are_mounted_at_are_not_made_by_root():
    for owner, container in containers():
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        home = next(path for path, name in mounts.items() if name == "home")
        within = [path for path in mounts if path.startswith(f"{home}/")]
        assert bool(within) == (owner == "api")
        if within:
            (first,) = pods()[owner]["spec"]["initContainers"]
            assert first["image"] == container["image"]
            assert first["command"] == ["mkdir", "-p", *within]
            assert first["volumeMounts"] == [{"name": "home", "mountPath": home}]


def test_only_who_talks_to_the_database_is_told_its_password():
    told = {owner for owner, container in containers() if {"secretRef": {"name": "secrets"}} in container["envFrom"]}
    assert told == {"api", "jobs", "migrate"}


def test_a_pod_has_the_time_that_an_answer_may_take():
    spec = pods()["api"]["spec"]
    wait = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    longest = ApiSettings.model_fields["answer_seconds"].default
    # gunicorn's own time is the answer's and five seconds.
    assert spec["terminationGracePeriodSeconds"] >= wait + longest + 5


def test_the_api_and_its_job_worker_know_each_other():
    """A lock that bears the machine's name says that there is a worker."""
    assert pods()["api"]["spec"]["hostname"] == pods()["jobs"]["spec"]["hostname"]
