# SPDX-License-Identifier: GPL-3.0-or-later
# What trace-agg-parallel and trace-agg-slurm share: a list of inputs is cut into units, each of
# which becomes a partial in a job folder that all hosts see, and partials become the one answer.
#
# The job folder:
#   unit            the script that makes the partial of a unit, on whichever host
#   NNNN.inputs     paths of a unit, a line each
#   NNNN.partial    its partial; it appears when it is whole and is replaced by equal bytes
#   NNNN.rejected   is there if records of its inputs were rejected
# shellcheck shell=bash

name=${0##*/}
inputs_file='' repository='' parent='' program=trace-agg per_unit=8 keep=''
merge_options=() options=() units=() job='' done_with_job=''

complain() {
    echo "$name: $*" >&2
}

die() { # die STATUS TEXT
    complain "$2"
    exit "$1"
}

# common_option OPTION: takes one that both scripts have. False: it is none of these.
common_option() {
    local value=${1#*=}
    case $1 in
    --inputs=*) inputs_file=$value ;;
    --repository=*) repository=$value ;;
    --per-unit=*) per_unit=$value ;;
    --folder=*) parent=$value ;;
    --program=*) program=$value ;;
    --merge=*) merge_options+=("$value") ;;
    --keep) keep=yes ;;
    *) return 1 ;;
    esac
}

# list_inputs: prints their paths.
list_inputs() {
    if [[ -n $inputs_file ]]; then
        cat -- "$inputs_file"
        return
    fi
    trace-record ls --format=tsv --fields=segment "$repository" | {
        local segment
        read -r _ || true # the names of columns
        while read -r segment; do
            echo "$repository/segments/$segment"
        done
    }
}

# note_open_logs: records that no segment has yet are in no unit. A log without any is its header.
note_open_logs() {
    local log size logs=0 header=64
    for log in "$repository"/open/*; do
        [[ -f $log ]] && size=$(stat -c %s -- "$log") && ((size > header)) && ((++logs))
    done
    ((logs == 0)) || complain "the answer is without what is in open logs of $repository ($logs)"
}

# check_usage: what is wrong with the command line is found before anything is started.
check_usage() {
    [[ -n $parent ]] || die 2 '--folder names no folder that all hosts see'
    [[ -d $parent && $parent == /* ]] || die 2 "--folder: $parent is no folder with an absolute path"
    [[ -n $inputs_file || -n $repository ]] || die 2 'neither --inputs nor --repository: there is nothing to do'
    [[ -z $inputs_file || -z $repository ]] || die 2 '--inputs and --repository exclude each other'
    [[ $per_unit =~ ^[1-9][0-9]{0,5}$ ]] || die 2 "--per-unit: $per_unit is no number of inputs"
    [[ -z $repository ]] || command -v trace-record >/dev/null || die 2 'there is no trace-record here'
    command -v "$program" >/dev/null || die 2 "there is no $program here (--program)"
    # What is no record ends it with 4, if that is read: not with a wrong option, nor with an input
    # among the options, which would be a part of each unit.
    local said status=0
    said=$(echo nothing | "$program" --partial "${options[@]}" 2>&1) || status=$?
    ((status != 2)) || die 2 "$said"
    ((status == 4)) || die 2 'behind -- there is an input: those go into the list of --inputs'
}

remove_job() {
    local status=$?
    if [[ -n $job && -n $done_with_job && -z $keep ]]; then
        rm -rf -- "$job"
    elif [[ -n $job ]]; then
        complain "what there is of partials is in $job"
    fi
    return "$status"
}

# write_script: a unit's command line is written down once, so that no shell on the way to a host
# takes it apart. A shell that is killed leaves no half partial, as -o makes the name when all is
# written. Status 3 is no failure: it would be the same on the next host.
write_script() {
    {
        echo '#!/bin/bash'
        printf 'program=%q\njob=%q\n' "$program" "$job"
        printf 'options=('
        ((${#options[@]} == 0)) || printf '%q ' "${options[@]}"
        echo ')'
        cat <<'END'
unit=${1-$(printf %04d "$SLURM_ARRAY_TASK_ID")}
mapfile -t inputs <"$job/$unit.inputs" && ((${#inputs[@]})) || exit 4
status=0
"$program" --partial --unit="$unit" -o "$job/$unit.partial" "${options[@]}" -- "${inputs[@]}" || status=$?
((status != 3)) || { : >"$job/$unit.rejected" && status=0; }
exit "$status"
END
    } >"$job/unit"
}

# make_job: the job folder, with the list cut into units.
make_job() {
    local -a inputs
    local list number=0 at input
    list=$(list_inputs) || die 4 'the inputs could not be listed'
    mapfile -t inputs < <(printf %s "${list:+$list$'\n'}")
    [[ -z $repository ]] || note_open_logs
    ((${#inputs[@]})) || die 4 'there are no inputs'
    ((${#inputs[@]} <= 9999 * per_unit)) || die 2 'more than 9,999 units: raise --per-unit'
    job=$(mktemp -d "$parent/trace-agg-XXXXXX") || exit 4
    trap remove_job EXIT
    for ((at = 0; at < ${#inputs[@]}; at += per_unit)); do
        printf -v number %04d $((at / per_unit + 1))
        units+=("$number")
        for input in "${inputs[@]:at:per_unit}"; do
            [[ $input == /* ]] || input=$PWD/$input
            printf '%s\n' "$input"
        done >"$job/$number.inputs" || die 4 "cannot write into $job"
    done
    write_script || die 4 "cannot write into $job"
}

# merge_units FILE...: the one answer, to standard output. 4, and nothing, if a unit is missing; 3 if
# all is there, but records of some were rejected.
merge_units() {
    local status=0 IFS=,
    "$program" --merge --expect="${units[*]}" "${merge_options[@]}" -- "$@" || status=$?
    if ((status == 0)) && compgen -G "$job/*.rejected" >/dev/null; then
        complain 'records were rejected: see what their units wrote'
        status=3
    fi
    return "$status"
}
