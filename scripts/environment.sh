# Sourced by scripts/test, scripts/demo and .ci/run: finds Python, makes .venv, installs into it.
# Works with the bash 3.2 of macOS: no arrays that may be empty, no associative arrays, no ${x,,}.

root_folder="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv_python="$root_folder/.venv/bin/python"

say() {
    printf '%s\n' "$*" >&2
}

# True when "$1" runs and is new enough.
is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Prints the first Python that is new enough and can make a virtual environment.
find_python() {
    local candidate without_venv=""
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.14; do
        is_new_enough "$candidate" || continue
        if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return 0
        fi
        without_venv="${without_venv:-$candidate}"
    done
    if [ -n "$without_venv" ]; then
        local version
        version="$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
        say "Python $version is here, but its venv and ensurepip modules are not."
        say "On Debian and Ubuntu they are a package of their own:"
        say "    sudo apt install python$version-venv"
    else
        say "No Python 3.11 or newer was found (looked for python3, python3.13, .12, .11)."
        say "On Debian and Ubuntu:  sudo apt install python3 python3-venv"
        say "On macOS:              brew install python@3.13   (or the installer of python.org)"
        say "Elsewhere:             PYTHON=path/to/python3.11 bash $0"
    fi
    return 1
}

# What an installation depends on: the project's own words and the interpreter.
environment_key() {
    cat "$root_folder/pyproject.toml" "$root_folder/src/evidentia/__init__.py" | cksum
    "$venv_python" -c 'import sys; print(sys.version)'
}

# Makes .venv, or keeps the one that is there when its Python runs and is new enough.
make_environment() {
    local python made_in="$root_folder/.venv/made-in"
    # The programs in .venv hold its path: after a move of the checkout they call nothing.
    if ! is_new_enough "$venv_python" ||
        { [ -f "$made_in" ] && [ "$(cat "$made_in")" != "$root_folder" ]; }; then
        python="$(find_python)" || return 1
        say "making .venv with $("$python" --version)"
        "$python" -m venv --clear "$root_folder/.venv" || return 1
        printf '%s\n' "$root_folder" >"$made_in"
    fi
    if ! "$venv_python" -m pip --version >/dev/null 2>&1; then
        "$venv_python" -m ensurepip --default-pip >/dev/null || return 1
    fi
}

# True when a stamp says that what "$1" asks for is installed and nothing changed since.
# Every group holds the project itself, so any group's stamp will do for the runtime.
is_installed() {
    local stamp key
    key="$(environment_key)"
    for stamp in "$root_folder/.venv/installed-"${1:-*}; do
        [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && return 0
    done
    return 1
}

# Installs the project, editable, into .venv; with a dependency group when "$1" names one.
install_project() {
    local group="${1:-}"
    make_environment || return 1
    if is_installed "$group"; then
        return 0
    fi
    say "installing evidentia ${group:+and its $group tools }into .venv"
    (
        cd "$root_folder"
        # --group needs pip 25.1; an older pip says no more than "no such option".
        "$venv_python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' &&
            "$venv_python" -m pip install --quiet --disable-pip-version-check \
                --editable . ${group:+--group "$group"}
    ) </dev/null || return 1
    environment_key >"$root_folder/.venv/installed-${group:-runtime}"
}
