//! What a package needs of others (deb-control(5)): `a (>= 1) | b, c`.

use super::version;

/// One alternative of a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// A relation and a version.
    pub(super) version: Option<(String, String)>,
}

impl Wanted {
    fn read(text: &str) -> Option<Self> {
        let (name, rest) = text
            .split_once(['(', '[', ' '])
            .map_or((text, ""), |(name, _)| (name, text.split_once('(').map_or("", |(_, rest)| rest)));
        // What it's called for one architecture is the same here.
        let name = name.trim().split(':').next().filter(|name| !name.is_empty())?.to_owned();
        let inner = rest.split(')').next().unwrap_or_default().trim();
        let at = inner.find(|letter| !"<=>".contains(letter)).filter(|at| *at > 0);
        let version = at.map(|at| {
            let (relation, version) = inner.split_at(at);
            (relation.to_owned(), version.trim().to_owned())
        });
        Some(Self { name, version })
    }

    /// Whether a package with this name and version is what's wanted.
    pub(super) fn fits(&self, name: &str, there: &str) -> bool {
        let fits = |(relation, wanted): &(String, String)| version::holds(there, relation, wanted);
        self.name == name && self.version.as_ref().is_none_or(|wanted| fits(wanted).unwrap_or(false))
    }
}

/// The alternatives of each dependency in a field.
pub(super) fn read(field: &str) -> Vec<Vec<Wanted>> {
    let all = field.split(',').map(|one| one.split('|').map(str::trim).filter_map(Wanted::read).collect());
    all.filter(|alternatives: &Vec<Wanted>| !alternatives.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read() {
        let check = |field: &str, expect: &str| {
            let one = |wanted: &Wanted| match &wanted.version {
                Some((relation, version)) => format!("{} {relation} {version}", wanted.name),
                None => wanted.name.clone(),
            };
            let all = read(field)
                .iter()
                .map(|any| any.iter().map(one).collect::<Vec<_>>().join(" or "))
                .collect::<Vec<_>>();
            assert_eq!(all.join("; "), expect, "{field}");
        };
        check("a (>= 1.0-1), b:any | c (<<2) [amd64]", "a >= 1.0-1; b or c << 2");
        check("libc6,\n d", "libc6; d");
        check("", "");
        assert!(read("a (>= 1.2)")[0][0].fits("a", "1.10"));
        assert!(!read("a (>= 1.2)")[0][0].fits("a", "1.1"));
        assert!(!read("a")[0][0].fits("b", "1"));
    }
}
