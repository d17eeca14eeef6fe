//! `lvs_*` of `global_defs`, kept for the process that drives IPVS.

use crate::grammar::Word;
use crate::model::{FlushOnStop, Lvs, LvsTimeouts, SyncDaemon, SyncDaemonInstance};
use crate::placement::Item;
use crate::understand::reader::Reader;
use crate::value;
use diagnostic::Diagnostic;
use std::time::Duration;

/// Greatest of the IPVS timeouts, s.
const GREATEST_TIMEOUT: i64 = 86_400 * 31;

/// Reads one word; `false` when it is none of these.
pub(super) fn word(item: &Item<'_>, lvs: &mut Lvs, reader: &mut Reader<'_>) -> bool {
    match item.name() {
        "lvs_sync_daemon" => lvs.sync_daemon = sync_daemon(item, reader).or(lvs.sync_daemon.take()),
        "lvs_timeouts" => lvs.timeouts = timeouts(item, reader),
        "lvs_flush" => lvs.flush = true,
        "lvs_flush_on_stop" | "lvs_flush_onstop" => {
            lvs.flush_on_stop = match item.arguments().first() {
                None => FlushOnStop::Everything,
                Some(word) if word.text == "VS" => FlushOnStop::VirtualServers,
                Some(word) => {
                    let message = format!("`{}` is not `VS`", word.text);
                    reader.error("invalid-value", word.span, message);
                    lvs.flush_on_stop
                }
            }
        }
        "rs_init_notifies" => lvs.init_notifies = item.is_on(),
        _ => return false,
    }
    true
}

/// `lvs_sync_daemon_interface` of an instance, which the daemon then follows.
pub(in crate::understand) fn sync_daemon_of_instance(interface: String, instance: &str) -> SyncDaemon {
    SyncDaemon {
        interface,
        instance: SyncDaemonInstance::Follows(instance.to_owned()),
        id: None,
        max_length: None,
        port: None,
        ttl: None,
        group: None,
    }
}

fn sync_daemon(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<SyncDaemon> {
    let (first, mut rest) = item.arguments().split_first()?;
    let mut daemon = sync_daemon_of_instance(reader.interface(first)?, "");
    daemon.instance = SyncDaemonInstance::Both;
    // Before 1.2.20: INTERFACE INSTANCE [ID].
    if let Some(name) = rest.first().filter(|word| !OPTIONS.contains(&word.text.as_str())) {
        daemon.instance = SyncDaemonInstance::Follows(name.text.clone());
        rest = &rest[1..];
        if let Some(id) = rest.first().and_then(|word| word.text.parse().ok()) {
            daemon.id = Some(id);
            rest = &rest[1..];
        }
    }
    for pair in rest.chunks(2) {
        let [option, word] = pair else {
            reader.error("missing-argument", pair[0].span, format!("`{}` needs a value", pair[0].text));
            break;
        };
        let fits = match option.text.as_str() {
            "inst" => {
                daemon.instance = SyncDaemonInstance::Follows(word.text.clone());
                true
            }
            "id" => set(word, 0..=255, daemon.id.insert(0)),
            "maxlen" => set(word, 1..=65_507, daemon.max_length.insert(0)),
            "port" => set(word, 1..=65_535, daemon.port.insert(0)),
            "ttl" => set(word, 1..=255, daemon.ttl.insert(0)),
            "group" => {
                daemon.group = word.text.parse().ok().filter(std::net::IpAddr::is_multicast);
                daemon.group.is_some()
            }
            name => {
                let message = format!("`{name}` is not an option of lvs_sync_daemon");
                reader.say(
                    Diagnostic::error("unknown-keyword", option.span, message)
                        .suggest(name, OPTIONS.iter().copied()),
                );
                break;
            }
        };
        if !fits {
            let message = format!("`{}` does not fit `{}`", word.text, option.text);
            reader.say(
                Diagnostic::error("invalid-value", word.span, message).help("lvs_sync_daemon is left out"),
            );
            return None;
        }
    }
    Some(daemon)
}

const OPTIONS: &[&str] = &["inst", "id", "maxlen", "port", "ttl", "group"];

/// Sets a number that is within its bounds.
fn set<T: TryFrom<i64>>(word: &Word, bounds: std::ops::RangeInclusive<i64>, place: &mut T) -> bool {
    let number = value::integer(&word.text).filter(|number| bounds.contains(number));
    match number.and_then(|number| T::try_from(number).ok()) {
        Some(number) => {
            *place = number;
            true
        }
        None => false,
    }
}

fn timeouts(item: &Item<'_>, reader: &mut Reader<'_>) -> LvsTimeouts {
    let mut timeouts = LvsTimeouts::default();
    for pair in item.arguments().chunks(2) {
        let place = match pair[0].text.as_str() {
            "tcp" => &mut timeouts.tcp,
            "tcpfin" => &mut timeouts.tcp_fin,
            "udp" => &mut timeouts.udp,
            name => {
                let message = format!("`{name}` is not an option of lvs_timeouts");
                reader.say(
                    Diagnostic::error("unknown-keyword", pair[0].span, message)
                        .suggest(name, ["tcp", "tcpfin", "udp"]),
                );
                break;
            }
        };
        let seconds = pair.get(1).and_then(|word| value::integer(&word.text));
        let seconds =
            seconds.filter(|s| (0..=GREATEST_TIMEOUT).contains(s)).and_then(|s| u64::try_from(s).ok());
        if seconds.is_none() {
            let message = format!("`{}` needs a number of seconds to {GREATEST_TIMEOUT}", pair[0].text);
            reader.error("invalid-value", pair[0].span, message);
        }
        *place = seconds.map(Duration::from_secs);
    }
    timeouts
}
