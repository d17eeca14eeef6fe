//! `nftables*` and `vrrp_ipsets` of `global_defs`.

use super::number;
use crate::grammar::Word;
use crate::model::{Firewall, Ipsets, Nftables, NftablesIpvs};
use crate::placement::{Body, Item};
use crate::understand::reader::Reader;
use crate::value;

/// Chains of keepalived come just before the usual filters.
const PRIORITY: i32 = -1;

/// The longest name of a table or set, in bytes (`NFT_NAME_MAXLEN` with the zero byte).
const LONGEST_NAME: usize = 255;

/// Reads all words of a block; those that need a table count only beside it.
pub(super) fn read(body: &Body<'_>, firewall: &mut Firewall, reader: &mut Reader<'_>) {
    if let Some(item) = body.last("vrrp_ipsets") {
        let names: Option<Vec<String>> = item.arguments().iter().map(|word| name(word, reader)).collect();
        firewall.ipsets = match names {
            Some(names) if names.is_empty() => Ipsets::Off,
            Some(names) => Ipsets::Named(names),
            None => Ipsets::Default,
        };
    }
    if let Some(item) = body.last("nftables") {
        firewall.nftables = Some(Nftables {
            table: table(item, "keepalived", reader),
            priority: priority(body, "nftables_priority"),
            by_index: body.last("nftables_ifindex").is_some(),
        });
    }
    if let Some(item) = body.last("nftables_ipvs") {
        let mark = body.last("nftables_ipvs_start_fwmark").and_then(|item| number(item.first()));
        firewall.nftables_ipvs = Some(NftablesIpvs {
            table: table(item, "keepalived_ipvs", reader),
            priority: priority(body, "nftables_ipvs_priority"),
            first_mark: mark.and_then(|mark| u32::try_from(mark).ok()).unwrap_or(1000),
        });
    }
    firewall.counters |= body.last("nftables_counters").is_some();
}

fn table(item: &Item<'_>, usual: &str, reader: &mut Reader<'_>) -> String {
    item.first().and_then(|word| name(word, reader)).unwrap_or_else(|| usual.to_owned())
}

/// The name of a table or set.
fn name(word: &Word, reader: &mut Reader<'_>) -> Option<String> {
    if (1..=LONGEST_NAME).contains(&word.text.len()) {
        return Some(word.text.clone());
    }
    let message = format!("a name of nftables has 1 to {LONGEST_NAME} bytes");
    reader.error("invalid-value", word.span, message);
    None
}

fn priority(body: &Body<'_>, name: &'static str) -> i32 {
    let written = body.last(name).and_then(|item| value::integer(&item.first()?.text));
    written.and_then(|number| i32::try_from(number).ok()).unwrap_or(PRIORITY)
}
