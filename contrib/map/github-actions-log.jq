# SPDX-License-Identifier: GPL-3.0-or-later
# The log of a job of GitHub Actions, a log record for each line:
#     gh api repos/OWNER/REPO/actions/jobs/ID/logs |
#         trace-record import --from=lines --map=contrib/map/github-actions-log.jq
# Each line begins with its time; commands in it (##[error], ##[group]) say how bad it is.

ltrimstr("\ufeff")
| (capture("^(?<second>[0-9-]+T[0-9:]+)([.](?<fraction>[0-9]+))?Z (##[[](?<command>[a-z]+)[]])?(?<body>.*)$")
   // error("a line without a time"))
| {type: "log",
   timeUnixNano: ((.second + "Z" | fromdateiso8601 | tostring) + ((.fraction // "") + "000000000")[:9]),
   severity: ({error: "error", warning: "warn", debug: "debug"}[.command // ""] // "info"),
   body, attributes: {command}}
| if .attributes.command then . else del(.attributes) end
