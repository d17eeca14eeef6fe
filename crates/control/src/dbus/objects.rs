//! What is seen on the bus: the objects, their methods, properties and signals.
//!
//! Names, paths and types are keepalived's.

use super::reply::Reply;
use super::session::{Report, Reporter};
use super::table::{Row, Table};
use crate::message::Act;
use ha::message::Dump;
use std::sync::{Arc, Mutex, PoisonError};
use zbus::message::Header;
use zbus::object_server::SignalEmitter;
use zbus::{Signature, fdo};

/// The library lets arguments pass that nobody takes.
fn takes_nothing(call: &Header<'_>) -> fdo::Result<()> {
    match call.signature() {
        Signature::Unit => Ok(()),
        given => Err(fdo::Error::InvalidArgs(format!("no arguments are taken, but {given} was given"))),
    }
}

/// The process as a whole.
pub(super) struct Vrrp {
    pub(super) reporter: Reporter,
}

impl Vrrp {
    /// Has a file written; over when it is there.
    async fn dump(&self, kind: Dump) -> fdo::Result<()> {
        let reply = Reply::default();
        self.reporter.ask(Report::Dump(kind, reply.clone()))?;
        if reply.await {
            return Ok(());
        }
        Err(fdo::Error::Failed("the vrrp process does not answer".to_owned()))
    }
}

#[zbus::interface(name = "org.keepalived.Vrrp1.Vrrp")]
impl Vrrp {
    async fn print_data(&self, #[zbus(header)] call: Header<'_>) -> fdo::Result<()> {
        takes_nothing(&call)?;
        self.dump(Dump::Data).await
    }

    async fn print_stats(&self, #[zbus(header)] call: Header<'_>) -> fdo::Result<()> {
        takes_nothing(&call)?;
        self.dump(Dump::Statistics).await
    }

    async fn print_stats_clear(&self, #[zbus(header)] call: Header<'_>) -> fdo::Result<()> {
        takes_nothing(&call)?;
        self.dump(Dump::StatisticsAndClear).await
    }

    // Over before the reload begins: the log says what comes of it.
    async fn reload_config(&self, #[zbus(header)] call: Header<'_>) -> fdo::Result<()> {
        takes_nothing(&call)?;
        self.reporter.ask(Report::Asked(Act::Reload))
    }

    #[zbus(signal)]
    pub(super) async fn vrrp_started(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(super) async fn vrrp_reloaded(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(super) async fn vrrp_stopped(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;
}

/// One instance. Which one its path is may change with a reload.
pub(super) struct Instance {
    pub(super) path: String,
    pub(super) table: Arc<Mutex<Table>>,
    pub(super) reporter: Reporter,
}

impl Instance {
    fn look<T>(&self, of: impl FnOnce(&Row) -> T) -> fdo::Result<T> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let row = table.at(&self.path);
        row.map(of).ok_or_else(|| fdo::Error::InvalidArgs(format!("there is no instance at {}", self.path)))
    }
}

#[zbus::interface(name = "org.keepalived.Vrrp1.Instance")]
impl Instance {
    async fn send_garp(&self, #[zbus(header)] call: Header<'_>) -> fdo::Result<()> {
        takes_nothing(&call)?;
        let instance = self.look(|row| row.name.clone())?;
        self.reporter.ask(Report::Asked(Act::Announce { instance }))
    }

    #[zbus(signal)]
    pub(super) async fn vrrp_status_change(emitter: &SignalEmitter<'_>, status: u32) -> zbus::Result<()>;

    // A structure of one member, as keepalived sends it (but calls it a string).
    #[zbus(property)]
    fn name(&self) -> fdo::Result<(String,)> {
        self.look(|row| (row.name.clone(),))
    }

    #[zbus(property)]
    fn state(&self) -> fdo::Result<(u32, String)> {
        self.look(|row| (row.state.number(), row.state.word().to_owned()))
    }
}
