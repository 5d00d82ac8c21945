//! Formats by name: `format.dns1123Label().validate(text)`.

use std::sync::Arc;

use crate::cel::evaluate::Outcome;
use crate::cel::url::Url;
use crate::cel::value::Value;
use crate::{format, name};

const NAMES: [&str; 13] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
];

pub(super) fn call(name: &str, arguments: &[Value]) -> Option<Outcome> {
    Some(match (name, arguments) {
        ("format.named", [Value::Text(wanted)]) => {
            let found = NAMES.into_iter().find(|own| *own == &**wanted);
            Ok(Value::Optional(found.map(|found| Arc::new(Value::Format(found)))))
        }
        ("validate", [Value::Format(of), Value::Text(text)]) => {
            let problem = problem(of, text).map(|problem| Arc::new(Value::list(vec![Value::text(&problem)])));
            Ok(Value::Optional(problem))
        }
        (_, []) => {
            let name = name.strip_prefix("format.")?;
            Ok(Value::Format(NAMES.into_iter().find(|own| *own == name)?))
        }
        _ => return None,
    })
}

fn problem(of: &str, text: &str) -> Option<String> {
    // A prefix may end in the hyphen that a name goes on after.
    let whole =
        |text: &str| text.strip_suffix('-').map_or_else(|| text.to_owned(), |start| format!("{start}a"));
    let holds = match of {
        "dns1123Label" => name::is_dns_label(text),
        "dns1123LabelPrefix" => name::is_dns_label(&whole(text)),
        "dns1123Subdomain" => name::is_dns_subdomain(text),
        "dns1123SubdomainPrefix" => name::is_dns_subdomain(&whole(text)),
        "dns1035Label" => name::is_dns_1035_label(text),
        "dns1035LabelPrefix" => name::is_dns_1035_label(&whole(text)),
        "qualifiedName" => name::is_qualified_name(text),
        "labelValue" => name::is_label_value(text),
        "uri" => Url::parse(text).is_some(),
        other => format::is_of(other, text),
    };
    (!holds).then(|| format!("is not of the format {of}"))
}
