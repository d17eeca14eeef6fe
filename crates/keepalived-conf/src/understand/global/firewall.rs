//! `nftables*` and `vrrp_ipsets` of `global_defs`.

use super::number;
use crate::model::{Firewall, Ipsets, Nftables, NftablesIpvs};
use crate::placement::{Body, Item};
use crate::value;

/// Chains of keepalived come just before the usual filters.
const PRIORITY: i32 = -1;

/// Reads all words of a block; those that need a table count only beside it.
pub(super) fn read(body: &Body<'_>, firewall: &mut Firewall) {
    if let Some(item) = body.last("vrrp_ipsets") {
        let names: Vec<String> = item.arguments().iter().map(|word| word.text.clone()).collect();
        firewall.ipsets = if names.is_empty() { Ipsets::Off } else { Ipsets::Named(names) };
    }
    if let Some(item) = body.last("nftables") {
        firewall.nftables = Some(Nftables {
            table: table(item, "keepalived"),
            priority: priority(body, "nftables_priority"),
            by_index: body.last("nftables_ifindex").is_some(),
        });
    }
    if let Some(item) = body.last("nftables_ipvs") {
        let mark = body.last("nftables_ipvs_start_fwmark").and_then(|item| number(item.first()));
        firewall.nftables_ipvs = Some(NftablesIpvs {
            table: table(item, "keepalived_ipvs"),
            priority: priority(body, "nftables_ipvs_priority"),
            first_mark: mark.and_then(|mark| u32::try_from(mark).ok()).unwrap_or(1000),
        });
    }
    firewall.counters |= body.last("nftables_counters").is_some();
}

fn table(item: &Item<'_>, usual: &str) -> String {
    item.first().map_or_else(|| usual.to_owned(), |word| word.text.clone())
}

fn priority(body: &Body<'_>, name: &'static str) -> i32 {
    let written = body.last(name).and_then(|item| value::integer(&item.first()?.text));
    written.and_then(|number| i32::try_from(number).ok()).unwrap_or(PRIORITY)
}
