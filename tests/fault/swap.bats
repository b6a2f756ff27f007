# SPDX-License-Identifier: GPL-3.0-or-later
# Links put in the place of a repository's files and folders while programs work on it: nothing is
# written, removed or made readable through them.

load ../helper

setup() {
    cd "$BATS_TEST_TMPDIR" || return
}

logs() { # logs FIRST: three of them
    for ((i = $1; i < $1 + 3; i++)); do
        printf '{"type":"log","timeUnixNano":"%d000000000","severity":"info","body":"b%d","service":"s%d"}\n' \
            $((1790000000 + i)) "$i" $((i % 3))
    done
}

# What a link leads to: all of it, with modes, times and content.
state_of() {
    find "$1" -printf '%p %y %m %s %T@\n' | sort
    find "$1" -type f -print0 | sort -z | xargs -0 cat
}

@test 'links swapped in again and again lead no program out of a repository' {
    local least=1000
    [[ -z ${TRACECORE_TEST_LONG-} ]] || least=10000
    umask 000
    logs 0 | trace-record archive repo
    trace-record rollup repo
    trace-record metric m 1 --to=repo
    # Outside is a whole repository of somebody else: what is opened through a link is there.
    mkdir outside links
    cp -a repo outside/theirs
    echo victim >outside/file
    chmod 600 outside/file
    chmod -R go= outside
    state_of outside >before
    local swaps=("$least")
    for name in segments open quarantine; do
        ln -s ../outside/theirs/$name links/$name
        swaps+=("repo/$name" "links/$name")
    done
    for name in catalog filters tracecore-repository; do
        ln -s ../outside/file links/$name
        swaps+=("repo/$name" "links/$name")
    done
    mkfifo end
    exec 8<>end
    "$top_builddir/tests/fault/swap" "${swaps[@]}" <&8 >swapped 3>&- &
    local swapper=$! n=0 failures=0
    while kill -0 $swapper 2>/dev/null && ((n < least / 10)); do
        for verb in "archive repo" "metric m 1 --to=repo" "compact repo" "rollup repo" "repair repo" \
            "erase --where=.body==\"b$n\" repo" "retain repo"; do
            n=$((n + 1))
            # shellcheck disable=SC2086
            logs $n | timeout 60 trace-record $verb >/dev/null 2>>errors || failures=$((failures + 1))
        done
    done
    echo end >&8
    wait $swapper
    exec 8>&-
    echo "# $(cat swapped) swaps beside $n runs, of which $failures were told of them" >&3
    [[ $(cat swapped) -ge $least && $failures -gt 0 && $failures -lt $n ]]
    diff before <(state_of outside)
    # Nothing of the repository went elsewhere either, or is for everybody.
    [[ -d repo/segments && ! -L repo/segments && $(readlink links/segments) == ../outside/theirs/segments ]]
    [[ -z $(find repo -perm /007) && -z $(find repo -type f -perm /137) ]]
    run -0 trace-record check repo
}
