# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of northstarctl(1) for bash. What there is to offer northstarctl knows itself.

_northstarctl() {
    local line=${COMP_LINE:0:COMP_POINT} candidate words=()
    # COMP_WORDS has what is left of : and = as words of their own, by which NAME:VERSION is two.
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    local word=${words[-1]}
    local before=${word%"${word##*[:=]}"}  # what readline leaves alone, as its word begins behind it
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        case $candidate in
            :files | :directories)
                compopt -o filenames 2>/dev/null
                local kind=-f
                [[ $candidate == :files ]] || kind=-d
                while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen "$kind" -- "$word")
                ;;
            *) COMPREPLY+=("${candidate#"$before"}") ;;
        esac
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
}
complete -F _northstarctl northstarctl
