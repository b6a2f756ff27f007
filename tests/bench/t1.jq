# Task T1 in jq (run with -n): quantiles are the nearest rank, as everywhere here.
[inputs | {service, name, status, durationNano}]
| group_by([.service, .name])[]
| (map(.durationNano) | sort) as $durations
| ($durations | length) as $n
| [.[0].service, .[0].name, $n, (map(select(.status == "error")) | length),
   ($durations | add / $n), ((0.5, 0.95, 0.99) | $durations[. * $n | ceil - 1]), $durations[-1]]
| @tsv
