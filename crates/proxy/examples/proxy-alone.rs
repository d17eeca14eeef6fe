//! The proxy without its supervisor: `proxy-alone NGINX.CONF`, for benchmarks and profiles.
//!
//! Opens what the supervisor would open, and runs until TERM, INT or QUIT.

use ipc::Channel;
use nginx_conf::Environment;
use nginx_conf::model::{ListenAddress, LogDestination};
use proxy::message::{Configure, FromProxy, ToProxy};
use socket2::{Domain, Socket, Type};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use sys::signals;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: proxy-alone NGINX.CONF");
        return ExitCode::FAILURE;
    };
    let path = Path::new(&path);
    let prefix = path.parent().unwrap_or(Path::new("/"));
    let loaded = nginx_conf::load(path, &Environment { prefix, ..Environment::system(true) });
    let Some(config) = loaded.config else {
        eprintln!("{:?}", loaded.report);
        return ExitCode::FAILURE;
    };
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(config: nginx_conf::model::Config) -> std::io::Result<()> {
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for listener in config.http.iter().flat_map(|http| &http.listeners) {
        let ListenAddress::Tcp(address) = listener.address else { continue };
        let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(listener.backlog as i32)?;
        descriptors.push(socket.into());
    }
    for log in &config.logs {
        descriptors.push(match log {
            LogDestination::File(path) => File::options().append(true).create(true).open(path)?.into(),
            LogDestination::Stderr => std::io::stderr().as_fd().try_clone_to_owned()?,
            LogDestination::Syslog { .. } => continue,
        });
    }
    let (ours, theirs) = UnixStream::pair()?;
    let mut supervisor: Channel<ToProxy, FromProxy> =
        Channel::new(ours.into()).map_err(std::io::Error::other)?;
    let proxy = Channel::new(theirs.into()).map_err(std::io::Error::other)?;
    let configure = Configure { config, generation: 1, hostname: "localhost".to_owned() };
    let order = ToProxy::Configure(Box::new(configure));
    // The frame may be larger than the socket's buffer: it is taken while the proxy runs.
    let feeder = std::thread::spawn(move || {
        let _ = supervisor.send_with(&order, descriptors);
        while supervisor.wants_write() {
            std::thread::sleep(std::time::Duration::from_millis(1));
            let _ = supervisor.flush();
        }
        supervisor
    });
    let caught = signals::catch(&[signals::TERM, signals::INT, signals::QUIT])?;
    proxy::run(proxy, caught, &mut || {});
    drop(feeder.join());
    Ok(())
}
