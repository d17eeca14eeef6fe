#!/bin/bash
# systemctl for a lab host: starts and stops nginx, keepalived and httpd as Debian's units do.
units=/run/lab/units
command=${1:-} unit=${2:-}
unit=${unit%.service}

case $unit in
nginx) description='A high performance web server and a reverse proxy server' ;;
keepalived) description='Keepalive Daemon (LVS and VRRP)' ;;
httpd) description='Another server that wants port 80' ;;
*)
    echo "Unit ${unit:-(none)}.service could not be found." >&2
    exit 4
    ;;
esac
pid_file=/run/$unit.pid log=$units/$unit.log outcome=$units/$unit.outcome

main_pid() { cat "$pid_file" 2>/dev/null; }
active() {
    local pid
    pid=$(main_pid) && [[ $pid ]] && kill -0 "$pid" 2>/dev/null
}
# Waits up to $1 tenths of a second until the condition in the rest of the words holds.
within() {
    local tenths=$1
    shift
    for ((; tenths > 0; tenths--)); do
        "$@" && return 0
        sleep 0.1
    done
    "$@"
}
inactive() { ! active; }
failed() {
    echo "failed (Result: exit-code)" >"$outcome"
    echo "Job for $unit.service failed because the control process exited with error code." >&2
    exit 1
}

start() {
    active && return 0
    rm -f "$outcome"
    case $unit in
    nginx)
        nginx -t -q -g 'daemon on; master_process on;' >>"$log" 2>&1 </dev/null || failed
        nginx -g 'daemon on; master_process on;' >>"$log" 2>&1 </dev/null || failed
        ;;
    keepalived)
        [[ -f /etc/default/keepalived ]] && . /etc/default/keepalived
        # shellcheck disable=SC2086
        (
            setsid keepalived --dont-fork ${DAEMON_ARGS:-} >>"$log" 2>&1 </dev/null
            code=$?
            ((code == 0)) || echo "failed (Result: exit-code, status=$code)" >"$outcome"
        ) >/dev/null 2>&1 &
        ;;
    httpd)
        setsid /run/lab/programs/httpd >>"$log" 2>&1 </dev/null &
        ;;
    esac
    within 50 active || failed
}

stop() {
    local pid
    active || return 0
    pid=$(main_pid)
    if [[ $unit == nginx ]]; then
        kill -QUIT "$pid"
        within 50 inactive && return 0
    fi
    kill -TERM "$pid"
    within 50 inactive && return 0
    kill -KILL "$pid"
}

status() {
    local code=3
    echo "$unit.service - $description"
    if active; then
        echo "     Active: active (running)"
        echo "   Main PID: $(main_pid) ($unit)"
        code=0
    else
        echo "     Active: $(cat "$outcome" 2>/dev/null || echo 'inactive (dead)')"
    fi
    echo
    { [[ -f $log ]] && cat "$log"; grep -ah -i "$unit" /var/log/messages; } 2>/dev/null | tail -n 10
    return $code
}

case $command in
start) start ;;
stop) stop ;;
restart)
    stop
    start
    ;;
reload)
    active || failed
    kill -HUP "$(main_pid)"
    ;;
status) status ;;
is-active)
    active && echo active && exit 0
    echo inactive
    exit 3
    ;;
*)
    echo "Unknown command verb ${command:-(none)}." >&2
    exit 1
    ;;
esac
