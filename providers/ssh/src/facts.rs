//! `data "host_facts"`: what a host tells about itself.

use std::collections::BTreeMap;
use std::net::IpAddr;

use meshform_engine::ports::{ErrorCode, Found, ReadItem};
use meshform_engine::value::Value;

use crate::answer::{Answer, Record};
use crate::attributes::with;
use crate::error::error;

/// The facts that are texts, as the host says them.
const TEXTS: [&str; 7] =
    ["hostname", "kernel", "architecture", "user", "machine_id", "init", "package_manager"];

/// One address of a host.
struct Address {
    interface: String,
    address: IpAddr,
}

/// What the answer tells about the host.
pub(crate) fn found(index: usize, item: &ReadItem, answer: &Answer) -> Found {
    let records = answer.about(index);
    let Some(facts) = facts(records) else {
        return Err(error(
            ErrorCode::Other,
            "Facts not answered",
            "The host's answer does not tell what it is.",
        ));
    };
    let texts =
        TEXTS.map(|name| (name, facts.get(name).map_or_else(Value::null, |text| Value::string(*text))));
    let number = |name: &str| facts.get(name).and_then(|text| text.parse::<u64>().ok());
    let optional = |number: Option<u64>| number.map_or_else(Value::null, Value::number);
    let numbers = [
        ("cpus", optional(number("cpus"))),
        ("memory_bytes", optional(number("memory_kibibytes").and_then(|amount| amount.checked_mul(1024)))),
    ];
    let system = [("os", system(records))];
    let attributes = texts.into_iter().chain(numbers).chain(system).chain(network(records));
    Ok(with(&item.arguments, attributes))
}

/// Facts by their names, without those that the host does not know; `None` if it does not even tell its name.
fn facts(records: &[Record]) -> Option<BTreeMap<&str, &str>> {
    let told = records.iter().filter(|record| record.kind == "fact" && !record.field(1).is_empty());
    let facts: BTreeMap<_, _> = told.map(|record| (record.field(0), record.field(1))).collect();
    facts.contains_key("hostname").then_some(facts)
}

/// What os-release says (freedesktop.org, os-release(5)).
fn system(records: &[Record]) -> Value {
    let told = |key: &str| {
        let record = records.iter().find(|record| record.kind == "os" && record.field(0) == key);
        record.map_or_else(Value::null, |record| Value::string(unquoted(record.field(1))))
    };
    let fields = [("id", "ID"), ("version", "VERSION_ID"), ("name", "PRETTY_NAME")];
    Value::object(fields.map(|(name, key)| (name.to_owned(), told(key))))
}

/// A value of os-release, which is quoted as a shell's words are.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''));
    let inner = quote.and_then(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    let Some(inner) = inner else { return text.to_owned() };
    let mut plain = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', Some('"')) => plain.extend(letters.next()),
            _ => plain.push(letter),
        }
    }
    plain
}

/// Its addresses, those of the default interface and of version 4 first, and that interface.
fn network(records: &[Record]) -> [(&'static str, Value); 3] {
    let default = default_interface(records);
    let mut addresses: Vec<_> = records.iter().filter_map(Address::read).collect();
    // Stable: otherwise as the host has them.
    addresses.sort_by_key(|it| (Some(it.interface.as_str()) != default, it.address.is_ipv6()));
    let first = addresses.first().filter(|it| default.is_none() || Some(it.interface.as_str()) == default);
    let text = |address: &Address| Value::string(address.address.to_string());
    [
        ("default_interface", default.map_or_else(Value::null, Value::string)),
        ("default_address", first.map_or_else(Value::null, text)),
        ("addresses", Value::list(addresses.iter().map(text))),
    ]
}

impl Address {
    fn read(record: &Record) -> Option<Self> {
        if record.kind != "address" {
            return None;
        }
        let address = record.field(2).split('/').next()?.parse().ok()?;
        // Some versions of ip write `eth0@if5`.
        let interface = record.field(0).split('@').next().unwrap_or_default().to_owned();
        Some(Self { interface, address })
    }
}

/// Where the cheapest way to everywhere goes, of version 4 if there is one.
fn default_interface(records: &[Record]) -> Option<&str> {
    let routes = records.iter().filter(|record| record.kind == "route");
    let cost = |record: &&Record| (record.field(1) != "inet", record.field(2).parse().unwrap_or(u64::MAX));
    routes.min_by_key(cost).map(|record| record.field(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshform_engine::address::Address as Instance;

    fn check(records: &str, attribute: &str, expect: &str) {
        let item = ReadItem {
            address: Instance::new("host_facts", "x"),
            kind: "host_facts".into(),
            arguments: Value::object([]),
        };
        let count = records.lines().count();
        let answer = Answer::read(format!("BEGIN\tn\n{records}END\tn\t{count}\n").as_bytes(), "n").unwrap();
        let shown = match found(3, &item, &answer) {
            Ok(found) => format!("{:?}", found.get(attribute).unwrap()),
            Err(error) => error.summary,
        };
        assert_eq!(shown, expect, "{records}");
    }

    #[test]
    fn facts_are_read() {
        check("", "hostname", "Facts not answered");
        let name = "fact\t3\thostname\tweb\n";
        check(name, "hostname", "\"web\"");
        check(name, "kernel", "null");
        check(&format!("{name}fact\t3\tmemory_kibibytes\t4\n"), "memory_bytes", "4096");
        check(&format!("{name}fact\t3\tmemory_kibibytes\tmany\n"), "memory_bytes", "null");
        check(&format!("{name}fact\t3\tinit\t\n"), "init", "null");
    }

    #[test]
    fn the_system_is_read_as_a_shell_would() {
        for (line, expect) in [
            ("debian", "debian"),
            ("\"12\"", "12"),
            ("'it is'", "it is"),
            ("\"a \\\"b\\\" \\$c\"", "a \"b\" $c"),
            ("\"", "\""),
            ("", ""),
        ] {
            assert_eq!(unquoted(line), expect, "{line}");
        }
    }

    #[test]
    fn the_default_interface_comes_first() {
        let name = "fact\t3\thostname\tweb\n";
        let addresses = "address\t3\tdocker0\tinet\t172.17.0.1/16\naddress\t3\teth0\tinet6\t2001:db8::1/64\naddress\t3\teth0@if5\tinet\t10.0.0.2/24\n";
        let routes = "route\t3\twlan0\tinet\t600\nroute\t3\teth0\tinet\t100\nroute\t3\twlan0\tinet6\t1\n";
        let all = format!("{name}{addresses}{routes}");
        check(&all, "default_interface", "\"eth0\"");
        check(&all, "default_address", "\"10.0.0.2\"");
        check(&all, "addresses", r#"["10.0.0.2", "2001:db8::1", "172.17.0.1"]"#);
        check(&format!("{name}{addresses}"), "default_address", "\"172.17.0.1\"");
        check(&format!("{name}address\t3\t\t\tnonsense\n"), "addresses", "[]");
        check(&format!("{name}route\t3\ttun0\tinet\t0\n{addresses}"), "default_address", "null");
    }
}
