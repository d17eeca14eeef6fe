//! The peers of an upstream and the choice among them.

use crate::{Time, Tried};
use std::time::Duration;

/// How a group chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Smooth weighted round robin: {5,1,1} gives a a b a c a a.
    RoundRobin,
    /// The peer with the fewest requests for its weight; ties by round robin.
    LeastConn,
    /// By the client's address, so that a client stays with its peer.
    IpHash,
}

/// What the configuration says of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Share of requests, at least 1.
    pub weight: u32,
    /// Failures after which the peer rests; 0 switches the accounting off.
    pub max_fails: u32,
    /// How long it rests, and how long failures are remembered.
    pub fail_timeout: Duration,
    /// Most requests at once; 0 is no limit.
    pub max_conns: u32,
    /// Only chosen when no other peer can be.
    pub backup: bool,
    /// Never chosen.
    pub down: bool,
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The peer answered.
    Good,
    /// The peer failed as `proxy_next_upstream` understands it.
    Failed,
    /// Nothing can be said of the peer: the client left, or the request was never sent.
    Unknown,
}

/// How a peer stands, for a status page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerView {
    /// Requests under way.
    pub active: u32,
    /// Requests given to it since the start.
    pub requests: u64,
    /// Failures since the start.
    pub failures: u64,
    /// Whether it could be chosen now.
    pub available: bool,
}

#[derive(Clone, Debug)]
struct State {
    peer: Peer,
    effective: i64,
    current: i64,
    active: u32,
    fails: u32,
    accessed: Time,
    checked: Time,
    requests: u64,
    failures: u64,
}

/// The peers of one upstream with their state.
#[derive(Clone, Debug)]
pub struct Group {
    method: Method,
    peers: Vec<State>,
    single: bool,
}

/// Rounds after which `ip_hash` gives up on the hash, as nginx does.
const MOST_HASH_ROUNDS: u32 = 20;

impl Group {
    /// A group in which no peer has been used yet.
    pub fn new(method: Method, peers: impl IntoIterator<Item = Peer>) -> Self {
        let peers: Vec<State> = peers
            .into_iter()
            .map(|peer| State {
                peer,
                effective: i64::from(peer.weight),
                current: 0,
                active: 0,
                fails: 0,
                accessed: Time::ZERO,
                checked: Time::ZERO,
                requests: 0,
                failures: 0,
            })
            .collect();
        let single = peers.len() == 1;
        Self { method, peers, single }
    }

    /// Number of peers, backup ones included.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there is no peer at all.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Chooses a peer that is not in `tried`, which then holds it; `None` when none can be chosen.
    ///
    /// When the primary peers are exhausted the backup ones are tried. `key` is what `ip_hash`
    /// hashes: the first three bytes of an IPv4 address, all sixteen of an IPv6 one.
    pub fn pick(&mut self, now: Time, key: &[u8], tried: &mut Tried) -> Option<usize> {
        let index =
            self.pick_primary(now, key, tried).or_else(|| self.round_robin(now, tried, true, |_| true))?;
        let state = &mut self.peers[index];
        if now.saturating_sub(state.checked) > state.peer.fail_timeout {
            state.checked = now;
        }
        state.active += 1;
        state.requests += 1;
        tried.insert(index);
        Some(index)
    }

    /// Gives a peer back. Says whether this failure made it rest.
    pub fn release(&mut self, index: usize, now: Time, outcome: Outcome) -> bool {
        let single = self.single;
        let Some(state) = self.peers.get_mut(index) else { return false };
        state.active = state.active.saturating_sub(1);
        match outcome {
            Outcome::Unknown => false,
            Outcome::Good => {
                if state.accessed < state.checked {
                    state.fails = 0;
                }
                false
            }
            Outcome::Failed => {
                state.failures += 1;
                if single || state.peer.max_fails == 0 {
                    return false;
                }
                state.fails += 1;
                state.accessed = now;
                state.checked = now;
                state.effective -= i64::from(state.peer.weight) / i64::from(state.peer.max_fails);
                state.effective = state.effective.max(0);
                state.fails == state.peer.max_fails
            }
        }
    }

    /// How each peer stands.
    pub fn view(&self, now: Time) -> impl Iterator<Item = PeerView> + '_ {
        self.peers.iter().map(move |state| PeerView {
            active: state.active,
            requests: state.requests,
            failures: state.failures,
            available: self.single || state.available(now),
        })
    }

    fn pick_primary(&mut self, now: Time, key: &[u8], tried: &Tried) -> Option<usize> {
        match self.method {
            Method::RoundRobin => self.round_robin(now, tried, false, |_| true),
            Method::LeastConn => self.least_conn(now, tried),
            Method::IpHash => {
                self.ip_hash(now, key, tried).or_else(|| self.round_robin(now, tried, false, |_| true))
            }
        }
    }

    /// A group of one is used whatever became of earlier requests, unless it is marked down.
    fn usable(&self, index: usize, now: Time, tried: &Tried) -> bool {
        let state = &self.peers[index];
        if tried.contains(index) {
            return false;
        }
        if self.single { !state.peer.down && state.has_room() } else { state.available(now) }
    }

    fn round_robin(
        &mut self,
        now: Time,
        tried: &Tried,
        backup: bool,
        among: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let mut total = 0;
        let mut best: Option<usize> = None;
        for index in 0..self.peers.len() {
            let in_list = self.single || self.peers[index].peer.backup == backup;
            if !in_list || !among(index) || !self.usable(index, now, tried) {
                continue;
            }
            let state = &mut self.peers[index];
            state.current += state.effective;
            total += state.effective;
            if state.effective < i64::from(state.peer.weight) {
                state.effective += 1;
            }
            if best.is_none_or(|best| self.peers[index].current > self.peers[best].current) {
                best = Some(index);
            }
        }
        let best = best?;
        self.peers[best].current -= total;
        Some(best)
    }

    fn least_conn(&mut self, now: Time, tried: &Tried) -> Option<usize> {
        let load = |state: &State| (u64::from(state.active), u64::from(state.peer.weight));
        let candidates: Vec<usize> = (0..self.peers.len())
            .filter(|&i| (self.single || !self.peers[i].peer.backup) && self.usable(i, now, tried))
            .collect();
        let (conns, weight) =
            candidates.iter().map(|&i| load(&self.peers[i])).min_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)))?;
        let least: Vec<usize> = candidates
            .into_iter()
            .filter(|&i| {
                let (c, w) = load(&self.peers[i]);
                c * weight == conns * w
            })
            .collect();
        if let [only] = least.as_slice() {
            return Some(*only);
        }
        self.round_robin(now, tried, false, |i| least.contains(&i))
    }

    fn ip_hash(&self, now: Time, key: &[u8], tried: &Tried) -> Option<usize> {
        let primary: Vec<usize> = (0..self.peers.len()).filter(|&i| !self.peers[i].peer.backup).collect();
        let total: u64 = primary.iter().map(|&i| u64::from(self.peers[i].peer.weight)).sum();
        if total == 0 {
            return None;
        }
        let mut hash: u64 = 89;
        for _ in 0..=MOST_HASH_ROUNDS {
            for byte in key {
                hash = (hash * 113 + u64::from(*byte)) % 6271;
            }
            let mut point = hash % total;
            let index = *primary.iter().find(|&&i| {
                let weight = u64::from(self.peers[i].peer.weight);
                let here = point < weight;
                point = point.saturating_sub(weight);
                here
            })?;
            if self.usable(index, now, tried) {
                return Some(index);
            }
        }
        None
    }
}

impl State {
    fn has_room(&self) -> bool {
        self.peer.max_conns == 0 || self.active < self.peer.max_conns
    }

    fn resting(&self, now: Time) -> bool {
        self.peer.max_fails > 0
            && self.fails >= self.peer.max_fails
            && now.saturating_sub(self.checked) <= self.peer.fail_timeout
    }

    fn available(&self, now: Time) -> bool {
        !self.peer.down && self.has_room() && !self.resting(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Peer = Peer {
        weight: 1,
        max_fails: 1,
        fail_timeout: Duration::from_secs(10),
        max_conns: 0,
        backup: false,
        down: false,
    };

    fn at(seconds: u64) -> Time {
        Duration::from_secs(1000 + seconds)
    }

    fn picks(group: &mut Group, now: Time, n: usize) -> String {
        (0..n)
            .map(|_| match group.pick(now, &[], &mut Tried::default()) {
                Some(i) => {
                    group.release(i, now, Outcome::Good);
                    char::from(b'a' + i as u8)
                }
                None => '-',
            })
            .collect()
    }

    #[test]
    fn smooth_weights() {
        let weights = [5, 1, 1].map(|weight| Peer { weight, ..PEER });
        assert_eq!(picks(&mut Group::new(Method::RoundRobin, weights), at(0), 14), "aabacaaaabacaa");
        assert_eq!(picks(&mut Group::new(Method::RoundRobin, [PEER, PEER]), at(0), 10), "ababababab");
    }

    #[test]
    fn a_failed_peer_rests_then_gets_one_probe() {
        let mut group = Group::new(Method::RoundRobin, [PEER, PEER]);
        let mut tried = Tried::default();
        assert_eq!(group.pick(at(0), &[], &mut tried), Some(0));
        assert!(group.release(0, at(0), Outcome::Failed));
        assert_eq!(group.pick(at(0), &[], &mut tried), Some(1));
        assert_eq!(group.pick(at(0), &[], &mut tried), None, "both tried");
        group.release(1, at(0), Outcome::Good);
        assert_eq!(picks(&mut group, at(10), 4), "bbbb", "resting through the tenth second");
        assert_eq!(picks(&mut group, at(11), 2), "bb", "its effective weight grows back from zero");
        let mut probe = Tried::default();
        assert_eq!(group.pick(at(11), &[], &mut probe), Some(0), "one live request is the probe");
        assert_eq!(picks(&mut group, at(11), 3), "bbb", "others wait for what comes of it");
        group.release(0, at(11), Outcome::Good);
        assert!(picks(&mut group, at(11), 4).contains('a'));
    }

    #[test]
    fn backups_serve_only_when_nothing_else_can() {
        let backup = Peer { backup: true, ..PEER };
        let mut group = Group::new(Method::RoundRobin, [PEER, backup]);
        assert_eq!(picks(&mut group, at(0), 3), "aaa");
        let mut tried = Tried::default();
        group.pick(at(0), &[], &mut tried);
        group.release(0, at(0), Outcome::Failed);
        assert_eq!(group.pick(at(0), &[], &mut tried), Some(1));
        group.release(1, at(0), Outcome::Good);
        assert_eq!(picks(&mut group, at(1), 2), "bb");
    }

    #[test]
    fn a_single_peer_is_never_rested() {
        let mut group = Group::new(Method::RoundRobin, [PEER]);
        for _ in 0..5 {
            assert_eq!(group.pick(at(0), &[], &mut Tried::default()), Some(0));
            assert!(!group.release(0, at(0), Outcome::Failed));
        }
        let down = Peer { down: true, ..PEER };
        assert_eq!(picks(&mut Group::new(Method::RoundRobin, [down]), at(0), 1), "-");
    }

    #[test]
    fn limits_hold() {
        let mut group = Group::new(Method::RoundRobin, [Peer { max_conns: 1, ..PEER }, PEER]);
        let held: Vec<_> = (0..3).map(|_| group.pick(at(0), &[], &mut Tried::default())).collect();
        assert_eq!(held, [Some(0), Some(1), Some(1)]);
    }

    #[test]
    fn least_conn_prefers_idle_peers_and_breaks_ties_in_turn() {
        let mut group = Group::new(Method::LeastConn, [PEER, PEER, PEER]);
        let held: Vec<_> = (0..6).map(|_| group.pick(at(0), &[], &mut Tried::default()).unwrap()).collect();
        let mut first: Vec<_> = held[..3].to_vec();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2]);
        group.release(held[4], at(0), Outcome::Good);
        group.release(held[4], at(0), Outcome::Good);
        assert_eq!(group.pick(at(0), &[], &mut Tried::default()), Some(held[4]));
    }

    #[test]
    fn ip_hash_stays_and_falls_back() {
        let mut group = Group::new(Method::IpHash, [PEER, PEER, PEER]);
        let key = [192, 0, 2];
        let first = group.pick(at(0), &key, &mut Tried::default()).unwrap();
        for _ in 0..5 {
            assert_eq!(group.pick(at(0), &key, &mut Tried::default()), Some(first));
        }
        let mut tried = Tried::default();
        tried.insert(first);
        assert_ne!(group.pick(at(0), &key, &mut tried), Some(first));
    }
}
