//! The formats of dpkg-query(1): `${Package}`, `${Version;-20}`, `${db:Status-Status}`, `\t`.

use super::database::status;
use super::paragraph::Paragraph;

/// Shows a package in a format.
pub(super) fn show(format: &str, package: &Paragraph) -> String {
    let mut shown = String::new();
    let mut rest = format;
    while let Some(at) = rest.find(['\\', '$']) {
        let (before, after) = rest.split_at(at);
        shown.push_str(before);
        rest = match after.strip_prefix("${").and_then(|inner| inner.split_once('}')) {
            Some((field, rest)) => {
                shown.push_str(&padded(field, package));
                rest
            }
            None => {
                let mut letters = after.chars();
                match (letters.next(), letters.next()) {
                    (Some('\\'), Some('n')) => shown.push('\n'),
                    (Some('\\'), Some('t')) => shown.push('\t'),
                    (Some('\\'), Some(letter)) => shown.push(letter),
                    (Some(letter), next) => {
                        shown.push(letter);
                        shown.extend(next);
                    }
                    (None, _) => {}
                }
                letters.as_str()
            }
        };
    }
    shown + rest
}

fn padded(field: &str, package: &Paragraph) -> String {
    let (name, width) = field.split_once(';').unwrap_or((field, "0"));
    let value = value(name, package);
    let width: i32 = width.parse().unwrap_or(0);
    let size = usize::try_from(width.unsigned_abs()).unwrap_or(0);
    if width < 0 { format!("{value:<size$}") } else { format!("{value:>size$}") }
}

fn value(name: &str, package: &Paragraph) -> String {
    let [wanted, well, state] = status(package);
    match name.to_ascii_lowercase().as_str() {
        "db:status-status" => state.to_owned(),
        "db:status-want" => wanted.to_owned(),
        "db:status-eflag" => well.to_owned(),
        "db:status-abbrev" => format!("{} ", abbreviation(package)),
        "binary:package" => package.get("Package").to_owned(),
        "binary:summary" => package.get("Description").lines().next().unwrap_or_default().to_owned(),
        "source:package" => match package.get("Source").split(' ').next() {
            Some(source) if !source.is_empty() => source.to_owned(),
            _ => package.get("Package").to_owned(),
        },
        "source:version" => package.get("Version").to_owned(),
        _ => package.get(name).to_owned(),
    }
}

/// `ii`, `hi`, `rc`, …, as `dpkg -l` begins its lines.
pub(super) fn abbreviation(package: &Paragraph) -> String {
    let [wanted, _, state] = status(package);
    let wanted = match wanted {
        "install" => 'i',
        "hold" => 'h',
        "deinstall" => 'r',
        "purge" => 'p',
        _ => 'u',
    };
    let state = match state {
        "installed" => 'i',
        "config-files" => 'c',
        "half-configured" => 'F',
        "half-installed" => 'H',
        "unpacked" => 'U',
        _ => 'n',
    };
    format!("{wanted}{state}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let text = "Package: web\nVersion: 1.2-3\nStatus: hold ok installed\nDescription: Short\n and long\n";
        let package = &Paragraph::read_all(text)[0];
        let check = |format: &str, expect: &str| assert_eq!(show(format, package), expect, "{format}");
        check("${db:Status-Status} ${Version}\\n", "installed 1.2-3\n");
        check("${Package;6}|${Package;-6}|", "   web|web   |");
        check("${binary:Package}\\t${db:Status-Abbrev}|${binary:Summary}", "web\thi |Short");
        check("${Nothing}$ \\\\ ${Open", "$ \\ ${Open");
        check("", "");
    }
}
