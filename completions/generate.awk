# SPDX-License-Identifier: GPL-3.0-or-later
# Lines in, tab separated:
#     V verb operands default summary
#     O verb short long kind/METAVAR choices help
# and out comes the completion of the program for a shell.
BEGIN {
    FS = "\t"
    verb_count = option_count = 0
    default_verb = ""
}

$1 == "V" {
    verbs[++verb_count] = $2
    if ($4 == "default")
        default_verb = $2
    summary[$2] = $5
}

$1 == "O" {
    n = ++option_count
    verb_of[n] = $2
    short[n] = $3
    long[n] = $4
    split($5, kind_and_metavar, "/")
    kind[n] = kind_and_metavar[1]
    metavar[n] = kind_and_metavar[2]
    choices[n] = $6
    gsub(/\|/, " ", choices[n])
    help[n] = $7
    if (long[n] == "type" && kind[n] == "list")
        choices[n] = "span metric execution log trace aggregate finding alert notification health clock"
}

END {
    if (shell == "bash")
        bash()
    else if (shell == "zsh")
        zsh()
    else
        fish()
}

# What the value of option n is: words, file, folder, value, or "" for a flag, and for what may stand
# without one.
function value_of(n) {
    if (kind[n] == "flag" || kind[n] == "optional")
        return ""
    if (choices[n] != "")
        return "words"
    if (metavar[n] ~ /FILE/)
        return "file"
    if (metavar[n] ~ /REPO|DIR/)
        return "folder"
    return "value"
}

# --- bash

function bash_function() {
    return "_" underscored(name)
}

function underscored(text) {
    gsub(/-/, "_", text)
    return text
}

function bash_values(    n, pattern, value) {
    print "    case \"$verb $option\" in"
    for (n = 1; n <= option_count; n++) {
        value = value_of(n)
        if (value == "")
            continue
        pattern = "'" verb_of[n] " --" long[n] "'"
        if (short[n] != "")
            pattern = pattern " | '" verb_of[n] " -" short[n] "'"
        if (value == "words")
            printf "    %s) words='%s' ;;\n", pattern, choices[n]
        else
            printf "    %s) action=%s ;;\n", pattern, value
    }
    print "    esac"
}

function bash_options(    n, last) {
    print "    case $verb in"
    last = "none"
    for (n = 1; n <= option_count; n++) {
        if (verb_of[n] != last)
            printf "%s    '%s') words='", last == "none" ? "" : "' ;;\n", verb_of[n]
        printf "%s--%s%s", verb_of[n] == last ? " " : "", long[n], value_of(n) == "" ? "" : "="
        last = verb_of[n]
    }
    print "' ;;"
    print "    *) words='--help --version' ;;"
    print "    esac"
}

function verb_list(    i, list) {
    for (i = 1; i <= verb_count; i++)
        list = list (i > 1 ? " " : "") verbs[i]
    return list
}

function bash() {
    print "# bash completion for " name ", made from its own list of options"
    print bash_function() "()"
    print "{"
    print "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}"
    print "    local option= verb='" default_verb "' words= action="
    if (verb_count) {
        print "    local first=${COMP_WORDS[1]}"
        print "    if ((COMP_CWORD > 1)) && [[ ' " verb_list() " ' == *\" $first \"* ]]; then"
        print "        verb=$first"
        print "    fi"
    }
    print "    # --option=value comes as three words"
    print "    if [[ $cur == = ]]; then"
    print "        option=$prev cur="
    print "    elif [[ $prev == = ]] && ((COMP_CWORD > 2)); then"
    print "        option=${COMP_WORDS[COMP_CWORD - 2]}"
    print "    elif [[ $prev == -* ]]; then"
    print "        option=$prev"
    print "    fi"
    bash_values()
    print "    if [[ -n $words ]]; then"
    print "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")"
    print "        return"
    print "    elif [[ $action == value ]]; then"
    print "        COMPREPLY=()"
    print "        return"
    print "    elif [[ $action == folder ]]; then"
    print "        compopt -o filenames 2>/dev/null"
    print "        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")"
    print "        return"
    print "    elif [[ -z $action && $cur == -* ]]; then"
    bash_options()
    print "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")"
    print "        [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace 2>/dev/null"
    print "        return"
    print "    fi"
    print "    compopt -o filenames 2>/dev/null"
    print "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")"
    if (verb_count) {
        print "    if ((COMP_CWORD == 1)); then"
        print "        local found"
        print "        mapfile -t found < <(compgen -W '" verb_list() "' -- \"$cur\")"
        if (default_verb == "")
            print "        COMPREPLY=(\"${found[@]}\")"
        else
            print "        COMPREPLY=(\"${found[@]}\" \"${COMPREPLY[@]}\")"
        print "    fi"
    }
    print "}"
    print "complete -F " bash_function() " " name
}

# --- zsh

function zsh_text(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/\[/, "\\[", text)
    gsub(/\]/, "\\]", text)
    gsub(/:/, "\\:", text)
    gsub(/'/, "'\\''", text)
    return text
}

function zsh_value(n,    value) {
    value = value_of(n)
    if (kind[n] == "optional")
        return "::" metavar[n] ": "
    if (value == "")
        return ""
    if (value == "words")
        return ":" metavar[n] ":(" choices[n] ")"
    return ":" metavar[n] ":" (value == "file" ? "_files" : value == "folder" ? "_files -/" : " ")
}

function zsh_option(n,    repeat, tail) {
    repeat = kind[n] == "list" || kind[n] == "strings" ? "*" : ""
    tail = "[" zsh_text(help[n]) "]" zsh_value(n) "' \\"
    if (short[n] != "" && repeat == "")
        print "        '(-" short[n] " --" long[n] ")-" short[n] (kind[n] == "flag" ? "" : "+") tail
    else if (short[n] != "")
        print "        '*-" short[n] "+" tail
    if (short[n] != "" && repeat == "")
        repeat = "(-" short[n] " --" long[n] ")"
    print "        '" repeat "--" long[n] (kind[n] == "flag" ? "" : kind[n] == "optional" ? "=-" : "=") tail
}

function zsh_options(verb,    n) {
    print "    _arguments -s -S \\"
    for (n = 1; n <= option_count; n++)
        if (verb_of[n] == verb)
            zsh_option(n)
    print "        '*:input:_files'"
}

function zsh(    i) {
    print "#compdef " name
    print "# made from the program's own list of options"
    print "local -a verbs"
    print "local verb='" default_verb "'"
    if (verb_count) {
        print "verbs=("
        for (i = 1; i <= verb_count; i++)
            print "    '" verbs[i] ":" zsh_text(summary[verbs[i]]) "'"
        print ")"
        print "if ((CURRENT > 2)) && (($verbs[(I)$words[2]:*])); then"
        print "    verb=$words[2]"
        print "    words=(\"$words[1]\" \"${(@)words[3,-1]}\")"
        print "    ((CURRENT--))"
        print "elif ((CURRENT == 2)) && [[ $words[2] != -* ]]; then"
        print "    _describe verb verbs"
        print "    [[ -n $verb ]] && _files"
        print "    return"
        print "fi"
    }
    print "case $verb in"
    if (!verb_count) {
        print "*)"
        zsh_options("")
        print "    ;;"
    }
    for (i = 1; i <= verb_count; i++) {
        print verbs[i] ")"
        zsh_options(verbs[i])
        print "    ;;"
    }
    if (verb_count)
        print "*) _arguments '--help[show help]' '--version[show the version]' ;;"
    print "esac"
}

# --- fish

function fish_text(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/'/, "\\'", text)
    return text
}

function fish_option(n, condition,    value) {
    value = value_of(n)
    printf "complete -c %s%s", name, condition
    if (short[n] != "")
        printf " -s %s", short[n]
    printf " -l %s", long[n]
    if (value == "words")
        printf " -x -a '%s'", choices[n]
    else if (value == "file")
        printf " -r -F"
    else if (value == "folder")
        printf " -x -a '(__fish_complete_directories)'"
    else if (value == "value")
        printf " -x"
    printf " -d '%s'\n", fish_text(help[n])
}

function fish(    i, n) {
    print "# fish completion for " name ", made from its own list of options"
    for (i = 1; i <= verb_count; i++)
        printf "complete -c %s -n __fish_use_subcommand -a %s -d '%s'\n", name, verbs[i],
            fish_text(summary[verbs[i]])
    for (n = 1; n <= option_count; n++) {
        if (verb_of[n] == "")
            fish_option(n, "")
        else
            fish_option(n, " -n '__fish_seen_subcommand_from " verb_of[n] "'")
        if (verb_of[n] == default_verb && default_verb != "")
            fish_option(n, " -n __fish_use_subcommand")
    }
}
