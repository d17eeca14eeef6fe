//! `backstay check`: all findings about both files, and about how they fit together.

use super::Files;
use crate::inspect::{self, NginxOptions};
use diagnostic::{Colour, Diagnostic, Report, Severity, Sources, render};
use nginx_conf::model::ListenAddress;
use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;

/// Checks and prints; 0 without errors.
pub(super) fn check(files: &Files, peer: Option<&Path>) -> ExitCode {
    let (ha_file, proxy_file) = files.chosen();
    if ha_file.is_none() && proxy_file.is_none() {
        eprintln!("backstay: nothing to check: name a file with --ha or --proxy");
        return ExitCode::FAILURE;
    }
    let mut totals = Totals::default();
    let ha = ha_file.map(|path| {
        let loaded = inspect::load_keepalived(&path, None);
        let peer = peer.map(|path| inspect::load_keepalived(path, None));
        let checks = inspect::check_keepalived(&loaded, peer.as_ref());
        totals.print(&loaded.report, &loaded.sources);
        totals.print(&checks, &loaded.sources);
        loaded
    });
    let web = proxy_file.map(|path| {
        let loaded = inspect::load_nginx(&NginxOptions { path, ..NginxOptions::default() });
        totals.print(&loaded.report, &loaded.sources);
        loaded
    });
    if let (Some(ha), Some(web)) = (&ha, &web) {
        totals.print(&unheard_addresses(ha, web), &ha.sources);
    }
    let counts = format!("{} errors, {} warnings, {} hints", totals.errors, totals.warnings, totals.hints);
    let _ = writeln!(std::io::stdout(), "{counts}");
    if totals.errors > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

#[derive(Default)]
struct Totals {
    errors: usize,
    warnings: usize,
    hints: usize,
}

impl Totals {
    fn print(&mut self, report: &Report, sources: &Sources) {
        let colour = if std::io::stdout().is_terminal() { Colour::Always } else { Colour::Never };
        for finding in report.findings() {
            match finding.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Hint => self.hints += 1,
            }
            // A reader that has gone does not want the rest.
            let _ = writeln!(std::io::stdout(), "{}", render(finding, sources, colour));
        }
    }
}

/// Virtual addresses at which the proxy does not listen.
fn unheard_addresses(ha: &keepalived_conf::Loaded, web: &nginx_conf::Loaded) -> Report {
    let mut report = Report::default();
    let Some(http) = web.config.as_ref().and_then(|config| config.http.as_ref()) else { return report };
    let addresses: Vec<IpAddr> = http
        .listeners
        .iter()
        .filter_map(|listener| match listener.address {
            ListenAddress::Tcp(address) => Some(address.ip()),
            ListenAddress::Unix(_) => None,
        })
        .collect();
    let hears = |vip: IpAddr| {
        addresses
            .iter()
            .any(|ip| *ip == vip || (ip.is_unspecified() && (ip.is_ipv4() == vip.is_ipv4() || ip.is_ipv6())))
    };
    for (at, instance) in ha.config.instances.iter().enumerate() {
        let vips = instance.addresses.iter().chain(&instance.excluded).enumerate();
        for (number, vip) in vips.filter(|(_, vip)| !hears(vip.address)) {
            let text = format!("nobody listens on {}, the virtual address of {}", vip.address, instance.name);
            let span = ha.places.instances.get(at).and_then(|places| places.addresses.get(number)).copied();
            report.push(Diagnostic::warning("unheard-address", span, text).help(format!(
                "add `listen {}:80;` to a server of nginx.conf, or `listen 80;` for all addresses",
                vip.address
            )));
        }
    }
    report
}
