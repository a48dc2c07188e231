#!/usr/bin/env bash
# Installs Debian's Chromium, Redis, PostgreSQL, nginx and systemd-analyze, and newman, for the tests that need them, where that
# is possible; without them these tests are skipped. The tests start servers of their own.
set -euo pipefail

missing=()
[ -x /usr/bin/chromium ] || missing+=(chromium fonts-dejavu-core)
command -v redis-server >/dev/null || missing+=(redis-server)
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
command -v nginx >/dev/null || missing+=(nginx-light)
command -v systemd-analyze >/dev/null || missing+=(systemd)
# Debian's npm does not go with a Node from elsewhere.
command -v npm >/dev/null || command -v node >/dev/null || missing+=(nodejs npm)

if [ ${#missing[@]} != 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q
        apt-get install -y -q --no-install-recommends "${missing[@]}"
    else
        echo "Some tests will be skipped; those that need these run after: sudo apt-get install ${missing[*]}" >&2
    fi
fi

[ -x .venv/newman/node_modules/.bin/newman ] ||
    npm install --silent --no-fund --no-audit --prefix .venv/newman newman@6.2.2 ||
    echo "The Postman collection will not be tried: newman cannot be installed." >&2
