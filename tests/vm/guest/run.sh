#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the guest, in /payload, as root: installs the build as a package's scripts would, then runs the tests.
# run.sh PATTERN - only tests whose name contains PATTERN; empty for all
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
export NORTHSTAR_TEST_DATA=$PWD/source/tests/data

if [ -d install ]; then
    cp -a install/. /
    if missing=$(find install programs -type f -perm /111 -exec ldd {} + 2> /dev/null | grep 'not found'); then
        echo "libraries that are missing in the guest (tests/vm/recipe/packages): $missing"
        exit 1
    fi
    for file in install/usr/lib/sysusers.d/*.conf; do
        [ ! -e "$file" ] || systemd-sysusers "${file#install}"
    done
    for file in install/usr/lib/tmpfiles.d/*.conf; do
        [ ! -e "$file" ] || systemd-tmpfiles --create "${file#install}"
    done
    systemctl daemon-reload
    systemctl reload dbus.service
    udevadm control --reload
fi

exec python3 -B guest/run_tests.py "${1-}"
