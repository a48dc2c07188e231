#!/usr/bin/env bash
# Installs Debian's Chromium, Redis and PostgreSQL for the tests that need them, where that is possible; without them these
# tests are skipped. The tests start servers of their own.
set -euo pipefail

[ -x /usr/bin/chromium ] && command -v redis-server >/dev/null && compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null &&
    exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q
    apt-get install -y -q --no-install-recommends chromium fonts-dejavu-core redis-server postgresql
else
    echo "Tests in the browser, with Redis or with PostgreSQL will be skipped where these are missing:" \
        "sudo apt-get install chromium redis-server postgresql" >&2
fi
