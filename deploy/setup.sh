#!/bin/sh
# Makes everything that `make run` and `make test` need, and skips what is there: the virtual environment, the locked
# packages, a browser. On a fresh Debian or Ubuntu it needs only python3 (3.11 or newer), and root where a system
# package is missing.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
as_root() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }
apt_install() { # quiet, and told whole only when it fails
    log=$(mktemp)
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 ||
        { cat "$log" >&2; rm -f "$log"; return 1; }
    rm -f "$log"
}

python=${PYTHON:-python3}
command -v "$python" >/dev/null 2>&1 || fail "no $python on the PATH. Install Python 3.11 or newer, or name it: make run PYTHON=/path/to/python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version 2>&1) is too old; Roost needs Python 3.11 or newer. Name another: make run PYTHON=python3.12"

# The virtual environment, from the lock file: every package at an exact version, checked against its hash.
wanted=$("$python" -c 'import sys, hashlib; print(sys.version.split()[0], hashlib.sha256(open("requirements.lock", "rb").read()).hexdigest())')
if [ "$(cat .venv/locked 2>/dev/null)" != "$wanted" ]; then
    mkdir -p .venv 2>/dev/null && printf '#!/bin/sh\n' 2>/dev/null >.venv/trial ||
        fail "$(pwd) cannot be written by $(id -un). Clone to where this user may write"
    chmod +x .venv/trial
    .venv/trial 2>/dev/null || { rm -f .venv/trial; fail "programs in $(pwd) cannot be run (is that disk mounted noexec?). Clone to another disk"; }
    rm -f .venv/trial
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        as_root || fail "python3-venv is missing. Install it (apt-get install python3-venv) and call make again"
        say "installing python3-venv"
        apt_install python3-venv || fail "apt-get could not install python3-venv (see above)"
    fi
    say "installing the locked packages into .venv (once)"
    [ -x .venv/bin/python ] || { rm -rf .venv; "$python" -m venv .venv; }
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock ||
        fail "pip could not install the packages of requirements.lock (see above). Is the network there?"
    printf '%s\n' "$wanted" >.venv/locked
fi

# The browser. What is found is written to .venv/browser, which the Makefile hands on as BROWSER_EXECUTABLE.
works() { [ -n "$1" ] && [ -x "$1" ] && "$1" --version --no-sandbox >/dev/null 2>&1; }
installed_browser() {
    for name in chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable chrome; do
        path=$(command -v "$name" 2>/dev/null) && works "$path" && { printf '%s\n' "$path"; return 0; }
    done
    return 1
}
playwrights_own() { # its path, if it is there and starts
    path=$(.venv/bin/python deploy/playwright_shell.py) && works "$path" && printf '%s\n' "$path"
}

if [ -n "${BROWSER_EXECUTABLE:-}" ]; then
    works "$BROWSER_EXECUTABLE" || fail "BROWSER_EXECUTABLE=$BROWSER_EXECUTABLE does not start. Give the path of a Chromium, or unset it"
    printf '%s\n' "$BROWSER_EXECUTABLE" >.venv/browser
elif ! works "$(cat .venv/browser 2>/dev/null)"; then
    rm -f .venv/browser
    if browser=$(playwrights_own); then :; else
        say "looking for a browser: trying to download Playwright's headless shell"
        .venv/bin/python -m playwright install --only-shell chromium >/dev/null 2>&1 || say "it can't be downloaded here"
        browser=$(playwrights_own) || browser=$(installed_browser) || {
            if as_root; then
                say "installing chromium-headless-shell"
                { apt_install chromium-headless-shell || apt_install chromium; } && browser=$(installed_browser) || browser=
            else
                browser=
            fi
        }
    fi
    [ -n "$browser" ] || fail "no browser. Tried: BROWSER_EXECUTABLE (not set); Playwright's headless shell (not downloaded, or its libraries are missing: playwright install-deps); chromium-headless-shell, chromium and chrome on the PATH (none); apt-get install chromium-headless-shell (needs root on Debian). Provide any one of them"
    printf '%s\n' "$browser" >.venv/browser
    say "browser: $browser"
fi
