# For demo/run and bench/run: a broker and workers of one's own on this machine, in a folder of their own ($DIR), that
# are gone with the script. Source it from the root of the project; it needs bash.
# shellcheck shell=bash

ME=${ME:-demo}
BIN=${SHEAF_BIN:-build/release/bin}
[ -x "$BIN/sheafd" ] || { echo "$ME: there is no $BIN/sheafd; ./dev build makes it" >&2; exit 1; }
for variable in ${!SHEAF_*}; do unset "$variable"; done # what is set for another broker is not for this one

DIR=$(mktemp -d "${TMPDIR:-/tmp}/sheaf-$ME-XXXXXX")
PIDS=()

# Ends what was started, the last first, so workers before their broker.
stop_all()
{
	local i
	for ((i = ${#PIDS[@]} - 1; i >= 0; i--)); do
		kill -TERM "${PIDS[i]}" 2>/dev/null || true
		wait "${PIDS[i]}" 2>/dev/null || true
	done
	PIDS=()
}

trap 'stop_all; rm -rf "$DIR"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail()
{
	echo "$ME: $*" >&2
	tail -n 20 "$DIR"/*.log >&2 || true
	exit 1
}

# wait_ready PID LOG: until the program has said that it is ready; 1 if it ended before.
wait_ready()
{
	local i
	for ((i = 0; i < 600; i++)); do
		! grep -q " ready" "$2" || return 0
		kill -0 "$1" 2>/dev/null || return 1
		sleep 0.05
	done
	fail "no sign of life in $2"
}

# start_broker [FLAG…]: on free ports, named by SHEAF_BROKER from then on. Ports that are taken are tried again.
start_broker()
{
	local try port pid
	for try in 1 2 3 4 5 6 7 8 9 10; do
		port=$((20000 + RANDOM % 12000))
		"$BIN/sheafd" --data "$DIR/data" --listen tcp://127.0.0.1:$port \
			--results tcp://127.0.0.1:$((port + 1)) --workers tcp://127.0.0.1:$((port + 2)) \
			--jobs tcp://127.0.0.1:$((port + 10))-$((port + 29)) \
			"$@" </dev/null >"$DIR/sheafd.log" 2>&1 &
		pid=$!
		PIDS+=("$pid")
		if wait_ready "$pid" "$DIR/sheafd.log"; then
			export SHEAF_BROKER=tcp://127.0.0.1:$port
			return
		fi
		PIDS=()
	done
	fail "the broker does not start (tried $try times)"
}

# start_worker NAME QUEUE [ARG…]
start_worker()
{
	"$BIN/sheaf-worker" "$2" --name "$1" "${@:3}" </dev/null >"$DIR/$1.log" 2>&1 &
	PIDS+=($!)
	wait_ready $! "$DIR/$1.log" || fail "$1 does not start"
}
