#!/bin/bash
# The first process of user-mode Linux. EXCHANGE is the machine's directory with what is to be done; the
# output and the exit status go back there. Everything else of the machine is mounted read-only.
export PATH=/mnt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C
mount -t proc proc /proc
mount -t sysfs sysfs /sys
ln -s /proc/self/fd /dev/fd
mount -t tmpfs tmpfs /mnt
mkdir -p /mnt/exchange /mnt/modules/lib /mnt/bin /mnt/programs
mount -t hostfs none /mnt/exchange -o "$EXCHANGE"
exec </dev/null >/mnt/exchange/output 2>&1

# Before what may hide them is mounted.
while read -r name path; do
    : >"/mnt/programs/$name"
    mount --bind "$path" "/mnt/programs/$name"
    ln -s "/mnt/programs/$name" "/mnt/bin/$name"
done </mnt/exchange/programs
for directory in /run /tmp /var/log /etc/keepalived /etc/nginx; do
    [ ! -d "$directory" ] || mount -t tmpfs tmpfs "$directory"
done
mkdir -p /run/lock /run/netns

ln -s /usr/lib/uml/modules /mnt/modules/lib/modules
for module in $(cat /mnt/exchange/modules); do
    modprobe -d /mnt/modules "$module" || { echo "no module $module"; halt -f; }
done
ip link set lo up
hostname uml

bash /mnt/exchange/script
echo $? >/mnt/exchange/status
halt -f
