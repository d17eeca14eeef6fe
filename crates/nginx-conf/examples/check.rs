//! Checks files: `cargo run -p nginx-conf --example check -- FILE…`; `--model` prints the model, too.

use diagnostic::{Colour, Severity, render};
use nginx_conf::{Environment, compat, load};
use std::path::Path;

fn main() {
    let model = std::env::args().any(|argument| argument == "--model");
    for argument in std::env::args().skip(1).filter(|argument| argument != "--model") {
        let path = Path::new(&argument);
        let loaded = load(path, &Environment::system(true));
        for finding in loaded.report.findings() {
            print!("{}", render(finding, &loaded.sources, Colour::Never));
        }
        println!(
            "{argument}: {} errors, {} warnings",
            loaded.report.count(Severity::Error),
            loaded.report.count(Severity::Warning)
        );
        for line in compat::test_lines(&loaded, path) {
            println!("{line}");
        }
        if model {
            println!("{:#?}", loaded.config);
        }
    }
}
