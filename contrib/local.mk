EXTRA_DIST += %D%/crontab
EXTRA_DIST += %D%/quickstart
EXTRA_DIST += %D%/rules.yaml
EXTRA_DIST += %D%/sample-capture.sh
EXTRA_DIST += %D%/tracecore-listen.service
