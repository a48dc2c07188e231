"""Processes that nobody waits for."""

from concurrent.futures import ThreadPoolExecutor

from har_core.files import is_locked
from tests.waiting import until
from training import background


def test_who_asks_many_times_at_once_gets_one_process(tmp_path):
    log, leave = tmp_path / "log", tmp_path / "leave"
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(leave)!r}).exists(): time.sleep(0.02)"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: background.start_once(["timeit", "-n1", "-r1", wait], log), range(8)))
    for times in (1, 2):
        leave.touch()
        until(lambda: not is_locked(log.with_suffix(".started")))
        assert log.read_text().count("best of") == times
        background.start_once(["timeit", "-n1", "-r1", "pass"], log)
