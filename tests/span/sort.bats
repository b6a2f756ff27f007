# trace-span sort and cut.
bats_require_minimum_version 1.5.0
load ../helper
load spans

setup() {
    cd "$BATS_TEST_TMPDIR"
    export LC_ALL=C
}

names() {
    jq -r .name | xargs
}

@test 'by start; equal ones as they came' {
    { span a 1 - 30 40 x c; span a 2 - 10 20 x a; span b 3 - 10 15 x b; span b 4 - - - x none; span b 5 - 9 15 x first; } >spans
    run -0 trace-span sort spans
    assert_equal "$(names <<<"$output")" 'first a b c none'
    run -0 bash -c 'trace-span sort spans | sort | cmp - <(sort spans)'
}

@test 'by several fields, down and up; without the field last' {
    { span a 1 - 0 40 x c; span a 2 - 0 20 y a; span b 3 - 0 30 y b; span b 4 - 5 - x none; span b 5 - 0 - - last; } >spans
    run -0 trace-span sort --by=durationNano:desc spans
    assert_equal "$(names <<<"$output")" 'c b a none last'
    run -0 trace-span sort --by=service:desc,durationNano spans
    assert_equal "$(names <<<"$output")" 'a b c none last'
    run -0 trace-span sort --by=service:asc --by=name:desc spans
    assert_equal "$(names <<<"$output")" 'none c b a last'
    run -0 trace-span sort --by=service:desc,name --limit=1 --fields=name spans
    assert_output '{"name":"a"}'
}

@test 'attributes, mixed kinds, integers beyond 2^53' {
    for v in 9007199254740993 9007199254740992 '"x"' true null 9007199254740992.5 1e3 '"9"' 10; do
        span a $((++n)) - 0 1 x "$n" '' '' "\"attributes\":{\"v\":$v}"
    done >spans
    run -0 trace-span sort --by=v spans
    assert_equal "$(grep -o '"v":[^}]*' <<<"$output" | cut -c5- | xargs -d '\n')" \
        'null true 10 1e3 9007199254740992 9007199254740992.5 9007199254740993 "9" "x"'
}

@test 'a field that no record has is named' {
    shop >spans
    run -0 --separate-stderr trace-span sort --by=durationNanos spans
    assert_output "$(cat spans)"
    assert_equal "$stderr" "trace-span: no record had the field 'durationNanos': did you mean 'durationNano'?"
}

@test 'in little memory, on any number of threads, from any form: the same bytes' {
    for i in {1..3000}; do
        span $((i * 7919 % 1009 + 1)) "$i" - $((i * 104729 % 5003)) $((i * 104729 % 5003 + i % 97)) s$((i % 7)) "n$((i % 13))" '' '' "\"attributes\":{\"pad\":\"$(printf '%0500d' "$i")\"}"
    done >spans
    trace-span sort --by=name,durationNano:desc spans >wanted
    assert_equal "$(wc -l <wanted)" 3000
    for j in 1 2 5; do
        run -0 cmp wanted <(trace-span sort -j$j --memory=1M --by=name,durationNano:desc spans)
        run -0 cmp wanted <(trace-span filter -b spans | trace-span sort -j$j --by=name,durationNano:desc)
        run -0 cmp wanted <(trace-span sort -j$j -b --memory=1M --by=name,durationNano:desc spans | trace-span filter)
    done
    jq -r '[.name, .durationNano] | @tsv' wanted | sort -c -k1,1 -k2,2nr
}

@test 'no room for what does not fit is one error' {
    for i in {1..3000}; do span a "$i" - 0 1 x "$(printf '%0500d' "$i")"; done >spans
    TMPDIR=/nowhere run -4 --separate-stderr trace-span sort --memory=1M spans
    assert_equal "$stderr" 'trace-span: cannot make a temporary file: No such file or directory'
    assert_output ''
    run -0 bash -c 'trace-span sort --memory=1M spans | head -n 1'
}

@test 'cut: some fields of each record' {
    shop >spans
    run -0 trace-span cut --fields=name,http.response.status_code spans
    assert_line --index 0 '{"name":"GET /cart"}'
    assert_line --index 5 '{"name":"stock.Get","http.response.status_code":503}'
    run -0 trace-span cut --fields=service,name --format=tsv --limit=1 spans
    assert_output "$(printf 'service\tname\nfront\tGET /cart')"
    run -2 trace-span cut spans
    assert_output --partial 'cut needs --fields=LIST'
    run -2 trace-span cut -b --fields=name spans
}
