//! Every `vrrp_script` and what its runs have said.

use crate::{Host, Level};
use keepalived_conf::model::VrrpScript;
use std::collections::BTreeMap;
use vrrp::tracking::{Check, Outcome};

#[derive(Debug)]
struct Script {
    check: Check,
    /// Exit status of the last run that had one.
    last_status: Option<i32>,
}

/// The scripts by name.
#[derive(Debug, Default)]
pub(crate) struct Scripts(BTreeMap<String, Script>);

impl Scripts {
    /// Takes another set of scripts. Those that stay keep their verdicts; `known` gives verdicts of
    /// a predecessor.
    pub(crate) fn configure(&mut self, scripts: &[VrrpScript], known: &[(String, bool)]) {
        let mut old = std::mem::take(&mut self.0);
        for script in scripts {
            let (rise, fall) = (script.rise, script.fall);
            let entry = match (old.remove(&script.name), known.iter().find(|(name, _)| *name == script.name))
            {
                (Some(mut entry), _) => {
                    entry.check.reconfigure(rise, fall);
                    entry
                }
                (None, Some(&(_, up))) => {
                    Script { check: Check::restored(rise, fall, up), last_status: None }
                }
                (None, None) => Script { check: Check::new(rise, fall, script.init_fail), last_status: None },
            };
            self.0.insert(script.name.clone(), entry);
        }
    }

    /// Whether a script is up; `None` before its first result.
    pub(crate) fn up(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.check.up()
    }

    /// All verdicts there are.
    pub(crate) fn verdicts(&self) -> Vec<(String, bool)> {
        self.0.iter().filter_map(|(name, script)| Some((name.clone(), script.check.up()?))).collect()
    }

    /// Counts a run. Says whether the verdict is new. A name that is no longer configured is ignored:
    /// its last run may end after a reload.
    pub(crate) fn result(&mut self, name: &str, outcome: &Outcome, host: &mut dyn Host) -> bool {
        let Some(script) = self.0.get_mut(name) else { return false };
        if let &Outcome::Exited(status) = outcome {
            // keepalived starts from status 0, so a first success is not reported here.
            if script.last_status.unwrap_or(0) != status {
                host.log(Level::Info, &format!("Script `{name}` now returning {status}"));
            }
            script.last_status = Some(status);
        }
        let changed = script.check.on(outcome.is_success());
        if changed {
            host.log(Level::Info, &format!("VRRP_Script({name}) {outcome}"));
        }
        changed
    }
}
