# Sourced by the other scripts: a Debian machine with what they need.
# shellcheck shell=sh

step() { printf '\n== %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        return 1
    fi
}

# Prints those of the packages that are not installed.
not_installed() {
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s ' "$package"
    done
}

# Services that come with a package are not started: the tests start servers of their own.
without_services() {
    if [ -e /usr/sbin/policy-rc.d ]; then
        "$@"
        return
    fi
    as_root sh -c 'printf "#!/bin/sh\nexit 101\n" > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d'
    "$@" && status=0 || status=$?
    as_root rm -f /usr/sbin/policy-rc.d
    return "$status"
}

# Installs what is missing of the packages; fails when it cannot.
install_packages() {
    wanted=$(not_installed "$@")
    [ -n "$wanted" ] || return 0
    step "Installing $wanted"
    # shellcheck disable=SC2086
    if ! { as_root apt-get -qq update && without_services as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -y install --no-install-recommends $wanted >/dev/null; }; then
        echo "error: cannot install $wanted" >&2
        echo "hint: as root, apt-get install $wanted; then run this again" >&2
        return 1
    fi
}

# A meson that is new enough, and a pkg-config that sees the system's libraries, wherever PATH leads first.
choose_tools() {
    MESON=${MESON:-}
    for candidate in "$MESON" meson /usr/bin/meson; do
        version=$([ -z "$candidate" ] || "$candidate" --version 2>/dev/null || true)
        case $version in
            '' | 0.*) ;;
            *) MESON=$candidate; break ;;
        esac
    done
    if ! pkg-config --exists sqlite3 2>/dev/null && /usr/bin/pkg-config --exists sqlite3 2>/dev/null; then
        PKG_CONFIG=/usr/bin/pkg-config
        export PKG_CONFIG
    fi
}

# Sets up and builds folder $1; the rest goes to `meson setup`. Quiet unless it fails.
build() {
    into=$1
    shift
    if [ ! -f "$into/build.ninja" ]; then
        "$MESON" setup "$into" "$@" >"$into.log" 2>&1 || {
            cat "$into.log" >&2
            rm -rf "$into"
            return 1
        }
        rm -f "$into.log"
    fi
    ninja -C "$into" >"$into/build.log" 2>&1 || { tail -n 60 "$into/build.log" >&2; return 1; }
    # A warning in our own code is worth a look.
    grep -a 'warning:' "$into/build.log" || true
}
