//! Another web server: what takes port 80 away in the second tutorial.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

const PAGE: &str = "<h1> httpd </h1>\n";

/// Serves port 80 until it is killed when this program was called as `httpd`; does nothing and returns
/// `None` otherwise. A program that builds labs calls it first.
pub fn stand_in() -> Option<ExitCode> {
    let name = std::env::args_os().next()?;
    if std::path::Path::new(&name).file_name()? != "httpd" {
        return None;
    }
    sys::process::set_name("httpd");
    let serve = || -> std::io::Result<()> {
        let listener = TcpListener::bind("0.0.0.0:80")?;
        std::fs::write("/run/httpd.pid", format!("{}\n", std::process::id()))?;
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { continue };
            let _ = connection.set_read_timeout(Some(Duration::from_secs(1)));
            let _ = connection.read(&mut [0; 4096]);
            let length = PAGE.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            let _ = connection.write_all(format!("{head}{PAGE}").as_bytes());
        }
        Ok(())
    };
    match serve() {
        Ok(()) => Some(ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("httpd: port 80: {error}");
            Some(ExitCode::FAILURE)
        }
    }
}
