#!/bin/sh
# The one command of a checkout: makes .venv from the hashed requirements when it is missing or outdated, then runs `cds`.
#   ./cds serve | assess FILE... | --help     the service's own commands
#   ./cds test [--all] [pytest arguments]     all tests; --all adds those that need a container build and the like
set -eu

here=$(dirname "$(readlink -f "$0")")
venv=$here/.venv
lock=$here/.venv.lock
unfinished=$venv/.unfinished # there while a set-up runs; left behind, it says that one was interrupted

say() { printf './cds: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# What an environment was made of: the files named, and the interpreter behind the link.
signature() { (cd "$here" && cksum pyproject.toml "$@" && readlink -f .venv/bin/python || true); }

is_ready() { # purpose, signature
    [ ! -e "$unfinished" ] && [ -x "$venv/bin/cds" ] && [ -r "$venv/.$1" ] && [ "$(cat "$venv/.$1")" = "$2" ]
}

find_python() {
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then return; fi
    done
    stop "needs Python 3.11 or newer, found $(python3 --version 2>&1 || true)." \
        "Install one (Debian, Ubuntu: apt-get install python3 python3-venv) and run this again."
}

make_venv() {
    find_python
    rm -rf "$venv" || stop "cannot remove the old .venv: remove it by hand and run this again."
    mkdir "$venv" || stop "cannot write into $here: check its owner and free space."
    : >"$unfinished"
    if command -v uv >/dev/null 2>&1; then set -- --without-pip; else set --; fi
    "$python" -m venv "$@" "$venv" >"$venv/set-up.log" 2>&1 ||
        stop "$python cannot make a virtual environment: install its venv module" \
            "(Debian, Ubuntu: apt-get install python3-venv) and run this again. Details: .venv/set-up.log"
}

install() {
    if command -v uv >/dev/null 2>&1; then
        set -- uv pip install --quiet --python "$venv/bin/python" "$@"
    else
        "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
        set -- "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@"
    fi
    "$@" >>"$venv/set-up.log" 2>&1 || {
        tail -n 15 "$venv/set-up.log" >&2
        stop "could not install the requirements (above: the end of .venv/set-up.log)." \
            "Check the network or the package index that pip is told to use, and run this again."
    }
}

# One set-up at a time; the lock of a dead process is taken over by whoever first marks it so.
take_lock() {
    told=
    while ! mkdir "$lock" 2>/dev/null; do
        [ -d "$lock" ] || [ -w "$here" ] || stop "cannot write into $here: check its owner."
        owner=$(cat "$lock/pid" 2>/dev/null || true)
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null && mkdir "$lock/after-$owner" 2>/dev/null; then
            [ "$(cat "$lock/pid" 2>/dev/null || true)" = "$owner" ] && break
        fi
        [ -n "$told" ] || say "waiting for process ${owner:-(starting)} to set up .venv (if there is none: rm -r .venv.lock)"
        told=yes
        sleep 1
    done
    echo $$ >"$lock/pid"
    trap 'rm -rf "$lock"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

set_up() { # purpose, requirements files
    purpose=$1
    shift
    take_lock
    if ! is_ready "$purpose" "$(signature "$@")"; then
        say "setting up .venv from $1 (once; up to a minute)"
        if [ -e "$unfinished" ] || ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
        then make_venv; fi
        : >"$unfinished"
        rm -f "$venv/.run" "$venv/.test"
        for file; do install --require-hashes -r "$here/$file"; done
        install --no-deps --no-build-isolation -e "$here"
        signature "$@" >"$venv/.$purpose"
        [ "$purpose" = run ] || signature requirements.txt requirements-build.txt >"$venv/.run"
        rm "$unfinished"
    fi
    rm -rf "$lock"
    trap - EXIT HUP INT TERM
}

ready_for() { # purpose, requirements files
    purpose=$1
    shift
    is_ready "$purpose" "$(signature "$@")" || set_up "$purpose" "$@"
}

run_tests() {
    all=
    for argument; do # `--all` is ours, wherever it stands; the rest is pytest's, in its order
        shift
        if [ "$argument" = --all ]; then all=yes; else set -- "$@" "$argument"; fi
    done
    ready_for test requirements-dev.txt requirements-build.txt
    cd "$here"
    if [ -n "$all" ]; then
        scripts/prepare-all-tests
        set -- -m '' "$@" # the last -m wins: pyproject.toml leaves out what only --all runs
    fi
    exec "$venv/bin/python" -m pytest "$@"
}

if [ "${1-}" = test ]; then
    shift
    run_tests "$@"
fi
ready_for run requirements.txt requirements-build.txt
NEUTROPENIA_CDS_CALLED_AS=$0 exec "$venv/bin/cds" "$@"
