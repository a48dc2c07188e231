"""Bulk scoring on a Ray cluster of several nodes, all of them on this machine."""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest

from har_core.batch import runs, sources
from har_core.batch.scoring import Item
from har_core.batch.sources import Tree
from har_core.config import PROJECT_ROOT
from har_core.errors import ClusterUnusable
from har_core.predictor import Predictor
from tests import rays
from tests.core.batch.photos import photo
from tests.servers import free_port
from tests.waiting import until

ray = pytest.importorskip("ray", reason="Ray is not installed: requirements-cluster.txt")

COUNT, DONE, ROWS = 400, 10, 2000
# By itself, Ray waits for a head that is gone for a minute.
QUICK_END = {"RAY_gcs_rpc_server_reconnect_timeout_s": "5"}


@dataclass(frozen=True)
class Slow(Tree):
    """A disk that takes its time."""

    def item(self, path: str) -> Item:
        item = super().item(path)
        return Item(path, lambda: time.sleep(0.02) or item.read())


@pytest.fixture
def folder():
    """For Ray's own files; names of sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield folder


@pytest.fixture
def nodes(folder):
    """A head and two workers of one CPU each; what they have started is gone afterwards."""
    from ray.cluster_utils import Cluster

    from har_core.batch.cluster import patiently

    node = {"num_cpus": 1, "object_store_memory": 100_000_000}
    # A lost node is told from one that refuses three connections, a second apart.
    patience = {"health_check_period_ms": 1000, "health_check_failure_threshold": 3}
    head = {**node, "include_dashboard": False, "temp_dir": folder, "_system_config": patience}
    cluster = patiently(lambda: Cluster(initialize_head=True, head_node_args=head))
    try:
        workers = [patiently(lambda: cluster.add_node(**node)) for _ in range(2)]
        cluster.wait_for_nodes()
        yield cluster, workers
    finally:
        cluster.shutdown()


def nodes_of_actors() -> set[str]:
    actors = ray._private.state.actors().values()
    return {actor["Address"]["NodeID"] for actor in actors if actor["State"] == "ALIVE"}


def test_a_lost_node_costs_no_row(nodes, tiny_bundle, tmp_path, monkeypatch):
    from har_core.batch import cluster

    (tmp_path / "photos").mkdir()
    for number in range(COUNT):
        payload = photo(number) if number % 50 else b"nonsense"
        (tmp_path / "photos" / f"{number:04}.png").write_bytes(payload)
    source = Slow(str(tmp_path), "photos", sources.BELOW, only_photos=True)
    monkeypatch.setenv("RAY_ADDRESS", nodes[0].address)
    with cluster.connected():
        found = cluster.engine(tiny_bundle, 2)(source, islice(source.paths(), DONE, None), DONE)
        begun = [next(found)]
        (lost,) = [worker for worker in nodes[1] if worker.node_id in nodes_of_actors()][:1]
        nodes[0].remove_node(lost, allow_graceful=False)
        whole = begun + list(found)
        assert lost.node_id not in nodes_of_actors()
    assert whole == list(runs.local(Predictor(tiny_bundle, 2), 2)(source, source.paths(), 0))[DONE:]


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_a_cluster_that_is_not_there_is_told_at_once(monkeypatch, address):
    from har_core.batch import cluster

    monkeypatch.setenv("RAY_ADDRESS", address.format(free_port()))
    with pytest.raises(ClusterUnusable, match="127"), cluster.connected():
        pass


def test_a_start_that_takes_long_is_tried_again(monkeypatch):
    from har_core.batch import cluster

    tries = []

    def late(*_, **__) -> None:
        tries.append(1)
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", late)
    with pytest.raises(ClusterUnusable, match="timed out"), cluster.connected():
        pytest.fail("there is none")
    assert len(tries) == cluster._STARTS


def test_a_failure_without_words_is_told_by_its_kind(monkeypatch):
    from har_core.batch import cluster

    def fail(*_, **__) -> None:
        raise ConnectionAbortedError

    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(ClusterUnusable, match="ConnectionAbortedError"), cluster.connected():
        pytest.fail("there is none")


def test_killed_with_the_ray_that_it_has_started_it_goes_on(tiny_bundle, tmp_path, folder):
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(photo(number, 400) if number else b"nonsense")
    table = tmp_path / "photos.csv"
    table.write_text("path\n" + "".join(f"{number % 10}.png\n" for number in range(ROWS)))
    mark = f"HAR_TEST_MARK={uuid.uuid4()}"
    environment = {**os.environ, **dict([mark.split("=")]), "HAR_THREADS": "1", "RAY_TMPDIR": folder, **QUICK_END}
    environment.pop("RAY_ADDRESS", None)
    command = [sys.executable, "-m", "har_cli", "batch", str(table), "--model", str(tiny_bundle.folder)]

    def start(output: Path, engine: str) -> subprocess.Popen[bytes]:
        arguments = [*command, str(output), "--engine", engine]
        return subprocess.Popen(arguments, env=environment, cwd=PROJECT_ROOT, stderr=(tmp_path / "log").open("ab"))

    output, journal = tmp_path / "rows.jsonl", tmp_path / "rows.jsonl.partial"
    try:
        process = start(output, "ray")
        until(lambda: journal.exists() and journal.stat().st_size > 0, told=(tmp_path / "log").read_text)
        process.kill()
        process.wait()
        before = journal.read_bytes()
        until(lambda: not rays.at_work(mark), told=(tmp_path / "log").read_text)
        assert not output.exists()
        assert 0 < before.count(b"\n") < ROWS
        assert start(output, "ray").wait(900) == 1  # since some photos are none
        assert start(tmp_path / "local.jsonl", "local").wait(900) == 1
        assert output.read_bytes() == (tmp_path / "local.jsonl").read_bytes()
        assert output.read_bytes().startswith(before[: before.rindex(b"\n") + 1])
        assert output.read_bytes().count(b"\n") == ROWS
        until(lambda: not rays.at_work(mark), told=(tmp_path / "log").read_text)
    finally:
        rays.kill(mark)
