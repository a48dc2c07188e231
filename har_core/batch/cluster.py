"""The engine on a Ray cluster: Ray Data's ``map_batches`` with a pool of actors, each of which holds a predictor.

A row of the dataset is a batch of photos' paths, and becomes that batch's rows as JSON: few, small blocks, which Ray
returns into the driver's memory, so that they outlive the node that made them. Only the driver writes.
"""

import json
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from har_core import bundle as bundles
from har_core import config
from har_core.batch import runs, scoring
from har_core.batch.runs import Engine
from har_core.batch.scoring import Row
from har_core.batch.sources import Source
from har_core.bundle import Bundle
from har_core.errors import ClusterUnusable, HarError
from har_core.predictor import Predictor

try:
    import ray
    from ray.data import ActorPoolStrategy, DataContext, Datasource, ReadTask
    from ray.data.block import BlockMetadata
    from ray.exceptions import RayError
    from ray.util.placement_group import NODE_ID_LABEL_KEY
except ImportError as _error:
    raise ClusterUnusable("Ray is not installed: pip install -r requirements-cluster.txt.") from _error

_T = TypeVar("_T")

_BATCH = 64
# Half of what an actor uses. So there is always a CPU for the reader; and when a node is lost, the others have room for
# its actors, which would otherwise wait for a node to come back, with the photos that they had taken.
_CPUS = 0.5
# What is read ahead, and waits to be written, at most; of the cluster's memory.
_WAITING_BYTES = 50_000_000
_STORE_BYTES = 200_000_000
_STARTS = 4
# What decides which photos are accepted holds on all nodes as on the driver's.
_LIMITS = ("max_image_bytes", "max_image_pixels", "max_image_side")


def engine(bundle: Bundle, top_k: int) -> Engine:
    """The engine that works on the cluster that this process is ``connected`` to.

    What it gives raises ``ClusterUnusable`` where the cluster breaks down, or gives other rows than it was asked for.

    Args:
        bundle: The model. It reaches the nodes through Ray's object store, and is verified there.
        top_k: How many labels a row lists.
    """

    def compute(source: Source, left: Iterator[str], done: int) -> Generator[Row]:
        try:
            for row in _rows(source, bundle, top_k, done):
                if row["path"] != next(left, None):
                    raise ClusterUnusable(f"The cluster lists other photos than this machine: {row['path']}.")
                yield row
        except RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, HarError):
                raise cause from error
            raise ClusterUnusable(f"The Ray cluster has failed: {_last_line(error)}.") from error
        if next(left, None) is not None:
            raise ClusterUnusable("The cluster lists fewer photos than this machine.")

    return compute


@contextmanager
def connected() -> Iterator[None]:
    """Connects to the cluster of ``RAY_ADDRESS``; where none is named, starts one on this machine for the time.

    Raises:
        ClusterUnusable: It cannot be reached or started.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Its C++ code would write to the screen.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    address = os.environ.get("RAY_ADDRESS") or "local"
    _knock(address)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == "local":
        options |= {"num_cpus": runs.cores(), "object_store_memory": _STORE_BYTES, "include_dashboard": False}
    try:
        patiently(lambda: ray.init(address, **options))
    except Exception as error:  # Where its own processes are late, Ray raises nothing narrower.
        raise ClusterUnusable(f"There is no Ray cluster at {address}: {_last_line(error)}.") from error
    try:
        yield
    finally:
        ray.shutdown()


def patiently(start: Callable[[], _T]) -> _T:
    """Starts Ray, which gives its own processes half a minute and then gives up; a busy machine takes longer."""
    for _ in range(_STARTS - 1):
        try:
            return start()
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
            ray.shutdown()
    return start()


def _knock(address: str) -> None:
    """Tells at once what Ray would take minutes to find out."""
    if address.startswith("ray://"):
        raise ClusterUnusable(f"{address} cannot be used: give HOST:PORT of the cluster's head, on one of its nodes.")
    host, _, port = address.rpartition(":")
    if port.isdecimal():
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except OSError as error:
            raise ClusterUnusable(f"There is no Ray cluster at {address}: {error.strerror or error}.") from error


def _rows(source: Source, bundle: Bundle, top_k: int, done: int) -> Iterator[Row]:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    actors = max(1, int(resources.get("CPU", 1)))
    files = ray.put({name: bundle.read(name) for name in bundle.info.sha256} | {bundles.INFO: _description(bundle)})
    with _context():
        here = {NODE_ID_LABEL_KEY: ray.get_runtime_context().get_node_id()}
        dataset = ray.data.read_datasource(
            _Paths(source, done), override_num_blocks=1, num_cpus=0, label_selector=here
        ).map_batches(
            _Scorer,
            fn_constructor_args=(files, source, top_k, _limits()),
            batch_size=None,
            batch_format="pyarrow",
            compute=ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=2),
            num_cpus=_CPUS,
        )
        for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for text in table["rows"].to_pylist():
                yield from json.loads(text)


@contextmanager
def _context() -> Iterator[None]:
    context = DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    context.execution_options.resource_limits = context.execution_options.resource_limits.copy(
        object_store_memory=_WAITING_BYTES
    )
    # Each batch of paths is a block of its own, however small.
    context.target_max_block_size = 1
    # What it tells the screen goes into the files of Ray's session, too.
    for handler in logging.getLogger("ray.data").handlers:
        if handler.name == "console":
            handler.setLevel(logging.CRITICAL)
    with DataContext.current(context):
        yield


def _description(bundle: Bundle) -> bytes:
    return (bundle.folder / bundles.INFO).read_bytes()


def _limits() -> dict[str, str]:
    settings = config.settings()
    return {f"HAR_{name.upper()}": str(getattr(settings, name)) for name in _LIMITS}


def _last_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1].rstrip(".")


_Files = ray.ObjectRef[dict[str, bytes]]


class _Paths(Datasource):
    """A source's paths, read in one go on the driver's node, where the photos are listed."""

    def __init__(self, source: Source, done: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._source, self._done = source, done

    def estimate_inmemory_data_size(self) -> int | None:
        return None

    def get_read_tasks(self, parallelism: int, *_: object, **__: object) -> list[ReadTask]:
        del parallelism
        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [ReadTask(_read(self._source, self._done), unknown)]


def _read(source: Source, done: int) -> Callable[[], Iterable[pa.Table]]:
    def read() -> Iterator[pa.Table]:
        paths = islice(source.paths(), done, None)
        while batch := list(islice(paths, _BATCH)):
            # As JSON, since names of files need not be text.
            yield pa.table({"paths": [json.dumps(batch)]})

    return read


class _Scorer:
    """What an actor holds."""

    def __init__(self, files: "_Files", source: Source, top_k: int, limits: dict[str, str]) -> None:
        os.environ.update(limits)
        config.settings.cache_clear()
        with tempfile.TemporaryDirectory() as folder:
            for name, content in ray.get(files).items():
                Path(folder, name).write_bytes(content)
            bundle = Bundle(Path(folder))
            bundle.verify_files()
            self._predictor = Predictor(bundle, threads=1)
        self._source, self._top_k = source, top_k

    def __call__(self, batch: pa.Table) -> pa.Table:
        paths = [path for text in batch["paths"].to_pylist() for path in json.loads(text)]
        rows = scoring.rows(map(self._source.item, paths), self._predictor, self._top_k)
        return pa.table({"rows": [json.dumps(list(rows))]})
