# The layers keep apart: who includes whom, what a program needs, what the library exports.
bats_require_minimum_version 1.5.0
load ../helper

folders=(record span agg detect alert report)

sources() {
    [[ ! -d $top_srcdir/src/$1 ]] || find "$top_srcdir/src/$1" -name '*.[ch]'
}

# includes FOLDER PATTERN: the lines of src/FOLDER that include a matching header.
includes() {
    sources "$1" | xargs -r grep -HnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"](\.\./)*($2)" || true
}

@test 'no program includes the header of another' {
    for folder in "${folders[@]}"; do
        others=$(printf '%s/|' "${folders[@]}" | sed "s,$folder/|,,; s,|\$,,")
        run -0 includes "$folder" "$others"
        assert_output ''
    done
}

@test 'the front end includes no header of a program' {
    run -0 includes cli "$(printf '%s/|' "${folders[@]}" | sed 's,|$,,')"
    assert_output ''
}

@test 'the library includes neither front end nor program nor Gnulib' {
    run -0 includes libtracecore "cli/|$(printf '%s/|' "${folders[@]}")closeout|xalloc|quote|progname|full-"
    assert_output ''
}

@test 'inside the library each layer includes only those below it' {
    run -0 includes libtracecore/base 'model/|stream/|query/|stats/|trace/|store/'
    assert_output ''
    run -0 includes libtracecore/model 'stream/|query/|stats/|trace/|store/'
    assert_output ''
    run -0 includes libtracecore/stream 'query/|stats/|trace/|store/'
    assert_output ''
    run -0 includes libtracecore/trace 'stream/|query/|stats/|store/'
    assert_output ''
}

@test 'a program needs libc and libm only' {
    allowed='libc\.so|libm\.so|ld-linux'
    ! developer_build || allowed="$allowed|libasan|libubsan|libgcc_s"
    for folder in "${folders[@]}"; do
        program=$top_builddir/src/$folder/trace-$folder
        assert_file_executable "$program"
        needed=$(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
        [[ -n $needed ]]
        run grep -vE "^($allowed)" <<<"$needed"
        assert_output ''
    done
}

@test 'the shared library exports tcore_ symbols and nothing else' {
    library=$top_builddir/src/libtracecore/.libs/libtracecore.so
    [[ -e $library ]] || skip 'this build has no shared library'
    symbols=$(nm -D --defined-only "$library" | awk '{ print $3 }')
    [[ $symbols == *tcore_version* ]]
    run grep -v '^tcore_' <<<"$symbols"
    assert_output ''
}

@test 'the static library defines tcore_ symbols and nothing else' {
    symbols=$(nm -g --defined-only "$top_builddir/src/libtracecore/.libs/libtracecore.a" | awk 'NF == 3 { print $3 }')
    [[ $symbols == *tcore_version* ]]
    run grep -vE '^(tcore_|__)' # __: the sanitizers' and gcov's own <<<"$symbols"
    assert_output ''
}

@test 'no source file is longer than 800 lines' {
    run -0 bash -c 'find "$top_srcdir/src" -name "*.[ch]" | xargs wc -l | awk "\$2 != \"total\" && \$1 > 800"'
    assert_output ''
}

@test 'each source file names its licence first' {
    run -0 find "$top_srcdir/src" "$top_srcdir/tests" -name '*.[ch]' -exec awk '
        FNR == 1 && !/SPDX-License-Identifier: GPL-3.0-or-later/ { print FILENAME }' {} +
    assert_output ''
}

@test 'nothing is left to be done in the sources' {
    words='TO''DO|FIX''ME|XX''X'
    run grep -rnwE "$words" "$top_srcdir/src" "$top_srcdir/tests" "$top_srcdir/contrib" \
        --include='*.[ch]' --include='*.bats' --include='*.bash' --include='local.mk'
    assert_output ''
}

@test 'no file lies about in a clone' {
    [[ -e $top_srcdir/.git ]] || skip 'not a clone'
    run git -C "$top_srcdir" ls-files ':(top,glob)*'
    [[ $status == 0 ]] || skip 'git does not say what is in it'
    assert_output "$(printf '%s\n' .clang-format .editorconfig .gitattributes .gitignore COPYING \
        HACKING Makefile.am NEWS README bootstrap bootstrap.conf configure.ac version.sh)"
}
