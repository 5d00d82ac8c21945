//! Calculations with IP networks, of both families.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bigdecimal::num_bigint::BigInt;
use bigdecimal::num_traits::ToPrimitive as _;

use super::{Call, Failure, Function, Outcome, Parameter, Shape};
use crate::lang::number;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "cidrcontains",
        &[Parameter::text("network"), Parameter::text("part")],
        Shape::Bool,
        contains,
    ),
    Function::new("cidrhost", &[Parameter::text("network"), Parameter::number("host")], Shape::Text, host),
    Function::new("cidrnetmask", &[Parameter::text("network")], Shape::Text, netmask),
    Function::new(
        "cidrsubnet",
        &[Parameter::text("network"), Parameter::number("newbits"), Parameter::number("subnet")],
        Shape::Text,
        subnet,
    ),
    Function::new("cidrsubnets", &[Parameter::text("network")], Shape::Texts, subnets)
        .with_rest(Parameter::number("newbits")),
];

/// A network: the address' bits with those behind the prefix cleared.
#[derive(Clone, Copy)]
struct Network {
    bits: u128,
    prefix: u32,
    /// 32 or 128.
    width: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let (bits, width) = parse_address(address)?;
        let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|prefix| digits && *prefix <= width)?;
        Some(Self { bits: bits & mask(width, prefix), prefix, width })
    }

    fn of(call: &Call<'_>, at: usize) -> Result<Self, Failure> {
        let text = call.text(at)?;
        Self::parse(text).ok_or_else(|| {
            Failure::at(at, "a network such as \"10.0.0.0/8\" is required").showing(format!("{text:?}"))
        })
    }

    fn host_bits(self) -> u32 {
        self.width - self.prefix
    }

    /// How many addresses there are; `None` for the whole of IPv6.
    fn size(self) -> Option<u128> {
        1u128.checked_shl(self.host_bits())
    }

    fn address(self, bits: u128) -> String {
        match (self.width, u32::try_from(bits)) {
            (32, Ok(bits)) => Ipv4Addr::from_bits(bits).to_string(),
            _ => Ipv6Addr::from_bits(bits).to_string(),
        }
    }

    fn text(self) -> String {
        format!("{}/{}", self.address(self.bits), self.prefix)
    }

    /// The network of a longer prefix with a number among its like.
    fn part(self, new_bits: u32, part: u128) -> Option<Self> {
        let prefix = self.prefix.checked_add(new_bits).filter(|prefix| *prefix <= self.width)?;
        let fits = 1u128.checked_shl(new_bits).is_none_or(|count| part < count);
        let shifted = part.checked_shl(self.width - prefix).unwrap_or(0);
        fits.then_some(Self { bits: self.bits | shifted, prefix, width: self.width })
    }
}

fn mask(width: u32, prefix: u32) -> u128 {
    let all = if width == 32 { u128::from(u32::MAX) } else { u128::MAX };
    all & !(all.checked_shr(prefix).unwrap_or(0))
}

/// The bits of an address and how many there are. Zeros before the numbers of an IPv4 address do not make them octal.
fn parse_address(text: &str) -> Option<(u128, u32)> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(|address| (address.to_bits(), 128));
    }
    let parts: Vec<&str> = text.split('.').collect();
    let plain = parts.iter().map(|part| match part.trim_start_matches('0') {
        "" if !part.is_empty() => "0",
        plain => plain,
    });
    let plain = plain.collect::<Vec<_>>().join(".");
    match plain.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => Some((u128::from(address.to_bits()), 32)),
        IpAddr::V6(_) => None,
    }
}

/// A host or subnet number; a negative one counts from the end of `count`.
fn numbered(call: &Call<'_>, at: usize, count: Option<u128>) -> Result<Option<u128>, Failure> {
    let integer =
        number::integer(call.number(at)?).ok_or_else(|| Failure::at(at, "a whole number is required"))?;
    let all = count.map_or_else(|| BigInt::from(u128::MAX) + 1u8, BigInt::from);
    let position =
        if integer.sign() == bigdecimal::num_bigint::Sign::Minus { &all + integer } else { integer };
    Ok(position.to_u128().filter(|_| position < all))
}

fn host(call: &Call<'_>) -> Outcome {
    let network = Network::of(call, 0)?;
    let host = numbered(call, 1, network.size())?;
    let host =
        host.ok_or_else(|| Failure::at(1, format!("a /{} has no host of that number", network.prefix)))?;
    Ok(network.address(network.bits | host).into())
}

fn netmask(call: &Call<'_>) -> Outcome {
    let network = Network::of(call, 0)?;
    match network.width {
        32 => Ok(network.address(mask(32, network.prefix)).into()),
        _ => Err(Failure::at(0, "only IPv4 networks have a netmask")),
    }
}

fn new_bits(call: &Call<'_>, at: usize) -> Result<u32, Failure> {
    u32::try_from(call.size(at)?).map_err(|_| Failure::at(at, "the number is too large"))
}

fn subnet(call: &Call<'_>) -> Outcome {
    let network = Network::of(call, 0)?;
    let bits = new_bits(call, 1)?;
    if bits > network.host_bits() {
        return Err(Failure::at(1, format!("a /{} cannot be extended by {bits} bits", network.prefix)));
    }
    let part = numbered(call, 2, 1u128.checked_shl(bits))?.and_then(|part| network.part(bits, part));
    let part = part.ok_or_else(|| Failure::at(2, format!("{bits} bits have no subnet of that number")))?;
    Ok(part.text().into())
}

/// Subnets of several sizes one after the other, each at the next place where it fits.
fn subnets(call: &Call<'_>) -> Outcome {
    let network = Network::of(call, 0)?;
    let mut texts = Vec::new();
    // The first address behind the last subnet, counted from the start of the network; `None` when it is full.
    let mut next = Some(0u128);
    for at in 1..call.count() {
        let bits = new_bits(call, at)?;
        if bits == 0 || bits > network.host_bits() {
            let problem = format!("a /{} cannot be extended by {bits} bits", network.prefix);
            return Err(Failure::at(at, problem));
        }
        let size = 1u128 << (network.host_bits() - bits).min(127);
        let start = next.and_then(|next| next.checked_next_multiple_of(size));
        let start = start.filter(|start| network.size().is_none_or(|all| *start < all));
        let start = start.ok_or_else(|| Failure::at(at, "the network has no room left for this subnet"))?;
        let part =
            Network { bits: network.bits | start, prefix: network.prefix + bits, width: network.width };
        texts.push(Value::from(part.text()));
        next = start.checked_add(size);
    }
    Ok(Value::list(texts))
}

fn contains(call: &Call<'_>) -> Outcome {
    let network = Network::of(call, 0)?;
    let text = call.text(1)?;
    let part = Network::parse(text).map(|part| (part.bits, part.width, part.prefix));
    let part = part.or_else(|| parse_address(text).map(|(bits, width)| (bits, width, width)));
    let (bits, width, prefix) = part.ok_or_else(|| Failure::at(1, "an address or a network is required"))?;
    if width != network.width {
        return Err(Failure::at(1, "both must be of one family, IPv4 or IPv6"));
    }
    let inside = prefix >= network.prefix && bits & mask(width, network.prefix) == network.bits;
    Ok(Value::bool(inside))
}
