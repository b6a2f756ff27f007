# What make install lays down is enough to build against.
bats_require_minimum_version 1.5.0
load ../helper

setup_file() {
    export prefix=$BATS_FILE_TMPDIR/usr
    # The make that runs this test is not to lend its jobs or flags to the one below.
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -C "$top_builddir" install DESTDIR="$BATS_FILE_TMPDIR" \
        prefix=/usr exec_prefix=/usr bindir=/usr/bin libdir=/usr/lib includedir=/usr/include \
        >"$BATS_FILE_TMPDIR/install.log" 2>&1 || {
        cat "$BATS_FILE_TMPDIR/install.log" >&2
        return 1
    }
}

setup() {
    : "${CC:=cc}"
    read -ra link_flags <<<"${TRACECORE_LDFLAGS-}" # sanitizers, gcov
    cat >"$BATS_TEST_TMPDIR/user.c" <<'END'
#include "base/version.h"
#include <stdio.h>
int main(void)
{
    return puts(tcore_version()) < 0;
}
END
}

@test 'the six programs are installed and start' {
    for program in "${programs[@]}"; do
        run -0 "$prefix/bin/$program" --version
        assert_line --index 0 --partial "$program (tracecore)"
    done
}

@test 'each installed header compiles by itself' {
    cd "$prefix/include/tracecore"
    [[ -e base/version.h ]]
    find . -name '*.h' | while read -r header; do
        echo "#include \"$header\"" >"$BATS_TEST_TMPDIR/one.c"
        # shellcheck disable=SC2086 # CC may be two words
        $CC -Wall -Wextra -Werror -fsyntax-only -I. "$BATS_TEST_TMPDIR/one.c"
    done
}

@test 'every header that an installed one includes is installed' {
    cd "$prefix/include/tracecore"
    run -0 bash -c 'grep -rhoE "#include \"[^\"]+" . | sed "s/.*\"//" | sort -u | while read -r header; do
        [[ -e $header ]] || echo "$header"; done'
    assert_output ''
}

@test 'a program links with the static library' {
    # shellcheck disable=SC2086
    $CC "${link_flags[@]}" -I"$prefix/include/tracecore" -o "$BATS_TEST_TMPDIR/user" "$BATS_TEST_TMPDIR/user.c" \
        "$prefix/lib/libtracecore.a" -lm
    run -0 "$BATS_TEST_TMPDIR/user"
    assert_output "${TRACECORE_VERSION:-$output}"
}

@test 'a program links with the shared library' {
    [[ -e $prefix/lib/libtracecore.so ]] || skip 'this build has no shared library'
    # shellcheck disable=SC2086
    $CC "${link_flags[@]}" -I"$prefix/include/tracecore" -o "$BATS_TEST_TMPDIR/user" "$BATS_TEST_TMPDIR/user.c" \
        -L"$prefix/lib" -Wl,-rpath,"$prefix/lib" -ltracecore
    run -0 "$BATS_TEST_TMPDIR/user"
    assert_output "${TRACECORE_VERSION:-$output}"
}

@test 'the pkg-config file names the version and where headers and library are' {
    file=$prefix/lib/pkgconfig/tracecore.pc
    assert_file_exists "$file"
    run -0 grep -E '^(Version|Cflags|Libs):' "$file"
    assert_line "Version: ${TRACECORE_VERSION:-$(sed -n 's/^Version: //p' "$file")}"
    assert_line 'Cflags: -I${includedir}/tracecore'
    assert_line 'Libs: -L${libdir} -ltracecore'
}
