//! What the vrrp process and the runner say.

use super::{HaSide, raise, script_outcome, task};
use control::message::{Change, State, ToControl};
use ha::message::{Dump, In, Out};
use logging::{Level, Logger};
use runner::message::{FromRunner, Mail, Task, ToRunner};

impl HaSide {
    pub(super) fn hear_vrrp(&mut self, logger: &mut Logger) {
        while let Some(vrrp) = &mut self.vrrp {
            let Some(message) = vrrp.hear() else { return };
            match message {
                Out::Ready => {
                    self.vrrp_ready = true;
                    if self.relieve(logger) {
                        return self.start_vrrp_anew(logger);
                    }
                    if !std::mem::replace(&mut self.started, true) {
                        logger.log(Level::Info, "Startup complete");
                    }
                    if std::mem::take(&mut self.reloading) {
                        logger.log(Level::Info, "Reload complete");
                        self.news.push(ToControl::Reloaded);
                    }
                }
                Out::Status(instances, surroundings) => {
                    self.status_asked = None;
                    self.news.push(ToControl::State(State { instances: instances.clone(), surroundings }));
                    self.status = Some(instances);
                }
                Out::Dump(Dump::Reload { number, over }, text) => {
                    self.copies.keep_state(vrrp.pid(), number, over, &text, logger);
                }
                Out::Dump(kind, text) => {
                    self.write_dump(kind, "", &text, logger);
                    self.news.push(ToControl::Written(kind));
                }
                Out::Raise(priority) => {
                    let highest = self.config.global.processes.max_auto_priority;
                    raise(vrrp.pid(), priority, highest, logger);
                }
                news => self.hear_news(news, logger),
            }
        }
    }

    /// Takes in what is said of the instances, no matter which vrrp process says it.
    pub(super) fn hear_news(&mut self, news: Out, logger: &mut Logger) {
        match news {
            Out::Notify(notification) => {
                self.news.push(ToControl::Changed(Change {
                    subject: notification.subject,
                    name: notification.name.clone(),
                    occasion: notification.occasion,
                    priority: notification.priority,
                }));
                let line = notification.fifo_line();
                let tasks: Vec<Task> = notification.commands.into_iter().map(task).collect();
                if !tasks.is_empty() {
                    self.tell_runner(&ToRunner::Notify { instance: notification.name, tasks });
                }
                self.fifos.write(&line, logger);
            }
            Out::FifoLine(line) => self.fifos.write(&line, logger),
            Out::Mail(mail) => {
                self.tell_runner(&ToRunner::Mail(Mail { subject: mail.subject, body: mail.body }));
            }
            Out::Refused(refusal) => self.news.push(ToControl::Refused(refusal)),
            Out::Remember(memory) => self.memory = memory,
            Out::Ready | Out::Status(..) | Out::Dump(..) | Out::Raise(_) => {}
        }
    }

    pub(super) fn hear_runner(&mut self) {
        while let Some(runner) = &mut self.runner {
            let Some(message) = runner.hear() else { return };
            let FromRunner::Result { script, outcome } = message else {
                self.script_ran = true;
                continue;
            };
            if let Some(vrrp) = &mut self.vrrp {
                let _ = vrrp.channel.send(&In::ScriptResult { script, outcome: script_outcome(outcome) });
            }
        }
    }
}
