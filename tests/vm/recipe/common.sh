# SPDX-License-Identifier: Apache-2.0
# What the recipes share: reading a package list, and running mmdebstrap so that nothing of the host's
# environment reaches it. Sourced, with set -euo pipefail.

recipe=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# packages FILE... - the lists, comments left out, joined with commas
packages() {
    cat "$@" | sed 's/#.*//' | xargs | tr ' ' ','
}

# mirrors SUITE - the suite's apt sources, with updates and security updates: MIRROR alone if it is set, else from where
# this machine gets its own packages. Nothing if that cannot be told; mmdebstrap then takes Debian's own.
mirrors() {
    local suite=$1 label uri
    if [ -n "${MIRROR:-}" ]; then
        echo "$MIRROR"
        return
    fi
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' | sort -u -k1,1 |
        while read -r label uri; do
            local from="deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri"
            case $label:$uri in
                Debian:http*) printf "$from %s main\n" "$suite" "$suite-updates" ;;
                Debian-Security:http*) echo "$from $suite-security main" ;;
            esac
        done
}

# Without what nobody reads in a root that only runs or builds something.
slim=(--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*'
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*')

# bootstrap SUITE DIR PACKAGES [mmdebstrap options] - a minimal Debian and these packages
bootstrap() {
    local suite=$1 dir=$2 include=$3 sources
    shift 3
    mapfile -t sources < <(mirrors "$suite")
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 TMPDIR="${TMPDIR:-/tmp}" \
        ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
        mmdebstrap --quiet --mode=root --variant=minbase --include="$include" \
        --aptopt='Acquire::Languages "none"' \
        --aptopt='Acquire::Retries "5"' \
        --dpkgopt=force-unsafe-io \
        "$@" "$suite" "$dir" "${sources[@]}"
}
