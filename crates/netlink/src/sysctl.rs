//! Settings of interfaces under `/proc/sys/net`: `ip-sysctl` of the kernel's documentation.
//!
//! What is changed is remembered, and put back by [`Sysctls::restore`]. A file is that of the network
//! namespace of the thread that opens it.

use crate::Error;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A setting that every interface has, beside `all` and `default`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Setting {
    /// 1: ARP requests are answered only for addresses of the interface they come by.
    ArpIgnore,
    /// 1: ARP requests are answered only when the answer is routed by the interface they come by.
    ArpFilter,
    /// Which source addresses of ours ARP requests name; 2: the best for the target.
    ArpAnnounce,
    /// Reverse path filter: 0 off, 1 strict, 2 loose. The larger of `all`'s and the interface's counts.
    RpFilter,
    /// 1: packets from an address of ours are accepted.
    AcceptLocal,
    /// 1: a secondary address becomes primary when the primary is deleted.
    PromoteSecondaries,
    /// Packets of IPv4 are forwarded.
    Forwarding,
    /// The version of IGMP that is spoken; 0 whichever is heard.
    ForceIgmpVersion,
    /// Packets of IPv6 are forwarded.
    ForwardingV6,
    /// The version of MLD that is spoken; 0 whichever is heard.
    ForceMldVersion,
    /// 1: no IPv6 on the interface.
    DisableV6,
    /// 0: no duplicate address detection.
    AcceptDad,
    /// 0: router advertisements are not obeyed.
    AcceptRa,
    /// How link-local addresses are made: 0 of the Ethernet address, 1 not at all.
    AddrGenMode,
    /// 1: membership of groups of the link (224.0.0.0/24) is reported by IGMP. Of all interfaces at once.
    LocalIgmpReports,
}

impl Setting {
    fn path(self, interface: &str) -> PathBuf {
        let (version, name) = self.name();
        if self == Setting::LocalIgmpReports {
            return ["/proc/sys/net", version, name].iter().collect();
        }
        ["/proc/sys/net", version, "conf", interface, name].iter().collect()
    }

    fn name(self) -> (&'static str, &'static str) {
        match self {
            Setting::ArpIgnore => ("ipv4", "arp_ignore"),
            Setting::ArpFilter => ("ipv4", "arp_filter"),
            Setting::ArpAnnounce => ("ipv4", "arp_announce"),
            Setting::RpFilter => ("ipv4", "rp_filter"),
            Setting::AcceptLocal => ("ipv4", "accept_local"),
            Setting::PromoteSecondaries => ("ipv4", "promote_secondaries"),
            Setting::Forwarding => ("ipv4", "forwarding"),
            Setting::ForceIgmpVersion => ("ipv4", "force_igmp_version"),
            Setting::ForwardingV6 => ("ipv6", "forwarding"),
            Setting::ForceMldVersion => ("ipv6", "force_mld_version"),
            Setting::DisableV6 => ("ipv6", "disable_ipv6"),
            Setting::AcceptDad => ("ipv6", "accept_dad"),
            Setting::AcceptRa => ("ipv6", "accept_ra"),
            Setting::AddrGenMode => ("ipv6", "addr_gen_mode"),
            Setting::LocalIgmpReports => ("ipv4", "igmp_link_local_mcast_reports"),
        }
    }
}

/// What keepalived sets of an interface with a virtual router's Ethernet address: it answers only for
/// its own addresses, and takes packets of the parent's.
pub const VMAC: [(Setting, i32); 4] = [
    (Setting::ArpIgnore, 1),
    (Setting::AcceptLocal, 1),
    (Setting::RpFilter, 0),
    (Setting::PromoteSecondaries, 1),
];

/// What keepalived sets of the interface below it: it does not answer for the virtual addresses. And
/// what it does not set: nor does it ask in their name. Else the answer to the first packet from a
/// neighbour begins with a question that tells it the parent's Ethernet address for the virtual one.
pub const VMAC_PARENT: [(Setting, i32); 3] =
    [(Setting::ArpIgnore, 1), (Setting::ArpFilter, 1), (Setting::ArpAnnounce, 2)];

/// `disable_local_igmp`: no IGMP for groups of the link. It is no setting of an interface; what it was is
/// remembered under [`EVERY_INTERFACE`].
pub const NO_LOCAL_IGMP: [(Setting, i32); 1] = [(Setting::LocalIgmpReports, 0)];

/// Stands for the interface of what concerns all at once; too long to be the name of one.
pub const EVERY_INTERFACE: &str = "every interface at once";

/// The value of a setting.
///
/// # Errors
/// `ENOENT` for an interface that does not exist or a kernel without the setting.
pub fn read(interface: &str, setting: Setting) -> Result<i32, Error> {
    read_file(&setting.path(checked(interface)?))
}

/// Settings that were changed, and what they were before.
#[derive(Debug, Default)]
pub struct Sysctls {
    before: BTreeMap<String, Vec<(Setting, i32)>>,
}

impl Sysctls {
    /// Changes settings of an interface; needs CAP_NET_ADMIN, not root, and `/proc/sys` writable. What
    /// is as it should be is not touched.
    ///
    /// # Errors
    /// `ENOENT` for an interface that does not exist or a kernel without the setting, `EROFS` and
    /// `EACCES` where `/proc/sys` may not be written, as in many containers.
    pub fn set(&mut self, interface: &str, settings: &[(Setting, i32)]) -> Result<(), Error> {
        for (setting, value) in settings {
            let path = setting.path(checked(interface)?);
            let before = read_file(&path)?;
            if before == *value {
                continue;
            }
            fs::write(&path, value.to_string()).map_err(kernel)?;
            let remembered = self.before.entry(interface.into()).or_default();
            if !remembered.iter().any(|(known, _)| known == setting) {
                remembered.push((*setting, before));
            }
        }
        Ok(())
    }

    /// Lets the reverse path filter of one interface count alone: the larger of `all`'s and its own
    /// does, so `all` goes to 0 and hands its value on to the others and to `default`.
    ///
    /// # Errors
    /// As of [`Sysctls::set`].
    pub fn free_rp_filter(&mut self) -> Result<(), Error> {
        let all = read("all", Setting::RpFilter)?;
        if all == 0 {
            return Ok(());
        }
        for entry in fs::read_dir("/proc/sys/net/ipv4/conf").map_err(kernel)?.flatten() {
            let name = entry.file_name();
            let Some(interface) = name.to_str().filter(|name| *name != "all") else { continue };
            match read(interface, Setting::RpFilter) {
                Ok(value) if value < all => self.set(interface, &[(Setting::RpFilter, all)])?,
                // It may just have gone.
                _ => {}
            }
        }
        self.set("all", &[(Setting::RpFilter, 0)])
    }

    /// What was changed, for a successor of this process: interface, name of the setting, and what it
    /// was before.
    pub fn before(&self) -> impl Iterator<Item = (&str, &'static str, i32)> {
        let settings = self.before.iter().map(|(interface, settings)| (interface.as_str(), settings));
        settings.flat_map(|(interface, settings)| {
            settings.iter().map(move |(setting, value)| (interface, setting.name().1, *value))
        })
    }

    /// What a setting of an interface was before it was changed, if it was.
    pub fn before_of(&self, interface: &str, setting: Setting) -> Option<i32> {
        let settings = self.before.get(interface)?;
        settings.iter().find(|(known, _)| *known == setting).map(|(_, value)| *value)
    }

    /// Takes over what one of these settings was before a predecessor changed it.
    pub fn inherit(&mut self, interface: &str, name: &str, value: i32) {
        let mut all = [VMAC.as_slice(), &VMAC_PARENT, &NO_LOCAL_IGMP].into_iter().flatten();
        let Some((setting, _)) = all.find(|(setting, _)| setting.name().1 == name) else { return };
        let remembered = self.before.entry(interface.into()).or_default();
        if !remembered.iter().any(|(known, _)| known == setting) {
            remembered.push((*setting, value));
        }
    }

    /// Puts back what was changed of an interface; nothing of one that is gone.
    ///
    /// # Errors
    /// As of [`Sysctls::set`]; the rest is put back all the same.
    pub fn restore(&mut self, interface: &str) -> Result<(), Error> {
        let mut outcome = Ok(());
        for (setting, value) in self.before.remove(interface).unwrap_or_default() {
            match fs::write(setting.path(interface), value.to_string()).map_err(kernel) {
                Err(Error::Kernel(Errno::NOENT)) | Ok(()) => {}
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    /// Puts everything back.
    ///
    /// # Errors
    /// As of [`Sysctls::restore`].
    pub fn restore_all(&mut self) -> Result<(), Error> {
        let interfaces: Vec<String> = self.before.keys().cloned().collect();
        interfaces.iter().map(|interface| self.restore(interface)).fold(Ok(()), Result::and)
    }
}

/// A name that names a directory and nothing above it.
fn checked(interface: &str) -> Result<&str, Error> {
    let valid = !interface.contains('/') && !matches!(interface, "" | "." | "..");
    valid.then_some(interface).ok_or(Error::Kernel(Errno::NOENT))
}

fn read_file(path: &Path) -> Result<i32, Error> {
    let text = fs::read_to_string(path).map_err(kernel)?;
    text.trim().parse().map_err(|_| Error::Answer(format!("{} is {text:?}", path.display())))
}

fn kernel(error: std::io::Error) -> Error {
    Error::Kernel(Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
