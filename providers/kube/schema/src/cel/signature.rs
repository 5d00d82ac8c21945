//! What functions take and give.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use super::kind::Type;

/// One way to call a function.
#[derive(Clone, Debug)]
pub(super) struct Signature {
    pub(super) is_member: bool,
    /// What stands before a member's name is the first.
    pub(super) arguments: Vec<Type>,
    pub(super) result: Type,
}

/// The functions of the language, and those that the API server adds to it: `receiver.name(arguments): result`, and `name::space(…)` where
/// the name is qualified.
const FUNCTIONS: &str = "
_==_(A, A): bool | _!=_(A, A): bool | !_(bool): bool | _&&_(bool, bool): bool
_?_:_(bool, A, A): A | @not_strictly_false(bool): bool | @in(A, list(A)): bool | @in(A, map(A, B)): bool
_[_](list(A), int): A | _[_](map(A, B), A): B | _[_](optional(list(A)), int): optional(A) | _[_](optional(map(A, B)), A): optional(B)
_[?_](list(A), int): optional(A) | _[?_](map(A, B), A): optional(B)
_[?_](optional(list(A)), int): optional(A) | _[?_](optional(map(A, B)), A): optional(B)
-_(int): int | -_(double): double
_+_(int, int): int | _+_(uint, uint): uint | _+_(double, double): double | _+_(string, string): string | _+_(bytes, bytes): bytes
_+_(list(A), list(A)): list(A) | _+_(timestamp, duration): timestamp | _+_(duration, timestamp): timestamp | _+_(duration, duration): duration
_-_(int, int): int | _-_(uint, uint): uint | _-_(double, double): double
_-_(timestamp, timestamp): duration | _-_(timestamp, duration): timestamp | _-_(duration, duration): duration
_*_(int, int): int | _*_(uint, uint): uint | _*_(double, double): double
_/_(int, int): int | _/_(uint, uint): uint | _/_(double, double): double
_%_(int, int): int | _%_(uint, uint): uint
size(string): int | size(bytes): int | size(list(A)): int | size(map(A, B)): int
string.size(): int | bytes.size(): int | list(A).size(): int | map(A, B).size(): int
type(A): type | dyn(A): dyn
bool(bool): bool | bool(string): bool
int(int): int | int(uint): int | int(double): int | int(string): int | int(timestamp): int | int(duration): int
uint(uint): uint | uint(int): uint | uint(double): uint | uint(string): uint
double(double): double | double(int): double | double(uint): double | double(string): double
string(string): string | string(bool): string | string(int): string | string(uint): string | string(double): string | string(bytes): string
string(timestamp): string | string(duration): string | string(ip): string | string(cidr): string
bytes(bytes): bytes | bytes(string): bytes
timestamp(timestamp): timestamp | timestamp(string): timestamp | timestamp(int): timestamp
duration(duration): duration | duration(string): duration | duration(int): duration
string.contains(string): bool | string.startsWith(string): bool | string.endsWith(string): bool
string.matches(string): bool | matches(string, string): bool
string.charAt(int): string | string.indexOf(string): int | string.indexOf(string, int): int
string.lastIndexOf(string): int | string.lastIndexOf(string, int): int
string.lowerAscii(): string | string.upperAscii(): string | string.trim(): string
string.replace(string, string): string | string.replace(string, string, int): string
string.split(string): list(string) | string.split(string, int): list(string)
string.substring(int): string | string.substring(int, int): string
list(string).join(): string | list(string).join(string): string | string.format(list(dyn)): string | strings::quote(string): string
string.find(string): string | string.findAll(string): list(string) | string.findAll(string, int): list(string)
list(int).isSorted(): bool | list(uint).isSorted(): bool | list(double).isSorted(): bool | list(bool).isSorted(): bool | list(string).isSorted(): bool
list(bytes).isSorted(): bool | list(timestamp).isSorted(): bool | list(duration).isSorted(): bool
list(int).sum(): int | list(uint).sum(): uint | list(double).sum(): double | list(duration).sum(): duration
list(int).min(): int | list(uint).min(): uint | list(double).min(): double | list(bool).min(): bool | list(string).min(): string
list(bytes).min(): bytes | list(timestamp).min(): timestamp | list(duration).min(): duration
list(int).max(): int | list(uint).max(): uint | list(double).max(): double | list(bool).max(): bool | list(string).max(): string
list(bytes).max(): bytes | list(timestamp).max(): timestamp | list(duration).max(): duration
list(A).indexOf(A): int | list(A).lastIndexOf(A): int
list(A).distinct(): list(A) | list(A).reverse(): list(A) | list(A).flatten(): list(dyn) | list(A).slice(int, int): list(A) | list(A).sort(): list(A)
lists::range(int): list(int)
sets::contains(list(A), list(A)): bool | sets::equivalent(list(A), list(A)): bool | sets::intersects(list(A), list(A)): bool
timestamp.getFullYear(): int | timestamp.getFullYear(string): int | timestamp.getMonth(): int | timestamp.getMonth(string): int
timestamp.getDate(): int | timestamp.getDate(string): int | timestamp.getDayOfMonth(): int | timestamp.getDayOfMonth(string): int
timestamp.getDayOfWeek(): int | timestamp.getDayOfWeek(string): int | timestamp.getDayOfYear(): int | timestamp.getDayOfYear(string): int
timestamp.getHours(): int | timestamp.getHours(string): int | duration.getHours(): int
timestamp.getMinutes(): int | timestamp.getMinutes(string): int | duration.getMinutes(): int
timestamp.getSeconds(): int | timestamp.getSeconds(string): int | duration.getSeconds(): int
timestamp.getMilliseconds(): int | timestamp.getMilliseconds(string): int | duration.getMilliseconds(): int
isQuantity(string): bool | quantity(string): quantity | quantity.sign(): int | quantity.isInteger(): bool
quantity.asInteger(): int | quantity.asApproximateFloat(): double
quantity.add(quantity): quantity | quantity.add(int): quantity | quantity.sub(quantity): quantity | quantity.sub(int): quantity
quantity.isLessThan(quantity): bool | quantity.isGreaterThan(quantity): bool | quantity.compareTo(quantity): int
isSemver(string): bool | isSemver(string, bool): bool | semver(string): semver | semver(string, bool): semver
semver.major(): int | semver.minor(): int | semver.patch(): int
semver.isLessThan(semver): bool | semver.isGreaterThan(semver): bool | semver.compareTo(semver): int
isIP(string): bool | ip(string): ip | ip::isCanonical(string): bool | ip.family(): int | ip.isUnspecified(): bool | ip.isLoopback(): bool
ip.isLinkLocalMulticast(): bool | ip.isLinkLocalUnicast(): bool | ip.isGlobalUnicast(): bool
isCIDR(string): bool | cidr(string): cidr | cidr.containsIP(string): bool | cidr.containsIP(ip): bool
cidr.containsCIDR(string): bool | cidr.containsCIDR(cidr): bool | cidr.ip(): ip | cidr.masked(): cidr | cidr.prefixLength(): int
isURL(string): bool | url(string): url | url.getScheme(): string | url.getHost(): string | url.getHostname(): string | url.getPort(): string
url.getEscapedPath(): string | url.getQuery(): map(string, list(string))
format::named(string): optional(format) | format.validate(string): optional(list(string))
format::dns1123Label(): format | format::dns1123Subdomain(): format | format::dns1035Label(): format | format::qualifiedName(): format
format::dns1123LabelPrefix(): format | format::dns1123SubdomainPrefix(): format | format::dns1035LabelPrefix(): format | format::labelValue(): format
format::uri(): format | format::uuid(): format | format::byte(): format | format::date(): format | format::datetime(): format
optional::of(A): optional(A) | optional::none(): optional(A) | optional::ofNonZeroValue(A): optional(A)
optional(A).hasValue(): bool | optional(A).value(): A | optional(A).or(optional(A)): optional(A) | optional(A).orValue(A): A
";

/// What has an order, with whatever it can be compared to.
const ORDERED: [(&str, &str); 14] = [
    ("int", "int"),
    ("int", "uint"),
    ("int", "double"),
    ("uint", "int"),
    ("uint", "uint"),
    ("uint", "double"),
    ("double", "int"),
    ("double", "uint"),
    ("double", "double"),
    ("bool", "bool"),
    ("string", "string"),
    ("bytes", "bytes"),
    ("timestamp", "timestamp"),
    ("duration", "duration"),
];

static SIGNATURES: LazyLock<HashMap<String, Vec<Signature>>> = LazyLock::new(|| {
    let mut signatures: HashMap<String, Vec<Signature>> = HashMap::new();
    for (name, signature) in FUNCTIONS.split(['\n', '|']).filter_map(|text| signature(text.trim())) {
        signatures.entry(name).or_default().push(signature);
    }
    for name in ["_<_", "_<=_", "_>_", "_>=_"] {
        let pairs = ORDERED.iter().map(|(left, right)| Signature {
            is_member: false,
            arguments: vec![kind(left), kind(right)],
            result: Type::Bool,
        });
        signatures.entry(name.to_owned()).or_default().extend(pairs);
    }
    // These are written with bars, which the table has between its entries.
    let logical = Signature { is_member: false, arguments: vec![Type::Bool, Type::Bool], result: Type::Bool };
    signatures.insert("_||_".to_owned(), vec![logical]);
    signatures
});

/// The ways to call a function.
pub(super) fn of(name: &str) -> &'static [Signature] {
    SIGNATURES.get(name).map_or(&[], Vec::as_slice)
}

/// Whether there is such a function.
pub(super) fn is_function(name: &str) -> bool {
    SIGNATURES.contains_key(name)
}

/// Whether a name is a type's.
pub(super) fn is_type(name: &str) -> bool {
    const TYPES: [&str; 15] = [
        "bool",
        "bytes",
        "double",
        "int",
        "list",
        "map",
        "null_type",
        "string",
        "type",
        "uint",
        "google.protobuf.Timestamp",
        "google.protobuf.Duration",
        "optional_type",
        "net.IP",
        "net.CIDR",
    ];
    TYPES.contains(&name)
}

fn signature(text: &str) -> Option<(String, Signature)> {
    let (head, result) = text.rsplit_once(": ")?;
    let arguments = head.strip_suffix(')')?;
    let open = opening(arguments)?;
    let (name, arguments) = (arguments.get(..open)?, arguments.get(open + 1..)?);
    let arguments = parts(arguments).into_iter().map(kind);
    let (receiver, name) = match name.rsplit_once('.') {
        Some((receiver, name)) if !name.starts_with('_') => (Some(kind(receiver)), name),
        _ => (None, name),
    };
    let is_member = receiver.is_some();
    let signature = Signature {
        is_member,
        arguments: receiver.into_iter().chain(arguments).collect(),
        result: kind(result),
    };
    Some((name.replace("::", "."), signature))
}

/// Where the last list begins that is open at the end.
fn opening(text: &str) -> Option<usize> {
    let mut depth = 0;
    text.rmatch_indices(['(', ')']).find_map(|(at, letter)| {
        match (letter, depth) {
            ("(", 0) => return Some(at),
            ("(", _) => depth -= 1,
            _ => depth += 1,
        }
        None
    })
}

/// What commas divide, lists within brackets apart.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start) = (0, 0);
    let mut parts = Vec::new();
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..).filter(|last| !last.is_empty()));
    parts
}

fn kind(text: &str) -> Type {
    let text = text.trim();
    if let Some((name, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let mut inner = parts(inner).into_iter().map(kind);
        let mut next = || inner.next().unwrap_or(Type::Dyn);
        return match name {
            "list" => Type::list(next()),
            "optional" => Type::optional(next()),
            _ => Type::Map(Arc::new(next()), Arc::new(next())),
        };
    }
    match text {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::Text,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "type" => Type::Type,
        "quantity" => Type::Named("kubernetes.Quantity"),
        "semver" => Type::Named("kubernetes.Semver"),
        "ip" => Type::Named("net.IP"),
        "cidr" => Type::Named("net.CIDR"),
        "url" => Type::Named("kubernetes.URL"),
        "format" => Type::Named("kubernetes.NamedFormat"),
        "A" | "B" => Type::Parameter(if text == "A" { 'A' } else { 'B' }),
        _ => Type::Dyn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_of_the_table_is_read() {
        let check = |name: &str, expect: &str| {
            let shown = of(name).iter().map(|signature| {
                let arguments: Vec<_> = signature.arguments.iter().map(Type::to_string).collect();
                format!(
                    "{}({}): {}",
                    if signature.is_member { "." } else { "" },
                    arguments.join(", "),
                    signature.result
                )
            });
            assert_eq!(shown.collect::<Vec<_>>().join(" | "), expect, "{name}");
        };
        check("join", ".(list(string)): string | .(list(string), string): string");
        check(
            "_[?_]",
            "(list(A), int): optional_type(A) | (map(A, B), A): optional_type(B) | (optional_type(list(A)), int): optional_type(A) | (optional_type(map(A, B)), A): optional_type(B)",
        );
        check("getQuery", ".(kubernetes.URL): map(string, list(string))");
        check("optional.none", "(): optional_type(A)");
        check("_||_", "(bool, bool): bool");
        check("-_", "(int): int | (double): double");
        check("ip.isCanonical", "(string): bool");
        let entries = FUNCTIONS.split(['\n', '|']).map(str::trim).filter(|text| !text.is_empty());
        let unread: Vec<_> = entries.filter(|text| signature(text).is_none()).collect();
        assert_eq!(unread, Vec::<&str>::new());
    }
}
