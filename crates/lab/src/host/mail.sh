#!/bin/bash
# mail -s SUBJECT ADDRESS…: sends its standard input over SMTP (RFC 5321) to this host.
subject=
while getopts s:r: option; do
    case $option in
    s) subject=$OPTARG ;;
    r) from=$OPTARG ;;
    *) exit 64 ;;
    esac
done
shift $((OPTIND - 1))
[[ $# -gt 0 ]] || exit 64
from=${from:-root@$(hostname)}

exec 3<>/dev/tcp/127.0.0.1/25 || exit 75
# Sends a line, unless it is empty, and reads the reply, which must begin with the class $1.
say() {
    local line
    [[ -z $2 ]] || printf '%s\r\n' "$2" >&3
    while IFS= read -r -t 30 line <&3; do
        [[ ${line:3:1} == - ]] && continue
        [[ $line == "$1"* ]] && return 0
        break
    done
    echo "mail: ${line:-no reply} (to: ${2:-connection})" >&2
    exit 75
}
say 2 ''
say 2 "EHLO $(hostname)"
say 2 "MAIL FROM:<$from>"
for recipient; do say 2 "RCPT TO:<$recipient>"; done
say 3 DATA
{
    printf 'From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nDate: %s\r\n\r\n' "$from" "$1" "$subject" "$(date -R)"
    while IFS= read -r line || [[ $line ]]; do
        [[ $line == .* ]] && line=.$line
        printf '%s\r\n' "$line"
    done
} >&3
say 2 .
say 2 QUIT
