//! What passed the switch, with the kernel's time of each frame.

use crate::host::Network;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

/// Something of VRRP that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// An advertisement: last byte of the sender's address, virtual router.
    Advert { from: u8, vrid: u8 },
    /// A gratuitous ARP for this address.
    Announcement(Ipv4Addr),
}

/// A running tcpdump.
pub(crate) struct Capture {
    child: Child,
    file: PathBuf,
}

impl Capture {
    /// Starts one with a buffer of so many KiB. The kernel makes and frees a large one without a pause: on
    /// this processor nothing else runs for up to 150 ms then, a real-time process no more than others.
    pub(crate) fn start(network: &Network, directory: &Path, buffer: u32) -> io::Result<Self> {
        let file = directory.join("capture.pcap");
        let _ = std::fs::remove_file(&file);
        let mut command = network.switch.command("tcpdump");
        command.args(["-B", &buffer.to_string(), "-s", "64"]);
        command.args(["-i", "br0", "-U", "--immediate-mode", "--time-stamp-precision=nano", "-w"]);
        command.arg(&file).arg("ip proto 112 or arp").stderr(Stdio::null());
        let child = command.spawn()?;
        while !std::fs::metadata(&file).is_ok_and(|meta| meta.len() >= 24) {
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { child, file })
    }

    /// Everything that has passed until now, in order.
    pub(crate) fn frames(&self) -> io::Result<Vec<(Duration, Frame)>> {
        let bytes = std::fs::read(&self.file)?;
        let mut rest = bytes.get(24..).unwrap_or_default();
        let mut frames = Vec::new();
        while let Some((head, more)) = rest.split_first_chunk::<16>() {
            let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
            let Some(frame) = more.get(..word(8) as usize) else { break };
            rest = &more[frame.len()..];
            frames.extend(read(frame).map(|meaning| (Duration::new(word(0).into(), word(4)), meaning)));
        }
        Ok(frames)
    }
}

/// What an Ethernet frame says.
fn read(frame: &[u8]) -> Option<Frame> {
    match frame.get(12..14)? {
        [0x08, 0x00] if frame.get(23) == Some(&112) => {
            Some(Frame::Advert { from: *frame.get(29)?, vrid: *frame.get(35)? })
        }
        // Gratuitous: sender and target are the same.
        [0x08, 0x06] if frame.get(28..32)? == frame.get(38..42)? => {
            Some(Frame::Announcement(Ipv4Addr::from(*frame.get(28..32)?.first_chunk::<4>()?)))
        }
        _ => None,
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
