//! KEEPALIVED-MIB::global.

use super::{Facts, column, gauge, integer, keepalived_global, numbered, text, truth};
use agentx::{Table, Tree, Value};
use keepalived_conf::model::FlushOnStop;
use std::net::IpAddr;

/// InetAddressType of a name. RFC 4001 §3.
const DNS: i32 = 16;

pub(super) fn fill(facts: Facts<'_>, tree: &mut Tree) {
    let base = keepalived_global();
    let scalars = Table::<Facts<'_>> {
        entry: &[],
        columns: &[
            // What `keepalived -v` says first.
            column(1, |f| text(&format!("Keepalived v2.2.7 (Backstay {})", f.configure.version))),
            column(2, |f| text(f.router_id())),
            column(4, |f| truth(f.config().global.snmp.traps)),
            column(5, |f| integer(if f.config().program.linkbeat_polling { 2 } else { 1 })),
            column(6, |f| truth(f.config().global.lvs.flush)),
            // Counters of IPVS have 64 bits.
            column(7, |_| truth(true)),
            column(8, |f| text(f.config().program.network_namespace.as_deref().unwrap_or_default())),
            column(9, |f| truth(f.config().global.dbus.enabled)),
            column(10, |f| truth(f.config().global.dynamic_interfaces)),
            column(11, |f| {
                integer(match f.config().global.lvs.flush_on_stop {
                    FlushOnStop::Everything => 1,
                    FlushOnStop::No => 2,
                    FlushOnStop::VirtualServers => 3,
                })
            }),
            column(12, |f| truth(f.config().global.vrrp.checksum_as_v2)),
        ],
    };
    scalars.fill(&base, [(vec![0], facts)], tree);
    let mail = Table::<Facts<'_>> {
        entry: &[3],
        columns: &[
            column(1, |f| {
                let (host, _) = f.config().global.mail.server.as_ref()?;
                Some(
                    host.parse::<IpAddr>()
                        .map_or(Value::Integer(DNS), |ip| Value::address_type(ip.is_ipv6())),
                )
            }),
            column(2, |f| {
                let (host, _) = f.config().global.mail.server.as_ref()?;
                Some(host.parse().map_or_else(|_| Value::text(host), Value::address))
            }),
            column(3, |f| gauge(f.config().global.mail.connect_timeout.as_secs())),
            column(4, |f| {
                let mail = &f.config().global.mail;
                let usual = || format!("keepalived@{}", f.configure.host_name);
                mail.server.as_ref().and_then(|_| text(&mail.from.clone().unwrap_or_else(usual)))
            }),
            column(6, |f| gauge(f.config().global.mail.server.as_ref()?.1)),
            column(7, |f| truth(!f.config().global.mail.no_faults)),
            column(8, |f| switch(f.config().global.mail.written.all)),
            column(9, |f| switch(f.config().global.mail.written.vrrp)),
            column(10, |f| switch(f.config().global.mail.written.checkers)),
        ],
    };
    mail.fill(&base, [(vec![0], facts)], tree);
    let addressees = Table::<&String> { entry: &[3, 5, 1], columns: &[column(2, |to| text(to))] };
    addressees.fill(&base, numbered(facts.config().global.mail.to.iter()), tree);
}

/// On, off, or not written.
fn switch(written: Option<bool>) -> Option<Value> {
    integer(match written {
        Some(true) => 1,
        Some(false) => 2,
        None => 3,
    })
}
