# SPDX-License-Identifier: GPL-3.0-or-later
# Task T4 in jq (run with -n). Its numbers are doubles, so times are taken without their first four
# digits, which all of them share.
[inputs | {traceId, status, start: (.startTimeUnixNano[4:] | tonumber),
           end: (.endTimeUnixNano[4:] | tonumber)}]
| group_by(.traceId)[]
| [.[0].traceId, (map(.end) | max) - (map(.start) | min), length,
   (map(select(.status == "error")) | length)]
| @tsv
