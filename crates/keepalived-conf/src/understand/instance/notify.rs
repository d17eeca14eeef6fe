//! `notify_*` of an instance or a sync group.

use super::super::command::notify_script;
use super::super::reader::Reader;
use crate::model::{Notify, NotifyScript};
use crate::placement::Body;
use diagnostic::Span;

/// The scripts, and the places of those for master, backup, fault, stop, any, deleted and a lower
/// priority.
pub(in crate::understand) fn notify(body: &Body<'_>, reader: &mut Reader<'_>) -> (Notify, [Option<Span>; 7]) {
    const WORDS: [&str; 7] = [
        "notify_master",
        "notify_backup",
        "notify_fault",
        "notify_stop",
        "notify",
        "notify_deleted",
        "notify_master_rx_lower_pri",
    ];
    let mut places = [None; 7];
    let mut scripts: [Option<NotifyScript>; 7] = [const { None }; 7];
    for ((word, place), script) in WORDS.into_iter().zip(&mut places).zip(&mut scripts) {
        let read = body.last(word).and_then(|item| notify_script(item, reader.report));
        (*script, *place) = read.unzip();
    }
    let [master, backup, fault, stop, any, deleted, lower_priority] = scripts;
    let tell_deleted = body.last("notify_deleted").is_some();
    (Notify { master, backup, fault, stop, any, tell_deleted, deleted, lower_priority }, places)
}
