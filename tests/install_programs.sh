#!/usr/bin/env bash
# Installs Debian's Chromium and Redis for the tests that need them, where that is possible; without them these tests are
# skipped.
set -euo pipefail

[ -x /usr/bin/chromium ] && command -v redis-server >/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q
    apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core redis-server
else
    echo "Tests in the browser, or with Redis, will be skipped: sudo apt-get install chromium redis-server" >&2
fi
