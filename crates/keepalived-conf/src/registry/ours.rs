//! Words of ours, in the style of the others: what keepalived lacks. It ignores them with a complaint.

use super::Context::Global;
use super::{Keyword, SWITCH, acts, words};

pub(super) const WORDS: &[Keyword] = &[
    acts(
        "vrrp_lease",
        &[Global],
        SWITCH,
        "ours: the kernel lets virtual addresses be answered only as long as we advertise; on when absent",
    ),
    acts(
        "vrrp_handover",
        &[Global],
        SWITCH,
        "ours: a master that stops names its successor, if that is of our kind; on when absent",
    ),
    acts(
        "vrrp_track_proxy",
        &[Global],
        words(0, 3),
        "ours: FAULT, or `weight N [reverse]`, while the proxy of `backstay run` does not serve",
    ),
];
