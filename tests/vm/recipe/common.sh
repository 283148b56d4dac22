# SPDX-License-Identifier: Apache-2.0
# What the recipes share: reading a package list, and running mmdebstrap so that nothing of the host's
# environment reaches it. Sourced, with set -euo pipefail.

recipe=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# packages FILE... - the lists, comments left out, joined with commas
packages() {
    cat "$@" | sed 's/#.*//' | xargs | tr ' ' ','
}

# bootstrap SUITE DIR PACKAGES [mmdebstrap options]
# Without MIRROR mmdebstrap takes Debian's own, with the suite's updates and security updates.
bootstrap() {
    local suite=$1 dir=$2 include=$3
    shift 3
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TMPDIR="${TMPDIR:-/tmp}" \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        mmdebstrap --quiet --mode=root --variant=minbase --include="$include" \
        --aptopt='Acquire::Languages "none"' \
        --aptopt='Acquire::Retries "5"' \
        --dpkgopt=force-unsafe-io \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        "$@" "$suite" "$dir" ${MIRROR:+"$MIRROR"}
}
