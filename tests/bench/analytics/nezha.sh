#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# nezha.sh [-v] [--metrics] FOLDER: scores trace-detect cause on a day of the Nezha dataset. FOLDER has
# construct_data/DAY and rca_data/DAY; trace-detect is taken from PATH. Needs jq. -v: each fault, too.
#
# A row of trace/HH_MM_trace.csv becomes a span, and its pod less the last two parts its service; the base
# is the day's fault-free minutes, the candidate the minute of the fault and the two behind it. With
# --metrics each number of metric/POD_metric.csv becomes a point: of the time before the first fault for
# the base, of three minutes from the fault on for the candidate. Logs are not used.
#
# AS@k as in the paper (Yu et al., ESEC/FSE 2023): the share of faults whose service is among the first k.
# The order is that of the findings of services (method "service"). Faults of odd and even number are
# scored by themselves, too, to show how much so few can say.
set -eu

verbose=no metrics=no
while [ $# -gt 1 ]; do
    case $1 in
    -v) verbose=yes ;;
    --metrics) metrics=yes ;;
    *) break ;;
    esac
    shift
done
[ $# = 1 ] && [ -d "$1/rca_data" ] || {
    echo 'usage: nezha.sh [-v] [--metrics] FOLDER' >&2
    exit 2
}
folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

spans() {
    awk -F, -v OFS= '
        function service(pod) { sub(/-[^-]*-[^-]*$/, "", pod); return pod }
        FNR == 1 || NF < 8 || seen[$1, $2]++ { next }
        { gsub(/["\\]/, "", $5)
          print "{\"traceId\":\"", $1, "\",\"spanId\":\"", $2, "\",",
              $3 == "root" ? "" : "\"parentSpanId\":\"" $3 "\",",
              "\"name\":\"", $5, "\",\"startTimeUnixNano\":\"", $6, "\",\"endTimeUnixNano\":\"", $7,
              "\",\"service\":\"", service($4), "\",\"resource\":{\"k8s.pod.name\":\"", $4, "\"}}" }' "$@"
}

# points FROM TO FILE...: of seconds since 1970, FROM is in and TO is not.
points() {
    awk -F, -v OFS= -v from="$1" -v to="$2" '
        function service(pod) { sub(/-[^-]*-[^-]*$/, "", pod); return pod }
        FNR == 1 { for (i = 4; i <= NF; i++) name[i] = $i; next }
        $2 < from || $2 >= to { next }
        { for (i = 4; i <= NF; i++)
              if ($i ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/)
                  print "{\"metricName\":\"", name[i], "\",\"value\":", $i, ",\"timeUnixNano\":\"", $2,
                      "000000000\",\"service\":\"", service($3), "\",\"resource\":{\"k8s.pod.name\":\"",
                      $3, "\"}}" }' $3
}

for day in "$folder"/rca_data/*/; do
    name=$(basename "$day")
    list=$day$name-fault_list.json
    [ -f "$list" ] || continue
    pods=$(ls "$day"metric/*_metric.csv)
    first=$(jq '[.[][].inject_timestamp | tonumber] | min' "$list")
    spans "$folder/construct_data/$name"/trace/*.csv >"$work/base"
    [ $metrics = no ] || points 0 "$first" "$pods" >>"$work/base"
    jq -r '[.[][]] | sort_by(.inject_timestamp | tonumber)[] | [.inject_timestamp, .inject_pod, .inject_type,
        (.inject_timestamp | tonumber | (0, 60, 120) as $s | . + $s | strftime("%H_%M"))] | @tsv' "$list" |
        while read -r seconds pod type minutes; do
            files=
            for minute in $minutes; do
                file=${day}trace/${minute}_trace.csv
                [ ! -f "$file" ] || files="$files $file"
            done
            [ -n "$files" ] || continue
            # shellcheck disable=SC2086
            spans $files >"$work/cand"
            [ $metrics = no ] || points "$seconds" $((seconds + 180)) "$pods" >>"$work/cand"
            trace-detect cause "$work/base" "$work/cand" 2>/dev/null | jq -c --arg pod "$pod" --arg type "$type" -s '
                ($pod | sub("-[^-]*-[^-]*$"; "")) as $service |
                [.[] | select(.method == "service") | .group.service] |
                {service: $service, type: $type, rank: ((index($service) // 998) + 1), first: .[0]}'
        done
done >"$work/ranks"
jq -r -s --arg verbose $verbose '
    def share(k): if length == 0 then "-" else (map(select(.rank <= k)) | length) * 1000 / length | round / 10 end;
    def line(what): "\(what): \(length) faults, AS@1 \(share(1)) %, AS@3 \(share(3)) %, AS@5 \(share(5)) %";
    (select($verbose == "yes") | .[] | "\(.service) \(.type): \(if .rank > 900 then "not found" else .rank end), first \(.first)"),
    line("all"), ([to_entries[] | select(.key % 2 == 0).value] | line("odd")),
    ([to_entries[] | select(.key % 2 == 1).value] | line("even"))' "$work/ranks"
