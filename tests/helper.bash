# What every bats file loads first: load ../helper
# Gives the assertion libraries, the built programs first in PATH and the folders below. By hand, a
# file runs as `top_builddir=BUILD bats tests/FOLDER/FILE.bats`. Write only into $BATS_TEST_TMPDIR.

: "${top_srcdir:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
if [[ -z ${top_builddir-} ]]; then
    for top_builddir in "$PWD" "$top_srcdir/build" "$top_srcdir"; do
        [[ ! -e $top_builddir/config.status ]] || break
    done
fi
: "${BATS_LIB_PATH:=/usr/lib/bats}"
PATH=$top_builddir/src/record:$top_builddir/src/span:$top_builddir/src/agg:$top_builddir/src/detect:$top_builddir/src/alert:$top_builddir/src/report:$PATH
TRACECORE_LIBEXEC=$top_builddir/libexec
LC_ALL=C TERM=xterm
export TERM top_srcdir top_builddir BATS_LIB_PATH PATH TRACECORE_LIBEXEC LC_ALL
unset TRACE_TO TRACEPARENT TRACESTATE BAGGAGE NO_COLOR

programs=(trace-record trace-span trace-agg trace-detect trace-alert trace-report)

bats_require_minimum_version 1.5.0
# The libraries' own load.bash starts a process for each of their files, before each test.
load_libraries() {
    local library file
    for library; do
        for file in "$BATS_LIB_PATH/$library"/src/*.bash; do
            source "$file"
        done
    done
}
load_libraries bats-support bats-assert bats-file

# What `run --separate-stderr` asks of it, without a process.
mktemp() {
    case $#,$1 in
    1,"${BATS_TEST_TMPDIR-}"/separate-stderr-XXXXXX) echo "${1%XXXXXX}$BASHPID" ;;
    *) command mktemp "$@" ;;
    esac
}

# need_data FILE...: skip the test unless each is in the folder of large test data.
need_data() {
    local file
    [[ -n ${TRACECORE_TEST_DATA-} ]] || skip 'TRACECORE_TEST_DATA names no folder of test data'
    for file; do
        [[ -e $TRACECORE_TEST_DATA/$file ]] || skip "$file is not in TRACECORE_TEST_DATA"
    done
}

# need_command NAME...: skip the test unless each is there.
need_command() {
    local name
    for name; do
        command -v "$name" >/dev/null || skip "there is no $name"
    done
}

# developer_build: whether the programs have the sanitizers in them (slower, and they need libasan).
developer_build() {
    [[ ${TRACECORE_SANITIZERS-} == yes ]]
}

# repeat N FILE...: the files' text N times (a process each would take most of a test's time).
repeat() {
    local text i
    text=$(cat "${@:2}" && echo .)
    for ((i = 0; i < $1; i++)); do
        printf %s "${text%.}"
    done
}
