//! The state of a link, asked of its driver: `netdevice(7)`, `linux/mii.h`, `linux/ethtool.h`.

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use std::os::fd::{AsRawFd, OwnedFd};

/// Basic mode status, a register that every transceiver has (IEEE 802.3 §22.2.4.2).
const BMSR: u16 = 1;
/// Its bit that says that there is a link.
const LINK_STATUS: u16 = 1 << 2;
/// `ETHTOOL_GLINK`
const GET_LINK: u32 = 0x0a;

/// `struct mii_ioctl_data`
#[repr(C)]
#[derive(Clone, Copy)]
struct MiiData {
    phy: u16,
    register: u16,
    value_in: u16,
    value_out: u16,
}

/// `struct ethtool_value`
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

/// A socket that asks for the state of links in the network namespace it was opened in.
#[derive(Debug)]
pub struct LinkState(OwnedFd);

impl LinkState {
    /// Opens the socket.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open() -> Result<Self, Errno> {
        socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None).map(Self)
    }

    /// Whether the transceiver has a link.
    ///
    /// # Errors
    /// `EOPNOTSUPP` when there is none that can be asked, `ENODEV` without the interface.
    pub fn mii(&self, interface: &str) -> Result<bool, Errno> {
        let mut request = request(interface)?;
        self.ask(libc::SIOCGMIIPHY, &mut request)?;
        let mut status = 0;
        // That the link was lost stays in the register until it is read.
        for _ in 0..2 {
            let data = mii_data(&mut request);
            data.register = BMSR;
            self.ask(libc::SIOCGMIIREG, &mut request)?;
            status = mii_data(&mut request).value_out;
        }
        match status {
            0 | 0xffff => Err(Errno::OPNOTSUPP),
            status => Ok(status & LINK_STATUS != 0),
        }
    }

    /// Whether the driver says that there is a link (ETHTOOL_GLINK).
    ///
    /// # Errors
    /// `EOPNOTSUPP` when it does not say, `ENODEV` without the interface.
    pub fn ethtool(&self, interface: &str) -> Result<bool, Errno> {
        let mut value = EthtoolValue { command: GET_LINK, data: 0 };
        let mut request = request(interface)?;
        request.ifr_ifru.ifru_data = (&raw mut value).cast();
        self.ask(libc::SIOCETHTOOL, &mut request)?;
        Ok(value.data != 0)
    }

    /// Whether the interface is up and its link runs.
    ///
    /// # Errors
    /// `ENODEV` without the interface.
    pub fn running(&self, interface: &str) -> Result<bool, Errno> {
        let mut request = request(interface)?;
        self.ask(libc::SIOCGIFFLAGS, &mut request)?;
        // SAFETY: SIOCGIFFLAGS has filled this member; any bits are a value of it.
        let flags = i32::from(unsafe { request.ifr_ifru.ifru_flags });
        let both = libc::IFF_UP | libc::IFF_RUNNING;
        Ok(flags & both == both)
    }

    fn ask(&self, what: libc::c_ulong, request: &mut libc::ifreq) -> Result<(), Errno> {
        // SAFETY: each of these reads and writes a structure of this type, which lives for the call; the
        // only one that follows a pointer in it is SIOCETHTOOL, for which it points to a live EthtoolValue.
        let outcome = unsafe { libc::ioctl(self.0.as_raw_fd(), what as _, std::ptr::from_mut(request)) };
        if outcome >= 0 {
            return Ok(());
        }
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
        Err(Errno::from_raw_os_error(errno))
    }
}

/// A request about an interface.
fn request(interface: &str) -> Result<libc::ifreq, Errno> {
    // SAFETY: zero is a value of every member: names, numbers, pointers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    // The last byte stays zero.
    if interface.len() >= request.ifr_name.len() {
        return Err(Errno::NODEV);
    }
    for (place, byte) in request.ifr_name.iter_mut().zip(interface.bytes()) {
        *place = byte as libc::c_char;
    }
    Ok(request)
}

/// What the requests of a transceiver carry in the place of the others' members.
fn mii_data(request: &mut libc::ifreq) -> &mut MiiData {
    const { assert!(size_of::<MiiData>() + libc::IF_NAMESIZE <= size_of::<libc::ifreq>()) };
    // SAFETY: the union is larger than the structure and at least as aligned; any bits are numbers.
    unsafe { &mut *(&raw mut request.ifr_ifru).cast::<MiiData>() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_has_a_link_and_no_transceiver() {
        let links = LinkState::open().expect("a socket");
        assert_eq!(links.ethtool("lo"), Ok(true));
        assert!(links.mii("lo").is_err());
        assert_eq!(links.running("no-such-link"), Err(Errno::NODEV));
        assert_eq!(links.running("a-name-that-is-longer-than-any"), Err(Errno::NODEV));
        assert_eq!(links.ethtool("no-such-link"), Err(Errno::NODEV));
    }
}
