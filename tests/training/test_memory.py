"""How much memory is left, as the system tells it."""

from pathlib import Path

import pytest

from training import estimate, memory, queue
from training.recipe import Recipe

GB = 10**9


@pytest.fixture
def system(tmp_path):
    """Says what a system would say; paths are those of files under /."""

    def say(**files: str) -> int | None:
        for name, content in {"proc/self/cgroup": "", **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return memory.available(tmp_path / "proc", tmp_path / "groups")

    return say


def group(name: str, limit: int | str, usage: int, cache: int = 0, version: int = 2) -> dict[str, str]:
    names = ("memory.max", "memory.current", "inactive_file")
    if version == 1:
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    content = (str(limit), f"{usage}\n", f"anon 1\n{names[2]} {cache}\n")
    return {
        f"groups/{name}{file}": text for file, text in zip((names[0], names[1], "memory.stat"), content, strict=True)
    }


MACHINE = {"proc/meminfo": f"MemTotal: {32 * 10**6} kB\nMemAvailable: {16 * 10**6} kB\n"}


def test_without_groups_it_is_what_the_machine_has_left(system):
    assert system(**MACHINE) == 16_384 * 10**6


@pytest.mark.parametrize(
    ("line", "name", "version"),
    [
        ("0::/", "", 2),  # As in a container.
        ("0::/app.slice/har.service\n", "app.slice/har.service/", 2),
        ("0::/app.slice/har.service/worker", "app.slice/", 2),  # The limit is of an outer group.
        ("0::/somewhere/else", "", 2),  # A path of the host, which the container does not see.
        ("5:cpu,memory:/docker/abc\n1:name=systemd:/x\n", "memory/docker/abc/", 1),
        ("5:memory:/docker/abc", "memory/", 1),
    ],
)
def test_a_group_with_less_counts(system, line, name, version):
    files = MACHINE | {"proc/self/cgroup": line} | group(name, GB, 600_000_000, 100_000_000, version)
    inner = Path("groups") / line.partition("::/")[2].strip() / "cgroup.procs"
    if "somewhere" not in line and version == 2:
        files[str(inner)] = ""
    assert system(**files) == 500_000_000


def test_no_limit_is_none(system):
    files = group("", "max", 10**9)
    assert system(**MACHINE, **files) == 16_384 * 10**6


def test_a_system_that_says_nothing_stands_against_nothing(system, coloured_photos, monkeypatch):
    assert system() is None
    monkeypatch.setattr(memory, "available", lambda: None)
    assert estimate.estimate(Recipe(), coloured_photos).problems == []


def test_a_training_that_would_be_killed_is_not_begun(coloured_photos, monkeypatch, use_setting):
    monkeypatch.setattr(memory, "available", lambda: int(1.5 * GB))
    assert estimate.estimate(Recipe(), coloured_photos).problems == []
    (problem,) = estimate.estimate(Recipe.model_validate({"phases": [{"epochs": 1}]}), coloured_photos).problems
    assert "takes about 2.0 GB of memory, and this machine has 1.5 GB to spare" in problem
    monkeypatch.setattr(memory, "available", lambda: int(0.6 * GB))
    (problem,) = estimate.estimate(Recipe(), coloured_photos).problems
    assert "larger machine" in problem
    # Others train for this one, and may have more.
    use_setting("QUEUE_URL", "redis://127.0.0.1:9")
    assert not queue.starts_workers()
    assert estimate.estimate(Recipe(), coloured_photos).problems == []
