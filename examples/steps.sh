#!/bin/sh
# A process per job, in shell: as many steps as the payload says, with a touch after each, so that a lease of a second
# is enough for a job of a minute.
#
#     sheaf-worker steps -- examples/steps.sh &
#     sheaf run steps 5 --lease 1s
set -eu

steps=$(cat)
i=0
while [ "$i" -lt "$steps" ]; do
	sleep 0.2 # something that takes its time
	i=$((i + 1))
	echo "$((100 * i / steps)) step $i of $steps" >&"$SHEAF_PROGRESS_FD" # or: sheaf touch PERCENT TEXT
done
echo "$i steps"
