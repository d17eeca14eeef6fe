//! `keepalived.stats`: what each instance has counted.

use super::line;
use crate::instance::Instance;
use crate::message::Faults;
use keepalived_conf::model::Authentication;
use serde::{Serialize, Serializer};

/// keepalived's counters of an instance, under its names in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Statistics {
    advert_rcvd: u64,
    advert_sent: u64,
    become_master: u64,
    release_master: u64,
    packet_len_err: u64,
    advert_interval_err: u64,
    ip_ttl_err: u64,
    invalid_type_rcvd: u64,
    addr_list_err: u64,
    invalid_authtype: u64,
    authtype_mismatch: u64,
    auth_failure: u64,
    #[serde(flatten)]
    extension: Option<Extension>,
    pri_zero_rcvd: u64,
    pri_zero_sent: u64,
}

/// Trailers refused, where there is `auth_hmac`; keepalived has these from 2.4 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Extension([u64; KINDS.len()]);

/// [`vrrp::Reject::reason`], and keepalived's names in JSON and in the text.
const KINDS: [(&str, &str, &str); 6] = [
    ("hmac-missing", "auth_ext_missing", "Missing"),
    ("hmac-malformed", "auth_ext_malformed", "Malformed"),
    ("hmac-unknown-key", "auth_ext_unknown_key", "Unknown Key"),
    ("hmac-wrong", "auth_ext_invalid_hmac", "Invalid HMAC"),
    ("hmac-stale", "auth_ext_stale", "Stale"),
    ("hmac-repeated", "auth_ext_replay", "Replay"),
];

impl Extension {
    fn of(instance: &Instance) -> Option<Self> {
        let Authentication::Hmac(_) = instance.config.authentication else { return None };
        Some(Self(KINDS.map(|(reason, ..)| instance.complaints_of(reason))))
    }

    fn sum(&self) -> u64 {
        self.0.iter().sum()
    }

    fn since(self, before: &Self) -> Self {
        Self(std::array::from_fn(|kind| less(self.0[kind], before.0[kind])))
    }

    fn write(&self, text: &mut String) {
        line!(text, "  Authentication Extension Errors:");
        for ((.., words), count) in KINDS.iter().zip(self.0) {
            line!(text, "    {words}: {count}");
        }
    }
}

impl Serialize for Extension {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(KINDS.iter().map(|(_, name, _)| name).zip(self.0))
    }
}

/// What was counted since; all of it where counting began anew.
fn less(now: u64, before: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

impl Statistics {
    pub(super) fn of(instance: &Instance) -> Self {
        let counters = instance.router.counters();
        let faults = Faults::of(|reason| instance.complaints_of(reason));
        let extension = Extension::of(instance);
        Self {
            advert_rcvd: counters.received,
            advert_sent: counters.sent,
            become_master: counters.became_master,
            release_master: counters.released_master,
            packet_len_err: faults.length,
            advert_interval_err: faults.interval,
            ip_ttl_err: faults.ttl,
            invalid_type_rcvd: faults.kind,
            addr_list_err: faults.addresses,
            invalid_authtype: faults.unknown_authentication,
            authtype_mismatch: faults.other_authentication,
            // What is counted there is not counted here.
            auth_failure: faults.authentication.saturating_sub(extension.map_or(0, |one| one.sum())),
            extension,
            pri_zero_rcvd: counters.releases_received,
            pri_zero_sent: counters.releases_sent,
        }
    }

    /// What was counted after an earlier moment. An instance that a reload made anew counts from 0.
    pub(super) fn since(self, before: &Self) -> Self {
        Self {
            advert_rcvd: less(self.advert_rcvd, before.advert_rcvd),
            advert_sent: less(self.advert_sent, before.advert_sent),
            become_master: less(self.become_master, before.become_master),
            release_master: less(self.release_master, before.release_master),
            packet_len_err: less(self.packet_len_err, before.packet_len_err),
            advert_interval_err: less(self.advert_interval_err, before.advert_interval_err),
            ip_ttl_err: less(self.ip_ttl_err, before.ip_ttl_err),
            invalid_type_rcvd: less(self.invalid_type_rcvd, before.invalid_type_rcvd),
            addr_list_err: less(self.addr_list_err, before.addr_list_err),
            invalid_authtype: less(self.invalid_authtype, before.invalid_authtype),
            authtype_mismatch: less(self.authtype_mismatch, before.authtype_mismatch),
            auth_failure: less(self.auth_failure, before.auth_failure),
            extension: self.extension.map(|now| now.since(&before.extension.unwrap_or_default())),
            pri_zero_rcvd: less(self.pri_zero_rcvd, before.pri_zero_rcvd),
            pri_zero_sent: less(self.pri_zero_sent, before.pri_zero_sent),
        }
    }

    pub(super) fn write(&self, name: &str, text: &mut String) {
        line!(text, "VRRP Instance: {name}");
        line!(text, "  Advertisements:");
        line!(text, "    Received: {}", self.advert_rcvd);
        line!(text, "    Sent: {}", self.advert_sent);
        line!(text, "  Became master: {}", self.become_master);
        line!(text, "  Released master: {}", self.release_master);
        line!(text, "  Packet Errors:");
        line!(text, "    Length: {}", self.packet_len_err);
        line!(text, "    TTL: {}", self.ip_ttl_err);
        line!(text, "    Invalid Type: {}", self.invalid_type_rcvd);
        line!(text, "    Advertisement Interval: {}", self.advert_interval_err);
        line!(text, "    Address List: {}", self.addr_list_err);
        line!(text, "  Authentication Errors:");
        line!(text, "    Invalid Type: {}", self.invalid_authtype);
        line!(text, "    Type Mismatch: {}", self.authtype_mismatch);
        line!(text, "    Failure: {}", self.auth_failure);
        if let Some(extension) = self.extension {
            extension.write(text);
        }
        line!(text, "  Priority Zero:");
        line!(text, "    Received: {}", self.pri_zero_rcvd);
        line!(text, "    Sent: {}", self.pri_zero_sent);
    }
}
