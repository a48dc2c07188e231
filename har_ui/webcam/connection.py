"""Why a camera's picture does not come, in words, with what to do."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

import streamlit as st

CONNECT_SECONDS = 6.0
"""How long a connection may take before something is said."""

INSECURE = (
    "Browsers allow cameras only on pages that came over **HTTPS**, or from the machine itself. Open this page on "
    "`localhost`, or have it served over HTTPS. Photos can be uploaded all the same."
)
NO_WAY = (
    "The camera works, but its picture cannot reach the app: no network path was found between this browser and the "
    "machine that runs the app. Check that no firewall or VPN blocks UDP; across networks, the app needs a TURN server "
    "(`HAR_ICE_SERVERS`, `HAR_TURN_USER`, `HAR_TURN_SECRET`). **Snapshot** works without."
)
_CAMERA = {
    "NotAllowedError": "The camera was not permitted. Allow it by the camera sign in the browser's address bar (and in "
    "the system's privacy settings), then press Start again.",
    "NotFoundError": "No camera was found. Plug one in or switch it on, then press Start again.",
    "NotReadableError": "The camera is in use, or does not answer. Close other programs and tabs that use it, then "
    "press Start again.",
    "OverconstrainedError": "The camera that was chosen is not there any more. Choose another one by Select Device.",
}
# Older browsers' names.
_CAMERA["AbortError"] = _CAMERA["TrackStartError"] = _CAMERA["NotReadableError"]
_CAMERA["SecurityError"] = _CAMERA["NotAllowedError"]
_CAMERA["DevicesNotFoundError"] = _CAMERA["NotFoundError"]

# The stream's part of the page runs in a frame of its own and tells the app nothing of a camera that fails. This
# listens in there, to what the browser answers.
_WATCH = """
export default function({ setStateValue }) {
  const told = Symbol.for("har.camera");
  const listen = () => {
    for (const frame of document.querySelectorAll('iframe[title*="webrtc_streamer"]')) {
      const devices = frame.contentWindow?.navigator?.mediaDevices;
      if (!devices) continue;
      const isNew = !devices[told];
      devices[told] = (name) => setStateValue("failure", name);
      if (!isNew) continue;
      const ask = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async (constraints) => {
        try {
          const stream = await ask(constraints);
          devices[told](null);
          return stream;
        } catch (error) {
          devices[told](`${error.name} ${Date.now()}`);
          throw error;
        }
      };
    }
  };
  listen();
  const timer = setInterval(listen, 300);
  return () => clearInterval(timer);
}
"""


_watch = st.components.v2.component("har_camera_watch", js=_WATCH)


@dataclass
class Watchdog:
    """Notices a connection that does not come about.

    Attributes:
        has_failed: Whether the last one did not.
    """

    has_failed: bool = False
    _since: float | None = None

    def look(self, is_signalling: bool, is_playing: bool, now: float) -> None:
        """Is told how the stream stands.

        Args:
            is_signalling: Whether both ends are looking for a way to each other.
            is_playing: Whether they have found one.
            now: Seconds, on any clock.
        """
        if is_playing:
            self.has_failed, self._since = False, None
        elif is_signalling:
            if self._since is None:
                self.has_failed, self._since = False, now
            self.has_failed = now - self._since >= CONNECT_SECONDS
        else:
            self._since = None


def is_secure(url: str) -> bool:
    """Whether a browser allows cameras on a page with this address.

    Args:
        url: As the browser has it.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def camera_words(failure: str) -> str:
    """What to do where the browser gives no camera.

    Args:
        failure: Name of the ``DOMException`` that it answered with.
    """
    return _CAMERA.get(failure, f"The browser gave no camera ({failure}). Try again, or another browser.")


def camera_failure() -> str | None:
    """Name of the ``DOMException`` with which the browser refused the camera last; None where it did not.

    Must be drawn on the page with the stream: it looks at it from within the browser.
    """
    found = _watch(key="camera-watch", on_failure_change=lambda: None).failure
    return str(found).split()[0] if found else None
