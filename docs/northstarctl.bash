# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of northstarctl(1) for bash: commands and options by their help, containers by asking the service.

_northstarctl() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command='' at words=''
    # A colon breaks words on the command line; NAME:VERSION is put together again.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        local cur prev
        _get_comp_words_by_ref -n : cur prev
        word=$cur previous=$prev
    fi
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
            --bus) ((at++)) ;;
            -*) ;;
            *) command=${COMP_WORDS[at]}; break ;;
        esac
    done
    case $previous in
        --bus) words='system session' ;;
        --verity) words='eio restart panic' ;;
        --repository) words=$(northstarctl repositories 2>/dev/null | awk 'NR > 1 { print $1 }') ;;
        --file|--fd|--target) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        *)
            if [[ $word == -* ]]; then
                # shellcheck disable=SC2086  # no command, no word
                words=$(northstarctl $command --help 2>/dev/null | grep -oE -- '--[a-z-]+')
            else
                case $command in
                    '') words=$(northstarctl --help | awk 'found && NF { print $1 } /^Subcommands:/ { found = 1 }') ;;
                    mount|inspect|verify|uninstall)
                        words=$(northstarctl containers 2>/dev/null | awk 'NR > 1 { print $1 ":" $2 }') ;;
                    unmount) words=$(northstarctl list 2>/dev/null | awk 'NR > 1 { print $1; print $2 }') ;;
                    install) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
                esac
            fi ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    if declare -F __ltrim_colon_completions >/dev/null; then __ltrim_colon_completions "$word"; fi
}
complete -F _northstarctl northstarctl
