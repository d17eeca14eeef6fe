//! The language of keepalived.conf: grammar, registry, typed model.
//!
//! Configuration flows one way: bytes → [`grammar`] (tree with spans) → [`registry`] (every word
//! known, in its place) → [`model`] (plain data with defaults). [`load`] goes all the way and never
//! fails as a whole: it returns what it understood and a report of everything that is wrong.
#![forbid(unsafe_code)]

pub mod check;
pub mod compat;
mod environment;
mod files;
mod findings;
pub mod grammar;
mod load;
pub mod model;
mod placement;
pub mod program;
pub mod registry;
mod understand;
mod value;

pub use environment::Environment;
pub use files::{Disk, Files, Memory};
pub use load::{Loaded, load, load_from};
pub use understand::{GroupPlaces, InstancePlaces, Places, ScriptPlaces};
