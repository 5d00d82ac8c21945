//! Debian's control files (deb822(5)): paragraphs of fields, which may have several lines.

/// One paragraph. Its fields are in their order, and one may be there more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paragraph {
    fields: Vec<(String, String)>,
}

impl Paragraph {
    /// All paragraphs of a file.
    pub(super) fn read_all(text: &str) -> Vec<Self> {
        let mut all = vec![Self::default()];
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some(last) = all.last_mut() else { continue };
            if line.trim().is_empty() {
                all.push(Self::default());
            } else if let Some(more) = line.strip_prefix([' ', '\t']) {
                if let Some((_, value)) = last.fields.last_mut() {
                    value.push('\n');
                    value.push_str(if more == "." { "" } else { more });
                }
            } else if let Some((name, value)) = line.split_once(':') {
                last.fields.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        all.retain(|paragraph| !paragraph.fields.is_empty());
        all
    }

    /// A field's value; empty if it isn't there.
    pub(super) fn get(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }

    /// All values of the fields with this name.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let own = self.fields.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        match self.fields.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name)) {
            Some((_, own)) => value.clone_into(own),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Drops the fields of these names.
    pub(super) fn without(mut self, is_dropped: impl Fn(&str) -> bool) -> Self {
        self.fields.retain(|(name, _)| !is_dropped(name));
        self
    }

    /// As a file has it, with the empty line after it.
    pub(super) fn write(&self) -> String {
        let field = |(name, value): &(String, String)| {
            let mut lines = value.split('\n');
            let first = lines.next().unwrap_or_default();
            let more: String =
                lines.map(|line| format!("\n {}", if line.is_empty() { "." } else { line })).collect();
            format!("{name}:{}{first}{more}\n", if first.is_empty() { "" } else { " " })
        };
        self.fields.iter().map(field).collect::<String>() + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written() {
        let text = "Package: a\nDepends: b (>= 1), c\nDescription: first\n more\n .\n  indented\nConffiles:\n /etc/a abc\n\nPackage: b\n\n";
        let all = Paragraph::read_all(text);
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("description"), "first\nmore\n\n indented");
        assert_eq!(all[0].get("Conffiles"), "\n/etc/a abc");
        assert_eq!(all.iter().map(Paragraph::write).collect::<String>(), text);
        assert_eq!(Paragraph::read_all("# only this\n\n \n"), []);
    }
}
