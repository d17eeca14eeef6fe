//! `fifo_write_vrrp_states_on_reload`: what a reload did not change is told once more, to FIFOs only.

use super::Process;
use crate::Error;
use crate::message::{InstanceState, Notification, Occasion, Out, Subject};
use keepalived_conf::model::Config;

/// Every group, then every instance, with its state and priority.
type States = Vec<(Subject, String, InstanceState, u8)>;

impl Process<'_> {
    fn states(&self) -> States {
        let group = |(config, state): (&keepalived_conf::model::SyncGroup, vrrp::State)| {
            (Subject::Group, config.name.clone(), state.into(), 0)
        };
        let groups = self.groups.states().into_iter().map(group);
        let instances = self.instances.iter().map(|instance| {
            (Subject::Instance, instance.config.name.clone(), instance.state(), instance.router.priority())
        });
        groups.chain(instances).collect()
    }

    /// Takes another configuration while running.
    pub(super) fn reload(&mut self, config: Config) -> Result<(), Error> {
        let repeats = config.global.fifos.write_states_on_reload;
        let before = if repeats { self.states() } else { Vec::new() };
        self.configure(config, &crate::message::Memory::default())?;
        if !repeats {
            return Ok(());
        }
        for (subject, name, state, priority) in self.states() {
            let same = before.iter().any(|(s, n, was, _)| *s == subject && *n == name && *was == state);
            if same && state != InstanceState::Init {
                let occasion = Occasion::State(state);
                let repeated = Notification { subject, name, occasion, priority, commands: Vec::new() };
                self.tell(&Out::FifoLine(repeated.fifo_line()));
            }
        }
        Ok(())
    }
}
