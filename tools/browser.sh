#!/bin/sh
# Chromium, for the tests that look at pages. What cannot be had is said, and those tests are skipped.
set -u
[ -n "${BULKEXO_BROWSER:-}" ] && exit 0
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done

if command -v apt-get >/dev/null 2>&1; then
    root=""
    [ "$(id -u)" = 0 ] || root="sudo -n"
    echo "Installing Chromium, with which the tests look at report.html and the docs …" >&2
    export DEBIAN_FRONTEND=noninteractive
    { $root apt-get update -q && $root apt-get install -q -y --no-install-recommends chromium; } >&2 && exit 0
fi
echo "There is no Chromium here, so the tests that look at pages are skipped. To have them run, install it" >&2
echo "(sudo apt-get install chromium), or name one: BULKEXO_BROWSER=/path/to/chrome" >&2
exit 0
