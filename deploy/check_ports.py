"""Says in plain words when a port that is about to be used is taken: ``check_ports.py PORT ...``."""

import socket
import sys


def objection(port: str) -> str | None:
    """Why the port of this machine cannot be used; None when it can."""
    if not port.isdecimal() or not 0 < int(port) < 65536:
        return f"{port} is no port number."
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except PermissionError:
            return f"Port {port} needs an administrator's rights."
        except OSError:
            return f"Port {port} is taken by another program. Stop that, or choose other ports."
    return None


if __name__ == "__main__":
    ports = sys.argv[1:]
    objections = [text for text in map(objection, ports) if text]
    if len(set(ports)) < len(ports):
        objections.append("App and API cannot share a port.")
    for text in objections:
        print(f"{text} For example: HAR_APP_PORT=8601 HAR_API_PORT=8100 make run", file=sys.stderr)
    sys.exit(1 if objections else 0)
