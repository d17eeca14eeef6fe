//! Where weights of an instance do not count: an address owner's priority never changes, and members of
//! a sync group stand or fall together. What has a weight there is not tracked, as in keepalived; a file
//! with the weight that is usual counts as one without.

use super::reader::Reader;
use super::{InstancePlaces, Places};
use crate::model::{Config, Tracked, VrrpInstance};
use diagnostic::{Diagnostic, Span};

/// Priority of the router that the addresses belong to.
const OWNER: u8 = 255;
/// What a file has when nothing is written.
const OF_A_FILE: i32 = 1;

/// Why the weights of an instance do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its priority is 255.
    Owner,
    /// Its sync group has no `sync_group_tracking_weight`.
    SyncGroup,
}

impl Why {
    fn finding(self, span: Span, what: &str, becomes: &str) -> Diagnostic {
        let (id, whom, help) = match self {
            Self::Owner => (
                "weight-of-owner",
                "for priority 255, which never changes",
                "take a priority from 1 to 254, or write `weight 0`",
            ),
            Self::SyncGroup => (
                "sync-group-weight",
                "in a sync group",
                "track it in the group, for all members alike, or add `sync_group_tracking_weight` there",
            ),
        };
        let message = format!("the weight of `{what}` does not count {whom}: it is {becomes}");
        Diagnostic::warning(id, span, message).help(help)
    }
}

/// Leaves the weights of owners out; sync groups have had theirs.
pub(super) fn leave_out_of_owners(config: &mut Config, places: &mut Places, reader: &mut Reader<'_>) {
    let instances = config.instances.iter_mut().zip(&mut places.instances);
    for (instance, places) in instances.filter(|(instance, _)| instance.priority == OWNER) {
        leave_out(instance, places, Why::Owner, reader);
    }
}

/// Leaves the weights of an instance out. In a sync group an interface with a weight counts as one
/// without.
pub(super) fn leave_out(
    instance: &mut VrrpInstance,
    places: &mut InstancePlaces,
    why: Why,
    reader: &mut Reader<'_>,
) {
    let mut say = |span: Span, what: &str, becomes: &str| reader.say(why.finding(span, what, becomes));
    let tracked = std::mem::take(&mut instance.track_interfaces).into_iter();
    for (mut one, span) in tracked.zip(std::mem::take(&mut places.track_interfaces)) {
        if one.weight.weight != 0 && why == Why::Owner {
            say(span, &one.interface, "not tracked");
            continue;
        }
        if one.weight.weight != 0 {
            say(span, &one.interface, "tracked with weight 0");
            one.weight.weight = 0;
        }
        instance.track_interfaces.push(one);
        places.track_interfaces.push(span);
    }
    let tracked = std::mem::take(&mut instance.track_scripts).into_iter();
    let spans = std::mem::take(&mut places.track_scripts);
    (instance.track_scripts, places.track_scripts) =
        tracked.zip(spans).filter(|(tracked, span)| stays(tracked, *span, &mut say)).unzip();
    for tracked in instance.track_files.iter_mut().filter(|tracked| tracked.weight.weight == OF_A_FILE) {
        say(places.name, &tracked.name, "tracked with weight 0");
        tracked.weight.weight = 0;
    }
    let others = [&mut instance.track_files, &mut instance.track_processes, &mut instance.track_bfd];
    for list in others {
        list.retain(|tracked| stays(tracked, places.name, &mut say));
    }
}

fn stays(tracked: &Tracked, span: Span, say: &mut impl FnMut(Span, &str, &str)) -> bool {
    if tracked.weight.weight != 0 {
        say(span, &tracked.name, "not tracked");
    }
    tracked.weight.weight == 0
}
