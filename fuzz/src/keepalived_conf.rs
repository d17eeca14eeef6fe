//! keepalived.conf: the grammar and the model. `include` finds no file but this one.

use diagnostic::{Colour, render};
use keepalived_conf::{Environment, Memory, load_from};
use std::path::Path;

/// Whatever was understood keeps the model's promises, and what is said can be shown.
pub fn read(data: &[u8]) {
    let files = Memory::default().with("k.conf", data);
    let environment = Environment { config_id: Some("id".to_owned()), ..Environment::default() };
    let loaded = load_from(Path::new("k.conf"), &files, &environment);
    for finding in loaded.report.findings().iter().take(8) {
        assert!(!render(finding, &loaded.sources, Colour::Never).is_empty());
    }
    for instance in &loaded.config.instances {
        assert!(instance.vrid > 0 && instance.priority > 0 && !instance.advert_int.is_zero());
        assert!(instance.addresses.len() <= 255);
        for tracked in &instance.track_scripts {
            assert!(loaded.config.scripts.iter().any(|script| script.name == tracked.name));
        }
    }
}
