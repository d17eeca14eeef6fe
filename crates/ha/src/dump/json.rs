//! `keepalived.json`: keys in keepalived's order; whole numbers without a point, as readers that hold
//! them in integers need it.

use super::statistics::Statistics;
use super::{Dumps, Moment, words};
use crate::instance::Instance;
use keepalived_conf::model::{Authentication, Garp, NotifyScript, ParameterMatch, TrackProcess, Version};
use serde::Serialize;
use serde_json::Number;
use std::time::Duration;
use vrrp::State;

#[derive(Serialize)]
struct Entry {
    data: Data,
    stats: Statistics,
}

/// `json_version 2`.
#[derive(Serialize)]
struct Second {
    vrrp: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track_process: Vec<Process>,
}

#[derive(Serialize)]
struct Data {
    iname: String,
    dont_track_primary: u8,
    skip_check_adv_addr: u8,
    strict_mode: u8,
    vmac_ifname: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    ifp_ifname: String,
    master_priority: u8,
    last_transition: f64,
    garp_delay: Number,
    garp_refresh: u64,
    garp_rep: u32,
    garp_refresh_rep: u32,
    garp_lower_prio_delay: u64,
    garp_lower_prio_rep: u32,
    lower_prio_no_advert: u8,
    higher_prio_send_advert: u8,
    vrid: u8,
    base_priority: u8,
    effective_priority: u8,
    vipset: bool,
    promote_secondaries: bool,
    adver_int: Number,
    master_adver_int: Number,
    accept: u8,
    nopreempt: bool,
    preempt_delay: u64,
    state: u8,
    wantstate: u8,
    version: u8,
    smtp_alert: bool,
    notify_deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_backup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_master: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_stop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_deleted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_master_rx_lower_pri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vips: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evips: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vroutes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vrules: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track_ifp: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    track_script: Vec<String>,
    auth_type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_data: Option<&'static str>,
}

#[derive(Serialize)]
struct Process {
    process: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    parameters: String,
    param_match: &'static str,
    min_processes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_processes: Option<u32>,
    current_processes: u32,
    have_quorum: bool,
    weight: i32,
    terminate_delay: Number,
    fork_delay: Number,
    fork_delay_timer_running: bool,
    terminate_delay_timer_running: bool,
    full_command: bool,
}

/// The whole file.
pub(super) fn text(dumps: &Dumps, moment: &Moment<'_>) -> String {
    let entry =
        |instance: &Instance| Entry { data: data(instance, dumps, moment), stats: dumps.counted(instance) };
    let entries: Vec<Entry> = moment.instances.iter().map(entry).collect();
    let written = match dumps.config.global.dumps.json_version {
        2 => {
            let track_process = dumps.config.processes.iter().map(|one| process(one, moment)).collect();
            serde_json::to_string(&Second { vrrp: entries, track_process })
        }
        _ => serde_json::to_string(&entries),
    };
    // Every key is a string and every number finite.
    written.map(|text| text + "\n").unwrap_or_default()
}

fn data(instance: &Instance, dumps: &Dumps, moment: &Moment<'_>) -> Data {
    let (config, router) = (&instance.config, &instance.router);
    let Garp {
        master_delay,
        master_repeat,
        refresh,
        refresh_repeat,
        lower_prio_delay,
        lower_prio_repeat,
        ..
    } = config.garp;
    let is_master = instance.is_master();
    let script = |script: &Option<NotifyScript>| script.as_ref().map(|s| words::command(&s.command));
    let address = |vip| words::address(vip, &moment.place(instance.interface_of(vip)), is_master);
    let scripts = &dumps.config.scripts;
    let tracked = |name: &str| {
        let script = scripts.iter().find(|script| script.name == name);
        script.map(|script| words::command(&script.command)).unwrap_or_default()
    };
    let (auth_type, auth_data) = match config.authentication {
        Authentication::Pass(_) => (1, Some(words::HIDDEN)),
        Authentication::Ah(_) => (2, Some(words::HIDDEN)),
        Authentication::None | Authentication::Hmac(_) => (0, None),
    };
    let heard = router.master_heard().filter(|_| router.state() == State::Backup);
    Data {
        iname: config.name.clone(),
        dont_track_primary: config.dont_track_primary.into(),
        skip_check_adv_addr: config.skip_check_adv_addr.into(),
        strict_mode: config.strict.into(),
        vmac_ifname: match config.virtual_interface {
            Some(_) => instance.own_interface().to_owned(),
            None => String::new(),
        },
        ifp_ifname: instance.own_interface().to_owned(),
        master_priority: heard.map_or(0, |(_, priority, _)| priority),
        last_transition: dumps.last_transition(instance, moment).as_secs_f64(),
        garp_delay: number(master_delay),
        garp_refresh: refresh.as_secs(),
        garp_rep: master_repeat,
        garp_refresh_rep: refresh_repeat,
        garp_lower_prio_delay: lower_prio_delay.as_secs(),
        garp_lower_prio_rep: lower_prio_repeat,
        lower_prio_no_advert: config.lower_prio_no_advert.into(),
        higher_prio_send_advert: config.higher_prio_send_advert.into(),
        vrid: config.vrid,
        base_priority: config.priority,
        effective_priority: router.priority(),
        vipset: is_master,
        promote_secondaries: config.promote_secondaries,
        adver_int: number(config.advert_int),
        master_adver_int: number(router.master_interval().duration()),
        accept: config.accept.into(),
        nopreempt: config.nopreempt,
        preempt_delay: config.preempt_delay.as_secs(),
        state: code(router.state()),
        wantstate: code(instance.wanted()),
        version: match config.version {
            Version::V2 => 2,
            Version::V3 => 3,
        },
        smtp_alert: config.smtp_alert,
        notify_deleted: config.notify.tell_deleted,
        script_backup: script(&config.notify.backup),
        script_master: script(&config.notify.master),
        script_fault: script(&config.notify.fault),
        script_stop: script(&config.notify.stop),
        script_deleted: script(&config.notify.deleted),
        script: script(&config.notify.any),
        script_master_rx_lower_pri: script(&config.notify.lower_priority),
        vips: config.addresses.iter().map(address).collect(),
        evips: config.excluded.iter().map(address).collect(),
        vroutes: config.routes.iter().map(words::route).collect(),
        vrules: config.rules.iter().map(words::rule).collect(),
        track_ifp: config.track_interfaces.iter().map(|tracked| tracked.interface.clone()).collect(),
        track_script: config.track_scripts.iter().map(|script| tracked(&script.name)).collect(),
        auth_type,
        auth_data,
    }
}

fn process(process: &TrackProcess, moment: &Moment<'_>) -> Process {
    let (current_processes, have_quorum, delayed) =
        moment.tracking.processes.numbers(&process.name).unwrap_or_default();
    Process {
        process: process.name.clone(),
        parameters: process.parameters.join(" "),
        param_match: match process.matching {
            ParameterMatch::Ignored => "none",
            ParameterMatch::Exact => "exact",
            ParameterMatch::Initial => "initial",
            ParameterMatch::Partial => "partial",
        },
        min_processes: process.quorum,
        max_processes: process.quorum_max,
        current_processes,
        have_quorum,
        fork_delay_timer_running: delayed && !have_quorum,
        terminate_delay_timer_running: delayed && have_quorum,
        weight: if process.weight.reverse { -process.weight.weight } else { process.weight.weight },
        terminate_delay: number(process.terminate_delay),
        fork_delay: number(process.fork_delay),
        full_command: process.full_command,
    }
}

/// keepalived's number of a state.
fn code(state: State) -> u8 {
    match state {
        State::Init => 0,
        State::Backup => 1,
        State::Master => 2,
        State::Fault => 3,
    }
}

/// Seconds; whole ones without a point.
fn number(time: Duration) -> Number {
    match (time.subsec_nanos(), Number::from_f64(time.as_secs_f64())) {
        (1.., Some(number)) => number,
        _ => time.as_secs().into(),
    }
}
