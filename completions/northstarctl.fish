# SPDX-License-Identifier: Apache-2.0
# Completion of northstarctl(1) for fish. What there is to offer northstarctl knows itself.

function __northstarctl_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$word" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$word"
            case ':directories'
                __fish_complete_directories "$word"
            case '*'
                echo $line
        end
    end
end

complete -c northstarctl -f -a '(__northstarctl_complete)'
