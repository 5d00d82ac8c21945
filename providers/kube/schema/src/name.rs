//! What things may be called.

const SUBDOMAIN_MAX: usize = 253;
const LABEL_MAX: usize = 63;

/// Whether a text is a label of a domain name by RFC 1123, which most names and the names of namespaces are.
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= LABEL_MAX && is_dns_label_of_any_length(text)
}

/// Whether a text is labels joined by dots.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= SUBDOMAIN_MAX && text.split('.').all(is_dns_label_of_any_length)
}

/// Whether a text is a label by RFC 1035, which begins with a letter.
pub fn is_dns_1035_label(text: &str) -> bool {
    is_dns_label(text) && text.starts_with(|letter: char| letter.is_ascii_lowercase())
}

/// Whether a text can be the value of a label.
pub fn is_label_value(text: &str) -> bool {
    text.is_empty() || (text.len() <= LABEL_MAX && is_name_part(text))
}

/// Whether a text can be the key of a label: a name, after a domain and a slash where there is one.
pub fn is_qualified_name(key: &str) -> bool {
    let is_name = |name: &str| name.len() <= LABEL_MAX && is_name_part(name);
    match key.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_name(name),
        None => is_name(key),
    }
}

fn is_dns_label_of_any_length(text: &str) -> bool {
    let is_edge = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    is_edge(text.chars().next())
        && is_edge(text.chars().next_back())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_name_part(text: &str) -> bool {
    let is_edge = |letter: Option<char>| letter.is_some_and(|c| c.is_ascii_alphanumeric());
    is_edge(text.chars().next())
        && is_edge(text.chars().next_back())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}
