# SPDX-License-Identifier: GPL-3.0-or-later
# Task T2 in jq (run with -n). Its numbers are doubles, so the window is taken from the text.
[inputs | {service, name, status, durationNano, window: (.startTimeUnixNano[:9] + "0000000000")}]
| group_by([.window, .service, .name])[]
| (map(.durationNano) | sort) as $durations
| ($durations | length) as $n
| [.[0].window, .[0].service, .[0].name, $n, (map(select(.status == "error")) | length),
   ($durations | add / $n), ((0.5, 0.95, 0.99) | $durations[. * $n | ceil - 1]), $durations[-1]]
| @tsv
