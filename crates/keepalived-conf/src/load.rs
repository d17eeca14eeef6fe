//! A file into a model, with everything that is to be said about it.

use crate::findings::{in_file_order, is_crowded, most_severe};
use crate::grammar;
use crate::model::Config;
use crate::placement;
use crate::registry::Extent;
use crate::understand::{self, Places};
use crate::{Disk, Environment, Files};
use diagnostic::{Report, Sources};
use std::path::Path;

/// A configuration as it was understood.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Every file that was read.
    pub sources: Sources,
    /// Everything that is to be said about them.
    pub report: Report,
    /// What was understood, also when there are errors.
    pub config: Config,
    /// Where it was written.
    pub places: Places,
    /// Whether the file itself could be read.
    pub readable: bool,
}

/// Reads a configuration from this machine's files. Never fails as a whole: what is wrong is in the
/// report, and the model holds what could be understood.
pub fn load(path: &Path, environment: &Environment) -> Loaded {
    load_from(path, &Disk, environment)
}

/// Reads a configuration from the given files.
pub fn load_from(path: &Path, files: &dyn Files, environment: &Environment) -> Loaded {
    load_extent(path, files, environment, Extent::Acting)
}

/// Reads a configuration as if so many words acted.
pub(crate) fn load_extent(
    path: &Path,
    files: &dyn Files,
    environment: &Environment,
    extent: Extent,
) -> Loaded {
    let mut loaded = Loaded::default();
    let tree = grammar::parse(path, files, environment, &mut loaded.sources, &mut loaded.report);
    loaded.readable = tree.is_some();
    let tree = tree.unwrap_or_default();
    let root = placement::place(&tree, extent, &mut loaded.report);
    (loaded.config, loaded.places) = understand::understand(&root, extent, files, &mut loaded.report);
    if is_crowded(&loaded.report) {
        loaded.report = most_severe(&loaded.report);
    }
    loaded.report = in_file_order(&loaded.report);
    loaded
}
