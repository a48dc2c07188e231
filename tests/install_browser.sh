#!/usr/bin/env bash
# Installs Debian's Chromium for the browser tests, where that is possible; without it they are skipped.
set -euo pipefail

[ -x /usr/bin/chromium ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q
    apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core
else
    echo "No Chromium here, so the browser tests will be skipped: sudo apt-get install chromium" >&2
fi
