#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# petshop.sh [-v] FOLDER: scores trace-detect cause on the PetShop dataset (Hardt et al., CLeaR 2024). FOLDER
# has SCENARIO/graph.csv, SCENARIO/noissue/metrics.csv and SCENARIO/SET/ISSUE/ with metrics.csv and
# target.json; trace-detect is taken from PATH. Needs jq. -v: each issue, too.
#
# A column of metrics.csv becomes a gauge by the name METRIC STATISTIC of the service, and requests a
# counter of deltas; the issue's rows from the alarm on are the candidate, the rows before and
# noissue the base. A 1 in graph.csv becomes an
# edge as of trace-span map, and a node that calls nothing, or ends with _remote or _client, one that is
# known from its callers only. The metric that the alarm was for is not told: the verb takes all.
#
# Top-k as in the paper: the share of issues whose root cause's node is among the first k services. Issues
# of odd and even number are scored by themselves, too.
set -eu

verbose=no
[ "${1:-}" != -v ] || {
    verbose=yes
    shift
}
[ $# = 1 ] && [ -d "$1" ] || {
    echo 'usage: petshop.sh [-v] FOLDER' >&2
    exit 2
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# points FROM TO FILE: of rows of seconds since 1970, FROM is in and TO is not.
points() {
    awk -F, -v OFS= -v from="$1" -v to="$2" '
        $1 == "microservice" { for (i = 2; i <= NF; i++) service[i] = $i; next }
        $1 == "metric" { for (i = 2; i <= NF; i++) metric[i] = $i; next }
        $1 == "statistic" { for (i = 2; i <= NF; i++) statistic[i] = $i; next }
        $1 !~ /^[0-9.]+$/ || $1 < from || $1 >= to { next }
        { for (i = 2; i <= NF; i++)
              if ($i ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/)
                  print "{\"metricName\":\"", metric[i], " ", statistic[i], "\",\"metricType\":\"",
                      metric[i] == "requests" ? "counter\",\"temporality\":\"delta" : "gauge",
                      "\",\"value\":", $i, ",\"timeUnixNano\":\"", int($1), "000000000\",\"service\":\"",
                      service[i], "\"}" }' "$3"
}

edges() {
    awk -F, -v OFS= '
        FNR == 1 { for (i = 2; i <= NF; i++) name[i] = $i; next }
        { for (i = 2; i <= NF; i++)
              if ($i > 0) { calls[$1] = 1; edge[++edges] = $1; to[edges] = name[i] } }
        END { for (i = 1; i <= edges; i++)
                  print "{\"type\":\"aggregate\",\"recordType\":\"span\",\"group\":{\"source\":\"", edge[i],
                      "\",\"target\":\"", to[i], "\"}", to[i] in calls && to[i] !~ /_(remote|client)$/ ?
                      "" : ",\"missing\":\"server\"", "}" }' "$1"
}

for target in "$1"/*/*/*/target.json; do
    issue=$(dirname "$target")
    scenario=$(dirname "$(dirname "$issue")")
    alarm=$(jq .target.timestamp "$target")
    {
        edges "$scenario/graph.csv"
        points 0 9999999999 "$scenario/noissue/metrics.csv"
        points 0 "$alarm" "$issue/metrics.csv"
    } >"$work/base"
    points "$alarm" 9999999999 "$issue/metrics.csv" >"$work/cand"
    trace-detect cause "$work/base" "$work/cand" 2>"$work/err" | jq -c -s --arg issue "${issue#"$1/"}" \
        --slurpfile target "$target" '
        $target[0].root_cause.node as $node | [.[] | select(.method == "service") | .group.service] |
        {issue: $issue, node: $node, metric: $target[0].target.metric, rank: ((index($node) // 998) + 1),
         first: .[0]}'
done >"$work/ranks"
jq -r -s --arg verbose $verbose '
    def share(k): if length == 0 then "-" else (map(select(.rank <= k)) | length) * 1000 / length | round / 1000 end;
    def line(what): "\(what): \(length) issues, top-1 \(share(1)), top-3 \(share(3))";
    (select($verbose == "yes") | .[] |
        "\(.issue) \(.metric): \(if .rank > 900 then "not found" else .rank end), first \(.first)"),
    line("all"), ([to_entries[] | select(.key % 2 == 0).value] | line("odd")),
    ([to_entries[] | select(.key % 2 == 1).value] | line("even"))' "$work/ranks"
