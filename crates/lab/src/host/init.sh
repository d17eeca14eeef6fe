# The first process of a lab host: makes the machine's directories the host's own, then waits.
#
# It runs with new mount, PID, network and UTS namespaces. When its standard input ends, because the
# lab is over or its process died in whatever way, it exits, and the kernel kills every process of the
# host. As the first process it also reaps orphans, which bash does by itself.
#
# Arguments: the host's name, then NAME=PATH for each program of the private directory.
set -eu
read -r outer _ </proc/self/stat
mount -t proc proc /proc
hostname "$1"

mount -t tmpfs -o mode=755 tmpfs /run
real=/run/lab/real
mkdir -p "$real" /run/lab/units /run/lab/programs

# Replaces a directory by one of the host's own that links to everything in the machine's.
own() {
    mkdir -p "$real$1"
    mount --bind "$1" "$real$1"
    mount -t tmpfs -o mode=755 tmpfs "$1"
    ln -s "$real$1"/* "$1/"
}
# A directory that is empty at first; not a link, wherever the machine has one.
empty() {
    rm -f "$1"
    mkdir -p "$1"
}

# First on everyone's PATH, so that notify scripts find the host's programs, and nothing of it is on
# the machine.
mount -t tmpfs -o mode=755 tmpfs /usr/local/sbin
for program in "${@:2}"; do
    name=${program%%=*} path=${program#*=}
    : >"/run/lab/programs/$name"
    mount --bind "$path" "/run/lab/programs/$name"
done

own /dev
own /etc
own /usr/share
own /var
empty /var/lib
ln -s "$real"/var/lib/* /var/lib/
rm -f /dev/log
for directory in /etc/keepalived /etc/nginx /usr/share/nginx /var/log /var/lib/nginx /var/www /var/spool \
    /etc/default; do
    empty "$directory"
done
mkdir -p /usr/share/nginx/html /var/log/nginx /var/www/html /var/spool/rsyslog /run/lock
mount -t tmpfs -o mode=1777 tmpfs /tmp
rm -f /etc/hostname
echo "$1" >/etc/hostname
ip link set lo up

echo "ready $outer"
exec >&- 2>&-
while read -r _; do :; done
