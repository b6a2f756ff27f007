#!/usr/bin/env bats
# trace-alert check: silence about rule files that are fine, places of errors in those that are not.

load ../helper
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test 'check: nothing is said about the rules that are shipped' {
    run -0 trace-alert check "$top_srcdir/contrib/rules.yaml"
    assert_output ''
}

@test 'check: an unknown key has its place and the key that was meant; 2' {
    cat >rules.yaml <<'END'
version: 1
groups:
- name: g
  rules:
  - alert: A
    when:
      metric: latency
      gretar_than: 5
END
    run -2 trace-alert check rules.yaml
    assert_output "trace-alert: rules.yaml:8:7: unknown key 'gretar_than': did you mean greater_than?"
    run -2 trace-alert run --rules=rules.yaml </dev/null
    assert_output --partial 'rules.yaml:8:7: unknown key'
}

@test 'check: all errors of all files are told' {
    printf 'version: 1\ngroups:\n- name: g\n  rules:\n  - {alert: A, expr: "m > x"}\n  - {alert: A, expr: change}\n' >a
    printf 'version: 3\n' >b
    run -2 trace-alert check a b
    assert_equal "${#lines[@]}" 4
    assert_line "trace-alert: a:5:27: expr: 'x' is no number"
    assert_line "trace-alert: a:6:13: alert 'A' is there twice"
    assert_line "trace-alert: b:1:10: version '3' is not known to this program: 1"
}

@test 'check: a channel type of another version names those of this one' {
    printf 'version: 1\nchannels:\n  c: {type: webhook, url_file: x}\ngroups: []\n' >a
    run -2 trace-alert check a
    assert_output "trace-alert: a:3:13: channel type 'webhook' is not known to this version: file, exec"
}

@test 'check: a channel that is never used is a warning' {
    printf 'version: 1\nchannels:\n  c: {type: file, path: x}\ngroups:\n- name: g\n  rules:\n  - {alert: A, expr: change, actions: []}\n' >a
    run -0 trace-alert check a
    assert_output "trace-alert: a:3:3: warning: channel 'c' is never used"
}

@test 'check: hostile text is made visible' {
    printf 'version: 1\ngroups: []\n"a\\e[31m\\nb": 1\n' >a
    run -2 trace-alert check a
    assert_output 'trace-alert: a:3:1: unknown key '"'"'a\u001b[31m\u000ab'"'"
}

@test 'check: no file, one that is not there, a folder' {
    run -2 trace-alert check
    run -4 trace-alert check none
    assert_output 'trace-alert: none: No such file or directory'
    run -4 trace-alert check .
    assert_output 'trace-alert: .: Is a directory'
}
