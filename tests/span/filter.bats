# trace-span filter, and with it what every reader and writer of records does alike.
bats_require_minimum_version 1.5.0
load ../helper

span() { # NAME START SERVICE ATTRIBUTES
    printf '{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"%s","startTimeUnixNano":"%s","service":"%s","attributes":{%s}}\n' "$@"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    span one 1000000000 cart '"n":1' >one
    span two 2000000000 front '"n":2,"text":"a,b\"c\td","formula":"=1+1"' >two
    {
        cat one
        echo '{"type":"log","timeUnixNano":"1","body":"x"}'
        echo 'no json'
        echo
        echo '{"type":"metric","metricName":"m","value":1}'
        cat two
        echo '{"type":"log","timeUnixNano":"2","body":"y"}'
        echo '{"type":"future","x":1}'
    } >mixed
}

@test 'lines go through byte for byte, with fields that nobody knows and odd spacing' {
    sed 's/"name"/ "unknown" : [ 1.50, {} ] , "name"/' one >odd
    run -0 --keep-empty-lines trace-span filter odd
    assert_output "$(cat odd)
"
}

@test 'standard input is read when no input is named, and where - stands' {
    run -0 trace-span filter <one
    assert_output "$(cat one)"
    run -0 trace-span filter two - <one
    assert_output "$(cat two one)"
}

@test 'other types are counted in one line, or forwarded in their places' {
    run -3 --separate-stderr trace-span filter mixed
    assert_output "$(cat one two)"
    [[ $stderr == *'trace-span: passed over 1 metric record, 2 log records, 1 record of unknown type' ]]
    run -3 --separate-stderr trace-span filter --pass mixed
    assert_output "$(grep '^{' mixed)"
    [[ $stderr == 'trace-span: mixed:3: '* && $stderr != *'passed over'* ]]
}

@test 'clock records always go on, but not into a table' {
    echo '{"type":"clock","timeUnixNano":"5"}' >clock
    run -0 --separate-stderr trace-span filter one clock two
    assert_output "$(cat one clock two)"
    [[ -z $stderr ]]
    run -0 trace-span filter --format=tsv --fields=name one clock two
    assert_output $'name\none\ntwo'
}

@test 'a bad record is named, kept if asked, and makes the exit status 3' {
    run -3 --separate-stderr trace-span filter --rejects=bad mixed one
    [[ ${stderr_lines[0]} == 'trace-span: mixed:3: '* ]]
    assert_equal "$(cat bad)" 'no json'
}

@test 'line numbers begin anew with each input' {
    run -3 --separate-stderr trace-span filter mixed mixed
    assert_equal "$(grep -c ' mixed:3: ' <<<"$stderr")" 2
}

@test 'more than 20 bad records are counted' {
    repeat 30 mixed >many
    run -3 --separate-stderr trace-span filter many
    assert_equal "$(grep -c ' many:' <<<"$stderr")" 20
    [[ $stderr == *'trace-span: 30 records were rejected; the first 20 are named above' ]]
}

@test '--strict stops at the first bad record with 4, after what came before it' {
    run -4 trace-span filter --strict mixed one
    assert_line --index 0 "$(cat one)"
    assert_line --index 1 --partial 'trace-span: mixed:3: '
    assert_equal "${#lines[@]}" 2
}

@test 'an input that cannot be opened is named; the others are read; 4' {
    run -4 --separate-stderr trace-span filter one nowhere two
    assert_output "$(cat one two)"
    assert_equal "$stderr" 'trace-span: nowhere: cannot open: No such file or directory'
}

@test 'a foreign format is one error' {
    echo '{"resourceSpans":[{"scopeSpans":[]}]}' >otlp
    run -4 --separate-stderr trace-span filter otlp
    assert_output ''
    [[ $stderr == 'trace-span: otlp: '*import* && ${#stderr_lines[@]} -eq 1 ]]
}

@test '--since is inclusive, --until is not' {
    run -0 trace-span filter --since=2 one two
    assert_output "$(cat two)"
    run -0 trace-span filter --until=2 one two
    assert_output "$(cat one)"
    run -0 trace-span filter --since=1970-01-01T00:00:01Z --until=1.5 one two
    assert_output "$(cat one)"
}

@test 'records without a time are left out by --since, and counted' {
    sed 's/"startTimeUnixNano":"[0-9]*",//' one >timeless
    run -0 --separate-stderr trace-span filter --since=0 timeless two
    assert_output "$(cat two)"
    assert_equal "$stderr" 'trace-span: 1 record without a time left out by --since or --until'
}

@test '--type names what to keep; an unknown type is a usage error' {
    run -3 trace-span filter --type=log,metric mixed 2>/dev/null
    assert_line --partial '"body":"y"'
    refute_line --partial '"type":"span"'
    run -2 trace-span filter --type=spam mixed
    assert_line --index 0 "trace-span: --type: 'spam' is no record type: did you mean span?"
}

@test '--limit ends early and quietly' {
    run -0 --separate-stderr trace-span filter --limit=1 one two nowhere
    assert_output "$(cat one)"
    run -0 trace-span filter --limit=0 one
    assert_output ''
}

@test '--fields makes objects of these fields only' {
    run -0 trace-span filter --fields=name,n,attributes.text,traceId one two
    assert_line --index 0 '{"name":"one","n":1,"traceId":"5b8efff798038103d269b633813fc60c"}'
    assert_line --index 1 '{"name":"two","n":2,"attributes.text":"a,b\"c\td","traceId":"5b8efff798038103d269b633813fc60c"}'
}

@test 'service and durationNano are derived where they are absent' {
    echo '{"type":"span","traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","startTimeUnixNano":"5","endTimeUnixNano":"12","resource":{"service.name":"shop"}}' >bare
    run -0 trace-span filter --fields=service,durationNano bare
    assert_output '{"service":"shop","durationNano":7}'
}

@test 'a field that no record had: one note with the nearest, and 0' {
    run -0 --separate-stderr trace-span filter --fields=name,servce,formul,zzzz one two
    assert_equal "$stderr" "trace-span: no record had the field 'servce': did you mean 'service'?
trace-span: no record had the field 'formul': did you mean 'formula'?
trace-span: no record had the field 'zzzz'"
}

@test 'tsv escapes what would break a row' {
    run -0 trace-span filter --format=tsv --fields=name,text,n one two
    assert_output $'name\ttext\tn\none\t\t1\ntwo\ta,b"c\\td\t2'
}

@test 'csv quotes, and defuses formulas in texts but not numbers' {
    span -3 0 '@shop' '"n":-1' >three
    run -0 trace-span filter --format=csv --fields=name,service,text,formula,n two three
    assert_output "name,service,text,formula,n
two,front,\"a,b\"\"c	d\",'=1+1,2
'-3,'@shop,,,-1"
}

@test 'rows without a record have the heading that was asked for' {
    for format in csv tsv table; do
        run -0 trace-span filter "--format=$format" --fields=name /dev/null
        assert_output 'name'
        run -0 trace-span filter "--format=$format" /dev/null
        assert_output ''
    done
}

@test 'what later records have and no column shows is named once' {
    {
        echo '{"traceId":"1","spanId":"1","name":"a"}'
        echo '{"traceId":"1","spanId":"2","name":"b","kind":"server","status":"ok"}'
        echo '{"traceId":"1","spanId":"3","kind":"client"}'
    } >in
    run -0 --separate-stderr trace-span filter --format=csv in
    assert_line --index 0 'traceId,spanId,name'
    assert_equal "$stderr" 'trace-span: the columns are those of the first record: kind, status of later ones left out (--fields names columns)'
    run -0 --separate-stderr trace-span filter --format=csv --fields=name in
    assert_equal "$stderr" ''
}

@test 'the columns of a live table become wider, and stay in line' {
    mkfifo live
    trace-span filter --format=table --fields=name,n,service <live >out 3>&- &
    program=$!
    exec 9>live
    lines=0
    for n in 1 1234567890 5; do
        echo '{"traceId":"1","spanId":"1","name":"a","service":"cart","attributes":{"n":'$n'}}' >&9
        lines=$((lines + 1))
        for ((i = 0; i < 500; i++)); do
            [[ $(wc -l <out) -le $lines ]] || break
            sleep 0.01
        done
    done
    exec 9>&-
    wait "$program"
    run cat out
    assert_line --index 1 'a     1  cart'
    assert_line --index 2 'a     1234567890  cart'
    assert_line --index 3 'a              5  cart'
}

@test 'times that libjq rounds are announced' {
    echo '{"traceId":"1","spanId":"1","startTimeUnixNano":"1544712660000000005","events":[{"timeUnixNano":"1544712660000000005"}]}' >in
    local expr
    for expr in 'any(.events[]; .timeUnixNano > 4)' '.events[0]["timeUnixNano"] > 4' '.events[] | {timeUnixNano} | .[] > 4'; do
        run -0 --separate-stderr trace-span filter -w "$expr" in
        assert_equal "$stderr" 'trace-span: --where: this runs in libjq, where times are exact to about 256 ns only'
    done
    run -0 --separate-stderr trace-span filter -w '.startTimeUnixNano > 1544712660000000004' in
    assert_equal "$output$stderr" "$(cat in)"
    run -0 --separate-stderr trace-span filter -w 'any(.events[]; .name > 4)' in
    assert_equal "$stderr" ''
}

@test 'a field that is named twice is written once' {
    run -0 trace-span filter --fields=name,traceId,name,name one
    [[ $(grep -o '"name":' <<<"$output" | wc -l) -eq 1 ]]
    run -0 trace-span filter --format=csv --fields=name,name one
    assert_line --index 0 'name'
}

@test 'the beginning of a name, or its parts, are known as well' {
    echo '{"traceId":"1","spanId":"1","name":"x","attributes":{"http.route":"/","http.response.status_code":200}}' >in
    local asked
    for asked in http.status http.resp status_code attributes.http.status; do
        run -0 --separate-stderr trace-span filter "--fields=name,$asked" in
        assert_equal "$stderr" "trace-span: no record had the field '$asked': did you mean 'http.response.status_code'?"
    done
}

@test 'a table is aligned, numbers to the right, and has the scalar fields by default' {
    run -0 trace-span filter --format=table --fields=name,n,service one two
    assert_output 'name  n  service
one   1  cart
two   2  front'
    run -0 trace-span filter --format=table one
    assert_line --index 0 'type  traceId                           spanId            name  startTimeUnixNano  service'
}

@test 'a table, which is for people, has durations with their unit; tsv has them exact' {
    sed 's/"service"/"durationNano":12345678,"service"/' one >timed
    run -0 trace-span filter --format=table --fields=name,durationNano timed
    assert_output 'name  durationNano
one        12.3 ms'
    run -0 trace-span filter --format=tsv --fields=durationNano timed
    assert_output $'durationNano\n12345678'
}

@test 'a table shows control and bidirectional characters' {
    span 'a\u001b[31m\u202eb\u0085' 1 x '' >evil
    run -0 trace-span filter --format=table --fields=name evil
    assert_output 'name
a\u001b[31m\u202eb\u0085'
}

@test 'nothing raw reaches a terminal' {
    command -v script >/dev/null || skip 'script is missing'
    span $'a\u009b31m\u202eb' 1 x '' >evil
    for format in ndjson tsv csv table; do
        run -0 script -qec "trace-span filter --format=$format --fields=name evil" /dev/null </dev/null
        assert_output --partial 'a\u009b31m\u202eb'
    done
    for setting in NO_COLOR=1 TERM=dumb; do
        run -0 script -qec "$setting trace-span filter --format=table --fields=name evil" /dev/null </dev/null
        [[ $output != *$'\e'* ]]
    done
    run -0 script -qec 'NO_COLOR=1 trace-span filter --format=table --fields=name evil' /dev/null </dev/null
    refute_output --partial $'\e'
}

@test '-b on a terminal is refused, and so is a terminal as input' {
    command -v script >/dev/null || skip 'script is missing'
    run -2 script -qec 'trace-span filter -b one' /dev/null </dev/null
    assert_output --partial 'trace-span: -b writes binary data'
    run -2 script -qec 'trace-span filter' /dev/null </dev/null
    assert_output --partial 'standard input is a terminal'
}

@test 'through a binary pipe the same records come out, in canonical form' {
    run -0 bash -c 'trace-span filter -b one two | trace-span filter -b | trace-span filter'
    assert_output "$(cat one two)"
    # order is kept within a type
    run -3 bash -c 'set -o pipefail; trace-span filter -b --pass mixed 2>/dev/null | trace-span filter --pass | sort'
    assert_output "$(grep '^{' mixed | sort)"
}

@test '-b goes with no other format' {
    run -2 trace-span filter -b --format=csv one
    run -2 trace-span filter -b --fields=name one
    run -2 trace-span filter --provenance one
}

@test '-o FILE appears when all is done, and not at all when not' {
    run -0 trace-span filter -o out one
    assert_output ''
    assert_files_equal out one
    run -4 trace-span filter -o out two nowhere
    assert_files_equal out one
    run -4 trace-span filter -o new two nowhere
    assert_file_not_exists new
    run -4 trace-span filter -o nowhere/new one
    assert_output 'trace-span: nowhere/new: No such file or directory'
    assert_equal "$(ls -A)" $'mixed\none\nout\ntwo'
}

@test '-o to something that is no file writes there' {
    run -0 trace-span filter -o /dev/stdout one
    assert_output "$(cat one)"
    run -4 trace-span filter -o /dev/full one
    assert_output 'trace-span: /dev/full: No space left on device'
    run -4 trace-span filter -o . one
    assert_output 'trace-span: .: Is a directory'
}

@test 'output that cannot be written is told, in every format' {
    for format in ndjson tsv csv table; do
        run -4 bash -c "trace-span filter --format=$format one >/dev/full"
        assert_output 'trace-span: standard output: No space left on device'
        run -4 bash -c "trace-span filter --format=$format one >&-"
        assert_output 'trace-span: standard output: Bad file descriptor'
    done
    run -4 bash -c 'trace-span filter -b one >/dev/full'
    assert_output 'trace-span: standard output: No space left on device'
}

@test 'a closed standard output or error never ends up in a file' {
    run -4 bash -c 'trace-span filter --rejects=bad one >&-'
    assert_equal "$(cat bad)" ''
    bash -c 'trace-span filter --rejects=bad mixed 2>&-' >out || true
    assert_equal "$(cat bad)" 'no json'
}

@test 'a reader that goes away is a quiet end' {
    echo 'no json' >bad
    for ((i = 0; i < 13; i++)); do
        ((i)) && cat many many >more && mv more many || cat one >many
    done
    for format in ndjson tsv csv table; do
        run -0 --separate-stderr bash -c "trace-span filter --format=$format many many many | head -n 1
            exit \${PIPESTATUS[0]}"
        [[ -z $stderr && ${#lines[@]} -eq 1 ]]
    done
    run -0 --separate-stderr bash -c 'trace-span filter -b many many | head -c 10 >first; exit ${PIPESTATUS[0]}'
    [[ -z $stderr ]]
    # what was refused on the way was told, and is kept; it does not make the end another one
    for format in ndjson csv; do
        run -0 --separate-stderr bash -c "cat bad many many many |
            trace-span filter --rejects=refused --format=$format | head -n 1; exit \${PIPESTATUS[1]}"
        [[ $stderr == 'trace-span: -:1: '* && ${#stderr_lines[@]} -eq 1 && ${#lines[@]} -eq 1 ]]
        cmp bad refused
    done
}

@test 'what a live pipe brings is passed on before the next read waits' {
    mkfifo in out
    trace-span filter <in >out &
    pid=$!
    exec {to}>in {from}<out
    cat one >&"$to"
    read -r -t 5 line <&"$from"
    assert_equal "$line" "$(cat one)"
    cat two >&"$to"
    read -r -t 5 line <&"$from"
    assert_equal "$line" "$(cat two)"
    exec {to}>&-
    wait "$pid"
}

@test 'a table of a live pipe is written as it comes' {
    mkfifo in out
    trace-span filter --format=table --fields=name <in >out &
    pid=$!
    exec {to}>in {from}<out
    cat one >&"$to"
    read -r -t 5 line <&"$from"
    assert_equal "$line" 'name'
    read -r -t 5 line <&"$from"
    assert_equal "$line" 'one'
    exec {to}>&-
    wait "$pid"
}

@test 'TERM on a quiet pipe ends well, without the half line' {
    for threads in 1 3; do
        rm -f in
        mkfifo in
        trace-span filter -j$threads <in >out &
        pid=$!
        exec {to}>in
        cat one >&"$to"
        printf '{"half' >&"$to"
        for ((i = 0; i < 50; i++)); do
            [[ ! -s out ]] || break
            sleep 0.1
        done
        kill -TERM "$pid"
        wait "$pid"
        exec {to}>&-
        assert_files_equal out one
    done
}

@test 'USR1 and --progress show how far it is' {
    run -0 --separate-stderr trace-span filter --progress one two
    [[ $stderr == 'trace-span: 2 records, '*' B, input 2 of 2'* ]]
}

@test 'USR1 is answered at once, while the input is idle' {
    mkfifo idle
    for threads in 1 4; do
        trace-span filter "-j$threads" idle >out 2>err 3>&- &
        program=$!
        exec 9>idle
        cat one >&9
        until [[ -s out ]]; do sleep 0.01; done
        kill -USR1 "$program"
        for ((i = 0; i < 500; i++)); do
            [[ ! -s err ]] || break
            sleep 0.01
        done
        kill -0 "$program"
        [[ $(cat err) == 'trace-span: 1 records, '*' B, '*' records/s' ]]
        exec 9>&-
        wait "$program"
        assert_equal "$(wc -l <err)" 1
    done
}

@test '--idle puts clock records where input is awaited' {
    run -0 bash -c "{ cat one; sleep 0.5; cat two; } | trace-span filter --idle=100ms"
    assert_line --index 0 "$(cat one)"
    assert_line --index 1 --regexp '^\{"type":"clock","timeUnixNano":"[0-9]{19}"\}$'
    assert_equal "${lines[-1]}" "$(cat two)"
}

@test '--explain tells what is read and how' {
    run -0 --separate-stderr trace-span filter --explain -j3 --since=0 one
    [[ $stderr == *'works on span trace records'* ]]
    [[ $stderr == *'startTimeUnixNano'*'the whole text'* ]]
    [[ $stderr == *'up to 3 threads'* ]]
    [[ $stderr == *'one is NDJSON'* ]]
}

@test 'limits on lines and nesting are settable' {
    run -3 trace-span filter --line-limit=100 one
    run -3 trace-span filter --depth-limit=1 one
    run -0 trace-span filter --depth-limit=2 one
}

@test 'duplicate keys: the last one counts, and it is said' {
    sed 's/"service"/"name":"again","service"/' one >twice
    run -0 --separate-stderr trace-span filter --fields=name twice
    assert_output '{"name":"again"}'
    assert_equal "$stderr" 'trace-span: 1 key occurred twice in an object: the last one counted'
}

@test '-w keeps the records for which the expression is true' {
    run -0 trace-span filter -w '.service == "cart" and .attributes.n < 2' one two
    assert_output "$(cat one)"
    run -0 trace-span filter --where='.attributes.n * 500*ms >= 1*s' one two
    assert_output "$(cat two)"
    run -0 trace-span filter --where='.attributes | to_entries | any(.key == "text")' one two
    assert_output "$(cat two)"
}

@test '-w counts what passes through no more than what it drops' {
    run -3 --separate-stderr trace-span filter --pass -w false mixed
    assert_output "$(grep -E '"(log|metric|future)"' mixed)"
}

@test 'a bad expression is a usage error that names the place' {
    run -2 trace-span filter -w '.a +' nowhere
    assert_line --index 0 --regexp '^trace-span: --where: .* \(byte [0-9]+\)$'
}

@test 'an expression that fails on a record is false there, and that is said once' {
    run -0 --separate-stderr trace-span filter -w '.name - 1 == 1 or .attributes.n == 2' one two
    assert_output ''
    [[ $stderr == 'trace-span: --where failed on 2 records, taken as false: '* && ${#stderr_lines[@]} -eq 1 ]]
}

@test 'a misspelt field in an expression gets a note' {
    run -0 --separate-stderr trace-span filter -w '.servce == "cart"' one
    assert_equal "$stderr" "trace-span: no record had the field 'servce': did you mean 'service'?"
    run -0 --separate-stderr trace-span filter -w '.statusMessage == "x"' one
    [[ -z $stderr ]]
}

@test 'clock records are no matter of -w' {
    echo '{"type":"clock","timeUnixNano":"5"}' >clock
    run -0 trace-span filter -w 'false' one clock two
    assert_output "$(cat clock)"
}

@test 'every instruction set gives the same bytes' {
    repeat 200 mixed >many
    trace-span filter --pass many >wanted 2>wanted-messages || true
    for simd in portable avx2 avx512; do
        TRACECORE_SIMD=$simd trace-span filter --pass many >got 2>messages || (($? == 3)) || continue
        assert_files_equal got wanted
        assert_files_equal messages wanted-messages
    done
    TRACECORE_SIMD=none run -2 trace-span filter one
}
