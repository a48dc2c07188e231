"""Says in plain words when a port that is about to be used is taken: ``check_ports.py PORT ...``."""

import socket
import sys


def is_taken(port: int) -> bool:
    """Whether something listens on the port of this machine already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


if __name__ == "__main__":
    taken = [port for port in map(int, sys.argv[1:]) if is_taken(port)]
    for port in taken:
        print(
            f"Port {port} is taken by another program. Stop that, or choose other ports: "
            "HAR_APP_PORT=8601 HAR_API_PORT=8100 make run",
            file=sys.stderr,
        )
    sys.exit(1 if taken else 0)
