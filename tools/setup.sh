#!/bin/sh
# Makes the virtual environment $1 from requirements.lock, and puts this project into it.
set -eu
venv=$1
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "bulkexo needs Python 3.11 or later; name one with: make PYTHON=python3.12 …" >&2
    exit 1
fi

# Debian keeps the part of Python that makes virtual environments in a package of its own.
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    root=""
    [ "$(id -u)" = 0 ] || root="sudo -n"
    version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    echo "Installing $version, which makes virtual environments …" >&2
    if ! { $root apt-get update -q && $root apt-get install -q -y "$version"; } >&2; then
        echo "Please install it yourself: sudo apt-get install $version" >&2
        exit 1
    fi
fi

"$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
