# Three hosts on a bridge: directors a (10.0.0.1) and b (10.0.0.2), and a client (10.0.0.9). The address
# that moves is 10.0.0.100.
VIP=10.0.0.100
# until_ SECONDS COMMAND…: waits until the command succeeds, on a slow or busy machine three times as long.
until_() { local end=$((SECONDS + 3 * $1)); shift; until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done; }
fail() {
    echo "FAILED: $*"
    for h in a b client; do echo "== $h"; ip -n $h -br address; ip -n $h route; ip -n $h neigh; cat /tmp/$h.log; done
    exit 1
}
host() {
    ip netns add $1
    ip link add v$1 type veth peer name eth0 netns $1
    ip link set v$1 master br0 up
    ip -n $1 link set lo up
    ip -n $1 link set eth0 up
    ip -n $1 address add $2/24 dev eth0
    : >/tmp/$1.log
}
ip link add br0 type bridge
ip link set br0 up
host a 10.0.0.1
host b 10.0.0.2
host client 10.0.0.9

# start HOST PROGRAM: runs a program that is called keepalived, with /etc/keepalived/HOST.conf. Each has
# directories of its own, as on a machine of its own.
start() {
    ip netns exec $1 unshare --mount bash -c '
        mount -t tmpfs none /run; mount -t tmpfs none /var/log; mkdir -p /tmp/$0; mount --bind /tmp/$0 /tmp
        exec "$1" -n -l -D -f /etc/keepalived/$0.conf' $1 $2 >/tmp/$1.log 2>&1 &
    eval "pid_$1=$!"
}
stop() {
    local pid=pid_$1
    kill ${!pid}
    wait ${!pid}
    local code=$?
    [ $code = 0 ] || fail "$1 exited with $code"
}
# What a program has to leave as it found it.
state() { ip -n $1 -o address; ip -n $1 -o link | grep -o '^[^@:]*: [^@:]*'; ip -n $1 rule; ip -n $1 route show table all; ip -n $1 maddress show dev eth0; }
settled() { ! ip -n $1 address | grep -q tentative; }
holds() { ip -n $1 address show dev $2 | grep -q "inet $VIP/"; }
holds_nothing() { ! ip -n $1 address | grep -q "inet $VIP/"; }
served() { ip netns exec client ping -c 1 -W 1 $VIP; }
# known_by MAC: the client, when it asks, is told this one. It has to ask again: a host that looks for the
# client itself does so from the interface of its own address, in the name of the one that moves.
known_by() { ip -n client neigh flush all; served; ip -n client neigh show $VIP | grep -q "lladdr $1"; }
mac_of() { ip -n $1 -o link show $2 | grep -o 'link/ether [^ ]*' | cut -d' ' -f2; }

# hand_over INTERFACE PROGRAM-A PROGRAM-B: A becomes master, then B after A's end, and then A again; every
# time on the interface given, reached by the client, and nothing is left of a program that has ended.
hand_over() {
    local interface=$1
    for h in a b; do until_ 5 settled $h || fail IPv6 of $h does not settle; done
    state a >/tmp/a.before; state b >/tmp/b.before
    start a $2
    until_ 15 holds a $interface || fail A is not master
    until_ 5 served || fail A does not serve
    until_ 5 known_by $(mac_of a $interface) || fail the client knows A by another address
    start b $3
    sleep 2
    holds a $interface && holds_nothing b || fail B takes the address away
    stop a
    until_ 15 holds b $interface || fail B is not master
    until_ 5 served || fail B does not serve
    until_ 5 known_by $(mac_of b $interface) || fail the client knows B by another address
    until_ 3 eval 'diff /tmp/a.before <(state a)' || { diff /tmp/a.before <(state a); fail A has left something; }
    start a $2
    until_ 15 holds a $interface || fail A does not come back
    until_ 5 holds_nothing b || fail B does not step back
    until_ 5 served || fail A does not serve again
    stop a
    until_ 15 holds b $interface || fail B is not master a second time
    stop b
    until_ 3 eval 'diff /tmp/b.before <(state b)' || { diff /tmp/b.before <(state b); fail B has left something; }
    echo "handed over: $interface, $2 and $3"
}
