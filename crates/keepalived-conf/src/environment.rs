//! What a configuration may ask about the machine it is read on.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Facts that the language itself can refer to: `@id` conditions and `${_…}` definitions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The config-id (`-i`, `--config-id`) that `@id` lines are compared with and `${_INSTANCE}`
    /// stands for; the host name up to its first dot when `None`.
    pub config_id: Option<String>,
    /// The host name.
    pub host_name: String,
    /// Where relative paths begin, for `${_PWD}`.
    pub directory: PathBuf,
    /// Environment variables, for `${_ENV NAME}`.
    pub variables: BTreeMap<String, String>,
    /// Where `${_RANDOM}` starts; the same seed gives the same configuration.
    pub random_seed: u64,
}

impl Environment {
    /// The config-id that holds.
    pub fn effective_config_id(&self) -> &str {
        match &self.config_id {
            Some(id) => id,
            None => self.host_name.split('.').next().unwrap_or(""),
        }
    }
}
