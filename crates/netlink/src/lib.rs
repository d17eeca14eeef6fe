//! Links and addresses over rtnetlink.
#![forbid(unsafe_code)]
