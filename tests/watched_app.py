"""``python -m tests.watched_app PORT STREAMLIT_ARGUMENTS…``: the app, and what goes on in its process, told on PORT.

Asked for ``/patient``, it takes connections that say nothing for alive, until it is asked for another path.
"""

import gc
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import aioice.ice
from aiortc import RTCPeerConnection
from streamlit.web import cli

_CONSENT_FAILURES = aioice.ice.CONSENT_FAILURES


class _Told(BaseHTTPRequestHandler):
    def do_GET(self):
        aioice.ice.CONSENT_FAILURES = 10_000 if self.path == "/patient" else _CONSENT_FAILURES
        gc.collect()
        body = {
            "threads": sorted(thread.name for thread in threading.enumerate()),
            "peers": sum(isinstance(item, RTCPeerConnection) for item in gc.get_objects()),
        }
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), _Told)
    threading.Thread(target=server.serve_forever, name="told", daemon=True).start()
    cli.main(sys.argv[2:])
