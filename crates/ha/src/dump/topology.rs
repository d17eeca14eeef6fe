//! Static addresses, instances, sockets and sync groups of `keepalived.data`.

use super::{Dumps, Moment, line, words};
use crate::instance::Instance;
use keepalived_conf::model::{
    AntiReplay, AuthHmac, Authentication, Conditions, Global, HmacMode, IpvlanMode, Notify,
    OldUnicastChecksum, Prefix, SyncGroup, TrackInterface, Version, VirtualInterface,
};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;
use vrrp::tracking::Effect;
use vrrp::{Family, State};

pub(super) fn write(dumps: &Dumps, moment: &Moment<'_>, text: &mut String) {
    let config = &dumps.config;
    if !config.static_addresses.is_empty() {
        line!(text, "------< Static Addresses >------");
        for address in &config.static_addresses {
            let dev = address.dev.as_deref().unwrap_or_default();
            line!(text, "     {}", words::address(address, &moment.place(dev), true));
        }
    }
    if !config.static_routes.is_empty() {
        line!(text, "------< Static Routes >------");
        config.static_routes.iter().for_each(|route| line!(text, "     {}", words::route(route)));
    }
    if !config.static_rules.is_empty() {
        line!(text, "------< Static Rules >------");
        config.static_rules.iter().for_each(|rule| line!(text, "     {}", words::rule(rule)));
    }
    if !moment.instances.is_empty() {
        line!(text, "------< VRRP Topology >------");
        moment.instances.iter().for_each(|instance| one(instance, dumps, moment, text));
    }
    if !moment.network.sockets.is_empty() {
        line!(text, "------< VRRP Sockpool >------");
        sockets(moment, text);
    }
    if !moment.groups.is_empty() {
        line!(text, "------< VRRP Sync groups >------");
        moment.groups.iter().for_each(|(config, state)| {
            group(config, *state, moment, &dumps.config.global, text);
        });
    }
}

fn one(instance: &Instance, dumps: &Dumps, moment: &Moment<'_>, text: &mut String) {
    let config = &instance.config;
    standing(instance, dumps, moment, text);
    interface(instance, moment, text);
    timing(instance, text);
    election(instance, text);
    authentication(instance, text);
    if let Some(bytes) = config.receive_buffer {
        line!(text, "   Kernel rx buffer size = {bytes}");
    }
    addresses(instance, moment, text);
    unicast(instance, text);
    match moment.network.sockets.iter().find(|socket| socket.purpose == instance.purpose) {
        Some(socket) => {
            let fd = socket.as_fd().as_raw_fd();
            line!(text, "   fd_in {fd}, fd_out {fd}");
        }
        None => line!(text, "   No sockets allocated"),
    }
    if !config.routes.is_empty() {
        line!(text, "   Virtual Routes :");
        config.routes.iter().for_each(|route| line!(text, "     {}", words::route(route)));
    }
    if !config.rules.is_empty() {
        line!(text, "   Virtual Rules :");
        config.rules.iter().for_each(|rule| line!(text, "     {}", words::rule(rule)));
    }
    let conditions = Conditions {
        interfaces: config.track_interfaces.clone(),
        scripts: config.track_scripts.clone(),
        files: config.track_files.clone(),
        processes: config.track_processes.clone(),
        bfd: config.track_bfd.clone(),
    };
    tracked(&conditions, "processes", text);
    line!(text, "   Using smtp notification = {}", words::yes(config.smtp_alert));
    let deleted = if config.notify.tell_deleted { "Deleted" } else { "Fault" };
    line!(text, "   Notify deleted = {deleted}");
    notify(&config.notify, &dumps.config.global, text);
    line!(text, "   Notify priority changes = {}", words::truth(config.notify_priority_changes));
}

/// How it stands, and whom it has heard.
fn standing(instance: &Instance, dumps: &Dumps, moment: &Moment<'_>, text: &mut String) {
    let (config, router) = (&instance.config, &instance.router);
    let v3 = config.version == Version::V3;
    line!(text, " VRRP Instance = {}", config.name);
    line!(text, "   VRRP Version = {}", if v3 { 3 } else { 2 });
    let in_group = |(group, _): &&(&SyncGroup, State)| group.members.contains(&config.name);
    if let Some((group, _)) = moment.groups.iter().find(in_group) {
        line!(text, "   Sync group = {}", group.name);
    }
    if instance.family() == Family::V6 {
        line!(text, "   Using Native IPv6");
    }
    line!(text, "   State = {}", router.state().word());
    if router.state() == State::Backup {
        let heard = router.master_heard();
        line!(text, "   Master router = {}", heard.map_or("0.0.0.0".into(), |(from, ..)| from.to_string()));
        line!(text, "   Master priority = {}", heard.map_or(0, |(_, priority, _)| priority));
        if v3 {
            let interval = router.master_interval().duration();
            line!(text, "   Master advert int = {:.2} sec", interval.as_secs_f64());
        }
    }
    // There are flags that are not named here.
    let flags = [
        config.unicast.is_some(),
        config.nopreempt,
        config.dont_track_primary,
        config.skip_check_adv_addr,
        config.promote_secondaries,
        config.virtual_interface.is_some(),
        config.vmac_for_addresses,
    ];
    line!(text, "   Flags:{}", if flags.contains(&true) { "" } else { " none" });
    if config.unicast.is_some() {
        line!(text, "     Using unicast");
    }
    line!(text, "   Wantstate = {}", instance.wanted().word());
    line!(text, "   Number of config faults = {}", u8::from(config.fault.is_some()));
    let causes = |effect: Effect| instance.causes.iter().filter(|cause| cause.effect == effect).count();
    line!(text, "   Number of interface and track script faults = {}", causes(Effect::Fault));
    line!(text, "   Number of track scripts init = {}", causes(Effect::Waiting));
    line!(text, "   Last transition = {}", words::time(dumps.last_transition(instance, moment)));
    match router.next_deadline() {
        Some((at, _)) => line!(text, "   Read timeout = {}", words::time(moment.wall_at(at))),
        None => line!(text, "   Read timeout = DISABLED"),
    }
    line!(text, "   Master down timer = {} usecs", router.master_down().as_micros());
}

/// What decides who is master.
fn election(instance: &Instance, text: &mut String) {
    let (config, router) = (&instance.config, &instance.router);
    line!(text, "   Virtual Router ID = {}", config.vrid);
    line!(text, "   Priority = {}", config.priority);
    line!(text, "   Effective priority = {}", router.priority());
    let changes = instance.causes.iter().map(|cause| match cause.effect {
        Effect::Priority(change) => change,
        _ => 0,
    });
    line!(text, "   Total priority = {}", i32::from(config.priority) + changes.sum::<i32>());
    let interval = |time: Duration| match config.version {
        Version::V2 => format!("{} sec", time.as_secs()),
        Version::V3 => format!("{} milli-sec", time.as_millis()),
    };
    line!(text, "   Advert interval = {}", interval(config.advert_int));
    if router.state() == State::Backup && config.version == Version::V3 {
        line!(text, "   Master advert interval = {}", interval(router.master_interval().duration()));
    }
    line!(text, "   Accept = {}", words::enabled(config.accept));
    line!(text, "   Preempt = {}", words::enabled(!config.nopreempt));
    if !config.preempt_delay.is_zero() {
        line!(text, "   Preempt delay = {} secs", config.preempt_delay.as_secs_f64());
    }
    line!(text, "   Promote_secondaries = {}", words::enabled(config.promote_secondaries));
}

fn authentication(instance: &Instance, text: &mut String) {
    let config = &instance.config;
    match &config.authentication {
        Authentication::Pass(_) => {
            line!(text, "   Authentication type = SIMPLE_PASSWORD");
            line!(text, "   Password = {}", words::HIDDEN);
        }
        Authentication::Ah(_) => line!(text, "   Authentication type = IPSEC_AH"),
        Authentication::None | Authentication::Hmac(_) if config.version == Version::V2 => {
            line!(text, "   Authentication type = none");
        }
        Authentication::None | Authentication::Hmac(_) => {}
    }
    if let Authentication::Hmac(hmac) = &config.authentication {
        extension(hmac, text);
    }
}

/// As keepalived 2.4; 2.2.7 has no such thing.
fn extension(hmac: &AuthHmac, text: &mut String) {
    line!(text, "   Authentication extension = HMAC-SHA256-128");
    line!(text, "     Keys = {}, active key id = {}", hmac.keys.len(), hmac.active_key);
    let mode = match hmac.mode {
        HmacMode::ReceiveOnly => "receive-only",
        HmacMode::Permissive => "permissive",
        HmacMode::Enforce => "enforce",
    };
    line!(text, "     Mode = {mode}");
    match hmac.anti_replay {
        AntiReplay::Time(window) => {
            line!(text, "     Anti replay = time, window = {} sec", window.as_secs());
        }
        AntiReplay::Monotonic => line!(text, "     Anti replay = monotonic"),
    }
}

fn interface(instance: &Instance, moment: &Moment<'_>, text: &mut String) {
    let config = &instance.config;
    let own = instance.own_interface();
    let is_up = words::truth(moment.network.interfaces.link(own).is_some());
    match &config.virtual_interface {
        Some(VirtualInterface::Vmac(vmac)) => {
            let base = words::truth(vmac.transmit_base);
            line!(text, "   Use VMAC, i/f name {own}, is_up = {is_up}, xmit_base = {base}");
            let more = if vmac.transmit_base { ", xmit base i/f" } else { "" };
            line!(text, "   Interface = {own}, vmac on {}{more}", config.interface);
        }
        Some(VirtualInterface::Ipvlan(ipvlan)) => {
            let address = ipvlan.address.map(|Prefix { address, length }| format!("{address}/{length}"));
            let address = address.map_or(String::new(), |prefix| format!(", i/f address = {prefix}"));
            let kind = match ipvlan.mode {
                IpvlanMode::Bridge => "bridge",
                IpvlanMode::Private => "private",
                IpvlanMode::Vepa => "vepa",
            };
            line!(text, "   Use IPVLAN, i/f {own}, is_up = {is_up}{address}, type {kind}");
            line!(text, "   Interface = {own}, ipvlan on {}", config.interface);
        }
        None => line!(text, "   Interface = {}", config.interface),
    }
    if config.vmac_for_addresses {
        line!(text, "   Use VMAC for VIPs on other interfaces");
    }
    if let Some(vrf) = &config.vrf {
        line!(text, "   VRF = {vrf}");
    }
    if config.dont_track_primary {
        line!(text, "   VRRP interface tracking disabled");
    }
    if config.skip_check_adv_addr {
        line!(text, "   Skip checking advert IP addresses");
    }
    if config.strict {
        line!(text, "   Enforcing strict VRRP compliance");
    }
    let source = instance.source.map_or("(none)".into(), |source| source.to_string());
    let origin = if config.source.is_some() { " (from configuration)" } else { "" };
    line!(text, "   Using src_ip = {source}{origin}");
    if config.unicast.is_none() {
        let link = moment.network.interfaces.link(&instance.purpose.interface);
        let scope = match (config.mcast_group, link) {
            (IpAddr::V6(_), Some(link)) => format!(", ifindex {}", link.index),
            _ => String::new(),
        };
        line!(text, "   Multicast address {}{scope}", config.mcast_group);
    }
}

fn timing(instance: &Instance, text: &mut String) {
    let (config, garp) = (&instance.config, &instance.config.garp);
    line!(text, "   Gratuitous ARP delay = {}", garp.master_delay.as_secs());
    line!(text, "   Gratuitous ARP repeat = {}", garp.master_repeat);
    line!(text, "   Gratuitous ARP refresh = {}", garp.refresh.as_secs());
    line!(text, "   Gratuitous ARP refresh repeat = {}", garp.refresh_repeat);
    line!(text, "   Gratuitous ARP lower priority delay = {}", garp.lower_prio_delay.as_secs());
    line!(text, "   Gratuitous ARP lower priority repeat = {}", garp.lower_prio_repeat);
    line!(text, "   Down timer adverts = {}", config.down_timer_adverts);
    if let Some(extra) = garp.extra {
        let what = if extra.all { "i/f" } else { "VMAC" };
        line!(text, "   Gratuitous ARP for each secondary {what} = {}", extra.interval.as_secs());
    }
    let lower = words::truth(!config.lower_prio_no_advert);
    line!(text, "   Send advert after receive lower priority advert = {lower}");
    let higher = words::truth(config.higher_prio_send_advert);
    line!(text, "   Send advert after receive higher priority advert = {higher}");
}

fn addresses(instance: &Instance, moment: &Moment<'_>, text: &mut String) {
    let config = &instance.config;
    let set = instance.is_master();
    if !config.addresses.is_empty() {
        line!(text, "   Virtual IP ({}):", config.addresses.len());
        for vip in &config.addresses {
            line!(text, "     {}", words::address(vip, &moment.place(instance.interface_of(vip)), set));
        }
    }
    if !config.excluded.is_empty() {
        line!(text, "   Virtual IP Excluded :");
        for vip in &config.excluded {
            line!(text, "     {}", words::address(vip, &moment.place(instance.interface_of(vip)), set));
        }
    }
}

fn unicast(instance: &Instance, text: &mut String) {
    let Some(unicast) = &instance.config.unicast else { return };
    line!(text, "   Unicast TTL = {}", unicast.ttl);
    line!(text, "   Check unicast src : {}", words::yes(unicast.check_source));
    line!(text, "   Unicast Peer :");
    for peer in &unicast.peers {
        line!(text, "     {} min_ttl {} max_ttl {}", peer.address, peer.min_ttl, peer.max_ttl);
    }
    let compatibility = match instance.config.checksum.old_unicast {
        OldUnicastChecksum::Always => "config",
        OldUnicastChecksum::Never => "never",
        OldUnicastChecksum::Detected if instance.uses_old_checksum() => "auto",
        OldUnicastChecksum::Detected => "no",
    };
    line!(text, "   Unicast checksum compatibility = {compatibility}");
}

fn sockets(moment: &Moment<'_>, text: &mut String) {
    for socket in &moment.network.sockets {
        let (fd, purpose) = (socket.as_fd().as_raw_fd(), &socket.purpose);
        line!(text, " fd_in {fd} fd_out = {fd}");
        line!(text, "   Interface = {}", purpose.interface);
        line!(text, "   Family = {}", if purpose.family == Family::V4 { "IPv4" } else { "IPv6" });
        line!(text, "   Protocol = {}", if purpose.ah { "AH" } else { "VRRP" });
        let users = || moment.instances.iter().filter(|instance| instance.purpose == *purpose);
        match purpose.group {
            Some(_) => line!(text, "   Type = Multicast"),
            None => {
                line!(text, "   Type = Unicast");
                let source = users().find_map(|instance| instance.source);
                line!(text, "   Address = {}", source.map_or("(none)".into(), |source| source.to_string()));
            }
        }
        let bytes = rustix::net::sockopt::socket_recv_buffer_size(socket).unwrap_or_default();
        line!(text, "   Rx buf size = {bytes}");
        line!(text, "   VRRP instances");
        for instance in users() {
            line!(text, "     {} vrid {}", instance.config.name, instance.config.vrid);
        }
    }
}

fn group(config: &SyncGroup, state: State, moment: &Moment<'_>, global: &Global, text: &mut String) {
    line!(text, " VRRP Sync Group = {}, {}", config.name, state.word());
    let members = || moment.instances.iter().filter(|i| config.members.contains(&i.config.name));
    let count = |state: State| members().filter(|instance| instance.router.state() == state).count();
    let (fault, init) = (count(State::Fault), count(State::Init));
    line!(text, "   Num member fault {fault}, num member init {init}");
    line!(text, "   VRRP member instances :");
    config.members.iter().for_each(|member| line!(text, "     {member}"));
    if config.member_weights {
        line!(text, "   sync group tracking weight set");
    }
    line!(text, "   Using smtp notification = {}", words::yes(config.smtp_alert));
    if let Some(changes) = config.notify_priority_changes {
        line!(text, "   Notify priority changes = {}", words::yes(changes));
    }
    tracked(&config.track, "process", text);
    notify(&config.notify, global, text);
}

fn tracked(conditions: &Conditions, processes: &str, text: &mut String) {
    if !conditions.interfaces.is_empty() {
        line!(text, "   Tracked interfaces :");
        for TrackInterface { interface, weight } in &conditions.interfaces {
            line!(text, "     {interface} weight {}{}", weight.weight, words::reverse(*weight));
        }
    }
    let objects = [
        ("scripts", " ", &conditions.scripts),
        ("files", ", ", &conditions.files),
        (processes, ", ", &conditions.processes),
        ("BFDs", ": ", &conditions.bfd),
    ];
    for (title, mark, objects) in objects.into_iter().filter(|(.., objects)| !objects.is_empty()) {
        line!(text, "   Tracked {title} :");
        for object in objects {
            let weight = object.weight;
            line!(text, "     {}{mark}weight {}{}", object.name, weight.weight, words::reverse(weight));
        }
    }
}

fn notify(notify: &Notify, global: &Global, text: &mut String) {
    let scripts = [
        ("Backup", &notify.backup),
        ("Master", &notify.master),
        ("Fault", &notify.fault),
        ("Stop", &notify.stop),
        ("Deleted", &notify.deleted),
        ("Generic", &notify.any),
        ("Master rx lower pri", &notify.lower_priority),
    ];
    for (title, script) in scripts {
        if let Some(script) = script {
            line!(text, "   {title} state transition script = {}", words::script(script, global));
        }
    }
}
