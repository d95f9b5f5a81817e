#!/bin/sh
# Starts a load test on Metric Vault, waits for its end, and ends with its verdict as the exit code:
# 0 passed, 1 targets missed, 2 invalid, 3 error, 4 stopped or timed out; 64 for a wrong call, 69 where the server
# does not answer. Needs a POSIX shell and curl.
#
#   gate.sh load-test.json     the body of POST /load-testing
#   gate.sh plan 12            a saved plan
#
# METRICVAULT_URL      where Metric Vault is, such as https://load.example.com
# METRICVAULT_TOKEN    an API token, sent as a bearer; not needed for a copy with open access
# METRICVAULT_JUNIT    a file for the result as JUnit XML
# METRICVAULT_REPORT   a file for the result as a page
# METRICVAULT_PATIENCE how many seconds to try again for where enough runs are under way; 0 where nothing is said
set -eu

url=${METRICVAULT_URL:-}
url=${url%/}
[ -n "$url" ] && [ $# -ge 1 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 64; }

ask() { # ask METHOD PATH [curl's options]: the answer on standard output
  method=$1 path=$2
  shift 2
  answer=$(curl --silent --show-error --fail-with-body --max-time 120 --request "$method" \
    ${METRICVAULT_TOKEN:+--header "Authorization: Bearer $METRICVAULT_TOKEN"} "$@" "$url$path") || {
    code=$?
    printf '%s %s: %s\n' "$method" "$path" "$answer" >&2
    return $code
  }
  printf '%s' "$answer"
}

field() { # field NAME: a number or a text of the JSON object on standard input, "" where it is null or not there
  sed -n 's/.*"'"$1"'": *\(null\|"\(\([^"\\]\|\\.\)*\)"\|\([^,"}]*\)\).*/\2\4/p' | head -n 1
}

start() { # start PATH [curl's options]: where enough runs are under way (429) it is tried again
  waited=0
  until started=$(ask POST "$@" 2>&1); do
    printf '%s\n' "$started" >&2
    case $started in *'"too_many"'*) ;; *) exit 69 ;; esac
    [ "$waited" -lt "${METRICVAULT_PATIENCE:-0}" ] || exit 69
    sleep 15
    waited=$((waited + 15))
  done
}

if [ "$1" = plan ]; then
  start "/plan/${2:?the number of a plan}/run"
else
  [ -r "$1" ] || { printf 'There is no file %s.\n' "$1" >&2; exit 64; }
  start /load-testing --header 'Content-Type: application/json' --data-binary "@$1"
fi
run=$(printf '%s' "$started" | field test_history_id)
[ -n "$run" ] || { printf 'No run was started: %s\n' "$started" >&2; exit 69; }
printf 'Run %s: %s/runs/%s/\n' "$run" "$url" "$run"
trap 'ask POST "/test-history/$run/stop" >/dev/null || true; exit 4' INT TERM HUP # a build that is cancelled

tries=0
while :; do
  if stand=$(ask GET "/test-history/$run/wait?timeout=60"); then
    tries=0
    code=$(printf '%s' "$stand" | field exit_code)
    [ -z "$code" ] || break
    printf 'still %s\n' "$(printf '%s' "$stand" | field status)"
  else # a server that is started again loses no run
    tries=$((tries + 1))
    [ $tries -lt 10 ] || exit 69
    sleep 3
  fi
done
trap - INT TERM HUP

printf '%s\n' "$(printf '%s' "$stand" | field verdict)"
[ -z "${METRICVAULT_JUNIT:-}" ] || ask GET "/test-history/$run/junit.xml" > "$METRICVAULT_JUNIT" || exit 69
[ -z "${METRICVAULT_REPORT:-}" ] || ask GET "/test-history/$run/report.html" > "$METRICVAULT_REPORT" || exit 69
exit "$code"
