//! Addresses: where a name's hash points, or the next free one.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

/// How many addresses are tried before giving up.
const ATTEMPTS: u32 = 4096;

/// The load balancer address for a seed that is not taken.
pub(crate) fn load_balancer_address(seed: &str, taken: &BTreeSet<String>) -> Option<Ipv4Addr> {
    let start = hash(seed);
    (0..ATTEMPTS)
        .map(|step| {
            let [_, _, third, fourth] = start.wrapping_add(step).to_be_bytes();
            Ipv4Addr::new(127, 97, third, fourth)
        })
        .find(|address| usable(*address) && !taken.contains(&address.to_string()))
}

/// Whether another program, such as another sandbox, listens there.
pub(crate) fn is_in_use(address: Ipv4Addr, port: u16) -> bool {
    TcpListener::bind((address, port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}

/// Pod addresses for a seed that are not taken, the best first.
pub(super) fn pod_addresses<'t>(
    seed: &str,
    taken: &'t BTreeSet<String>,
) -> impl Iterator<Item = Ipv4Addr> + 't {
    let start = hash(seed);
    (0..ATTEMPTS)
        .map(move |step| {
            let [_, second, third, fourth] = start.wrapping_add(step).to_be_bytes();
            Ipv4Addr::new(127, 64 + second % 32, third, fourth)
        })
        .filter(|address| usable(*address) && !taken.contains(&address.to_string()))
}

/// Addresses that look like a network or a broadcast irritate people.
fn usable(address: Ipv4Addr) -> bool {
    !matches!(address.octets(), [_, _, _, 0 | 255])
}

/// FNV-1a.
pub(super) fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
