//! What instances make of the proxy beside them: `vrrp_track_proxy`.

use super::Process;
use crate::Level;
use crate::instance::Cause;
use crate::message::Memory;
use keepalived_conf::model::TrackWeight;

/// The proxy of this program, as the vrrp process knows it.
#[derive(Debug, Default)]
pub(super) struct Proxy {
    /// `None` while nothing was told: there may be none.
    serves: Option<bool>,
    /// `vrrp_track_proxy`
    pub(super) tracked: Option<TrackWeight>,
}

impl Proxy {
    /// What it means for every instance. Without `vrrp_track_proxy` that it does not serve is told,
    /// and changes nothing.
    pub(super) fn cause(&self) -> Option<Cause> {
        let serves = self.serves?;
        let text = if serves { "the proxy here serves" } else { "the proxy here does not serve" };
        match self.tracked {
            Some(weight) => Cause::of(weight, serves, text),
            None => (!serves).then(|| Cause::note(text)),
        }
    }
}

impl Process<'_> {
    /// Takes in what the supervisor says of it.
    pub(super) fn proxy_changed(&mut self, serves: bool) {
        let before = self.proxy.serves.replace(serves);
        if before != Some(serves) && (before.is_some() || !serves) {
            let (level, not) = if serves { (Level::Info, "") } else { (Level::Warning, "does not ") };
            let word = if serves { "serves again" } else { "serve" };
            self.host.log(level, &format!("The proxy here {not}{word}"));
        }
        self.evaluate(&Memory::default());
    }
}
