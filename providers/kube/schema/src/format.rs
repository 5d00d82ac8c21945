//! The formats of texts that schemas name.

use std::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Whether a text is of a format. A format that the server does not know restricts nothing.
pub fn is_of(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => text.parse::<jiff::Timestamp>().is_ok(),
        "date" => text.parse::<jiff::civil::Date>().is_ok(),
        "duration" => is_duration(text),
        "byte" => decoded(text).is_some(),
        "email" => is_email(text),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => is_cidr(text),
        "uuid" => is_uuid(text),
        _ => true,
    }
}

/// The bytes that a text in base64 stands for.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Numbers with the units of Go's durations.
fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(0);
        let Some(after) = rest.get(number..).filter(|_| number > 0) else { return false };
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit);
        if !matches!(unit.trim(), "ns" | "us" | "µs" | "ms" | "s" | "m" | "h" | "d" | "w") {
            return false;
        }
        rest = next;
    }
    !text.is_empty()
}

fn is_email(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace)
    })
}

fn is_cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, length)| {
        let length = length.parse::<u8>();
        address.parse::<Ipv4Addr>().is_ok() && length.as_ref().is_ok_and(|length| *length <= 32)
            || address.parse::<Ipv6Addr>().is_ok() && length.is_ok_and(|length| length <= 128)
    })
}

fn is_uuid(text: &str) -> bool {
    let hex: String = text.split('-').collect();
    hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let check = |format: &str, text: &str, expect: bool| {
            assert_eq!(is_of(format, text), expect, "{format}: {text}");
        };
        for (format, text, expect) in [
            ("date-time", "2020-01-01T00:00:00Z", true),
            ("date-time", "2020-01-01", false),
            ("date", "2020-01-01", true),
            ("duration", "1h30m", true),
            ("duration", "0", true),
            ("duration", "1.5s", true),
            ("duration", "1", false),
            ("duration", "", false),
            ("duration", "long", false),
            ("byte", "eA==", true),
            ("byte", "*", false),
            ("email", "a@b", true),
            ("email", "a", false),
            ("ipv4", "10.0.0.1", true),
            ("ipv6", "::1", true),
            ("ipv6", "10.0.0.1", false),
            ("cidr", "10.0.0.0/8", true),
            ("cidr", "10.0.0.0/33", false),
            ("uuid", "00000000-0000-0000-0000-000000000000", true),
            ("uuid", "0", false),
            ("no format", "anything", true),
        ] {
            check(format, text, expect);
        }
    }
}
