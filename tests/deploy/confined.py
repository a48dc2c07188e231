"""``python -m tests.deploy.confined UNIT STATE WORD…``: runs a command as systemd would run it for that unit.

As root, and as far as that goes without systemd: a user, state folder, environment and file mode mask as the unit says;
code and system read only; a /tmp of its own; no capabilities; no executable memory where the unit forbids it; and
its system calls and kinds of sockets alone. What works here wrote nowhere else, and called nothing else. Not done:
cgroups (MemoryMax, TasksMax), namespaces of users and devices, /proc.
"""

import ctypes
import ctypes.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from har_core.config import PROJECT_ROOT

UNITS = PROJECT_ROOT / "deploy" / "systemd"
UID = 64123

_ALLOW, _EPERM, _EQUAL = 0x7FFF0000, 0x00050001, 4
_NO_NEW_PRIVILEGES, _DROP_CAPABILITY, _DENY_WRITE_EXECUTE = 38, 24, 65
_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}


class _Comparison(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def settings(unit: str) -> dict[str, list[str]]:
    """A unit's settings, those of ``har-.service.d`` among them; each line of a name is one value."""
    found: dict[str, list[str]] = {}
    for path in (UNITS / unit, UNITS / "har-.service.d" / "common.conf"):
        for line in path.read_text("utf-8").splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                found.setdefault(name, []).append(value)
    return found


def main(unit: str, state: str, *words: str) -> None:
    """Confines this process, then becomes the command."""
    if "CONFINED" not in os.environ:
        again = [sys.executable, "-m", "tests.deploy.confined", unit, state, *words]
        os.execvpe("unshare", ["unshare", "--mount", *again], os.environ | {"CONFINED": ""})
    found = settings(unit)
    _mount(Path(state), Path(found["WorkingDirectory"][0]), Path("/var/lib") / found["StateDirectory"][0])
    for number in range(64):
        _prctl(_DROP_CAPABILITY, number)
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    os.umask(int(found["UMask"][0], 8))
    os.chdir(found["WorkingDirectory"][0])
    assert _prctl(_NO_NEW_PRIVILEGES, 1) == 0
    if found.get("MemoryDenyWriteExecute") == ["yes"]:
        assert _prctl(_DENY_WRITE_EXECUTE, 1) == 0, "this kernel cannot do that (Linux 6.3)"
    _filter(_system_calls(found["SystemCallFilter"]), " ".join(found["RestrictAddressFamilies"]).split())
    environment = {"PATH": os.environ["PATH"], "USER": "har", "LANG": "C.UTF-8"}
    environment |= dict(pair.split("=", 1) for line in found["Environment"] for pair in line.split())
    environment |= environment_file()
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("HAR_API", "DJANGO_SE"))}
    os.execve(words[0], words, environment)


def environment_file() -> dict[str, str]:
    """What the environment file that ships says."""
    lines = (UNITS / "har.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _mount(state: Path, code: Path, home: Path) -> None:
    (state.parent / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\nhar:x:{UID}:{UID}::{home}:/usr/sbin/nologin\n")
    (state.parent / "passwd").chmod(0o644)
    os.chown(state, UID, UID)
    state.chmod(int(settings("har-api.service")["StateDirectoryMode"][0], 8))
    _sh("mount", "--bind", state.parent / "passwd", "/etc/passwd")
    for target, source in ((code, PROJECT_ROOT), (home, state)):
        _sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", target.parent)
        target.mkdir()
        _sh("mount", "--bind", source, target)
    python = Path(sys.base_prefix)
    if python.is_relative_to("/root"):  # Which is hidden, as by ProtectHome.
        _sh("mount", "--bind", python, "/mnt")
        _sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/root")
        python.mkdir(parents=True)
        _sh("mount", "--move", "/mnt", python)
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4]
        if not point.startswith(("/proc", "/sys", "/dev")) and point != str(home):
            _sh("mount", "-o", "remount,bind,ro", point, check=False)
    for point in ("/tmp", "/var/tmp"):
        _sh("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", point)
        if PROJECT_ROOT.is_relative_to(point):  # Programs of its .venv know it by that path.
            PROJECT_ROOT.mkdir(parents=True)
            _sh("mount", "--bind", code, PROJECT_ROOT)


def _sh(*words: object, check: bool = True) -> None:
    subprocess.run(list(map(str, words)), check=check, capture_output=not check)


def _prctl(*numbers: int) -> int:
    return ctypes.CDLL(None).prctl(*numbers, *[0] * (5 - len(numbers)))


def _system_calls(lines: list[str]) -> set[str]:
    found: set[str] = set()
    for line in lines:
        for name in line.removeprefix("~").split():
            found = found - _group(name) if line.startswith("~") else found | _group(name)
    return found


def _group(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True)
    lines = [line.strip() for line in told.stdout.splitlines()[1:]]
    return {each for line in lines if line and not line.startswith("#") for each in _group(line)}


def _filter(calls: set[str], families: list[str]) -> None:
    library = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(_EPERM))

    def allow(number: int, *comparisons: _Comparison) -> None:
        array = (_Comparison * max(1, len(comparisons)))(*comparisons)
        library.seccomp_rule_add_array(context, _ALLOW, number, len(comparisons), array)

    for name in sorted(calls - {"socket"}):
        if (number := library.seccomp_syscall_resolve_name(name.encode())) >= 0:
            allow(number)
    for family in families:
        allow(library.seccomp_syscall_resolve_name(b"socket"), _Comparison(0, _EQUAL, _FAMILIES[family], 0))
    assert library.seccomp_load(context) == 0


def missing() -> str:
    """Why this cannot be done here; empty where it can."""
    if os.geteuid() != 0:
        return "only root can confine a program as systemd does"
    lacks = [name for name in ("unshare", "systemd-analyze") if not shutil.which(name)]
    lacks += [] if ctypes.util.find_library("seccomp") else ["libseccomp"]
    return f"not installed: {', '.join(lacks)}" if lacks else ""


if __name__ == "__main__":
    main(*sys.argv[1:])
