"""What the camera sees: live, or one photo at a time."""

import streamlit as st

from har_ui import menu, page, sections
from har_ui.webcam import connection, live, snapshot

LIVE, SNAPSHOT = "Live", "Snapshot"

menu.begin("Webcam")
st.title("Webcam")
source = page.choose_source()
section = sections.choose([LIVE, SNAPSHOT], "camera")
if not connection.is_secure(st.context.url or ""):
    st.error(connection.INSECURE, icon=":material/lock_open:")
    st.page_link("pages/photos.py", label="Upload photos", icon=":material/photo_library:")
elif section == SNAPSHOT:
    live.leave()
    snapshot.show(source())
else:
    live.show(source)
