//! Mount options: as they are written, and how the kernel shows them in /proc/self/mountinfo.
//!
//! The kernel does not show what was asked for: `exec` is the absence of `noexec`, `size=1m` is `size=1024k`, and `nofail` is nowhere. So
//! wanted options become words that have to be shown, words that must not be, and values that must be these if they are shown at all.

use std::fmt::Write as _;

/// What is said in the negative, by its opposite.
const NEGATIONS: [(&str, &str); 9] = [
    ("ro", "rw"),
    ("nosuid", "suid"),
    ("nodev", "dev"),
    ("noexec", "exec"),
    ("sync", "async"),
    ("nodiratime", "diratime"),
    ("noatime", "atime"),
    ("nosymfollow", "symfollow"),
    ("lazytime", "nolazytime"),
];
/// So many of those opposites are known to every `mount`.
const KNOWN_OPPOSITES: usize = 6;
/// File systems of which it is known that what is not asked for is off.
const PLAIN: [&str; 10] = ["ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "vfat", "exfat", "ntfs3", "tmpfs"];

/// How wanted options show in the kernel's own list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// These are there.
    pub(super) has: Vec<String>,
    /// These are not.
    pub(super) lacks: Vec<String>,
    /// These are not there with another value.
    pub(super) values: Vec<String>,
}

impl Shown {
    /// How the options of a file system of this type show.
    pub(super) fn of(options: &[&str], kind: &str) -> Self {
        let mut shown = Self::default();
        for option in options {
            shown.add(option, kind);
        }
        if PLAIN.contains(&kind) && !is_bind(options) {
            let is_open = |off: &&str| !shown.has.iter().chain(&shown.lacks).any(|word| word == off);
            let open: Vec<_> =
                NEGATIONS.iter().map(|(off, _)| *off).filter(is_open).map(str::to_owned).collect();
            shown.lacks.extend(open);
        }
        shown
    }

    fn add(&mut self, option: &str, kind: &str) {
        match option {
            "user" | "users" => ["noexec", "nosuid", "nodev"].into_iter().for_each(|word| self.must(word)),
            "owner" | "group" => ["nosuid", "nodev"].into_iter().for_each(|word| self.must(word)),
            "relatime" => {
                self.must_not("noatime");
                self.must("relatime");
            }
            "strictatime" => {
                self.must_not("noatime");
                self.must_not("relatime");
            }
            option => match option.split_once('=') {
                Some((name, value)) => self.value(name, value, kind),
                None => self.flag(option),
            },
        }
    }

    fn flag(&mut self, option: &str) {
        let negation = NEGATIONS.iter().find(|(off, on)| option == *off || option == *on);
        match negation {
            Some((off, _)) if option == *off => self.must(off),
            Some((off, _)) => self.must_not(off),
            None => {}
        }
    }

    fn value(&mut self, name: &str, value: &str, kind: &str) {
        if name.starts_with("x-") || name.starts_with("X-") || name == "comment" {
            return;
        }
        match (kind, name, amount(value)) {
            ("tmpfs", "size", Some(bytes)) => self.has.push(format!("size={}k", bytes.div_ceil(4096) * 4)),
            ("tmpfs", "nr_inodes", Some(count)) => self.has.push(format!("nr_inodes={count}")),
            ("tmpfs", "size", None) => {}
            (_, "mode" | "uid" | "gid", _) => {
                let plain = value.trim_start_matches('0');
                let shown = format!("{name}={}", if plain.is_empty() { "0" } else { plain });
                // What is the kernel's default is not shown.
                let list = match (kind, plain) {
                    ("tmpfs", "" | "1777") => &mut self.values,
                    ("tmpfs", _) => &mut self.has,
                    _ => &mut self.values,
                };
                list.push(shown);
            }
            _ => self.values.push(format!("{name}={value}")),
        }
    }

    fn must(&mut self, word: &str) {
        self.lacks.retain(|other| other != word);
        if word == "noatime" {
            self.has.retain(|other| other != "relatime");
        }
        if !self.has.iter().any(|other| other == word) {
            self.has.push(word.to_owned());
        }
    }

    fn must_not(&mut self, word: &str) {
        self.has.retain(|other| other != word);
        if !self.lacks.iter().any(|other| other == word) {
            self.lacks.push(word.to_owned());
        }
    }

    /// How what the kernel shows differs: in words, and nothing if it does not.
    pub(super) fn differs(&self, live: &str) -> Vec<String> {
        let live: Vec<&str> = live.split(',').collect();
        let is_there = |word: &&String| live.contains(&word.as_str());
        let missing = self.has.iter().filter(|word| !is_there(word)).map(|word| format!("without {word}"));
        let extra = self.lacks.iter().filter(is_there).map(|word| format!("with {word}"));
        let other = self.values.iter().filter(|word| !is_there(word)).filter_map(|word| {
            let (name, _) = word.split_once('=')?;
            let there =
                live.iter().find(|there| there.split_once('=').is_some_and(|(key, _)| key == name))?;
            Some(format!("with {there}"))
        });
        missing.chain(extra).chain(other).collect()
    }
}

/// What a remount takes to bring what is mounted to these options: those that the kernel knows, with all that are off said to be so.
pub(super) fn remount(options: &[&str], kind: &str) -> String {
    let shown = Shown::of(options, kind);
    let mut list: Vec<&str> =
        options.iter().copied().filter(|option| !is_for_mount_alone(option) && !is_binding(option)).collect();
    let implied = shown.has.iter().map(String::as_str).filter(|word| !word.contains('='));
    // Not every `mount` knows the names of all opposites, and what is not said is off anyway.
    let opposite = |word: &String| {
        let known = NEGATIONS.iter().take(KNOWN_OPPOSITES);
        known.into_iter().find(|(off, _)| word == off).map(|(_, on)| *on)
    };
    let off = shown.lacks.iter().filter_map(opposite);
    let more: Vec<&str> = implied.chain(off).filter(|word| !options.contains(word)).collect();
    list.extend(more);
    // What is mounted by `bind` keeps how it was.
    if !is_bind(options)
        && !options.iter().any(|option| option.ends_with("atime") && !option.ends_with("diratime"))
    {
        list.push("relatime");
    }
    list.join(",")
}

/// What a mount takes.
pub(super) fn mount(options: &[&str]) -> String {
    let list: Vec<&str> = options.iter().copied().filter(|option| !is_for_mount_alone(option)).collect();
    if list.is_empty() { "defaults".to_owned() } else { list.join(",") }
}

/// Whether a part of another file system is mounted, a folder or a file.
pub(super) fn is_bind(options: &[&str]) -> bool {
    options.iter().any(|option| is_binding(option))
}

fn is_binding(option: &str) -> bool {
    matches!(option, "bind" | "rbind")
}

/// What only those read who mount by fstab.
fn is_for_mount_alone(option: &str) -> bool {
    matches!(
        option,
        "auto" | "noauto" | "nofail" | "_netdev" | "user" | "users" | "owner" | "group" | "nouser"
    ) || option.starts_with("x-")
        || option.starts_with("comment=")
}

/// What is wrong with one option.
pub(super) fn problem(option: &str) -> Option<String> {
    let mut is_quoted = false;
    let has_comma = option.chars().any(|letter| {
        is_quoted ^= letter == '"';
        letter == ',' && !is_quoted
    });
    if option.is_empty() {
        Some("An option is empty.".to_owned())
    } else if has_comma {
        Some(format!("{option:?} is more than one option: write each as an element of the list."))
    } else if option.chars().any(char::is_control) {
        Some(format!("{option:?} holds a control character."))
    } else if option.starts_with("remount") {
        Some("`remount` is what apply does by itself where it is needed.".to_owned())
    } else {
        None
    }
}

/// A number of bytes or of things, with k, m or g after it.
fn amount(value: &str) -> Option<u64> {
    let digits = value.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    let factor = match value.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// A field as fstab writes it (fstab(5)): what would end it is three octal digits.
pub(super) fn escape(field: &str) -> String {
    field.chars().fold(String::with_capacity(field.len()), |mut text, letter| {
        match letter {
            ' ' | '\t' | '\n' | '\\' => {
                let _ = write!(text, "\\{:03o}", u32::from(letter));
            }
            _ => text.push(letter),
        }
        text
    })
}

/// A field of fstab or mountinfo as it is meant.
pub(super) fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        match (first, octal(after)) {
            (b'\\', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn octal(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits.get(..3)?).ok()?;
    u8::from_str_radix(digits, 8).ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: &str, kind: &str, live: &str, expect: &str) {
        let options: Vec<&str> = options.split(' ').filter(|option| !option.is_empty()).collect();
        let found = Shown::of(&options, kind).differs(live).join("; ");
        assert_eq!(found, expect, "{options:?} of a {kind} shown as {live:?}");
    }

    #[test]
    fn what_is_mounted_is_compared_with_what_is_wanted() {
        check("", "ext4", "rw,relatime,rw", "");
        check("defaults nofail x-systemd.device-timeout=9s _netdev noauto", "ext4", "rw,relatime,rw", "");
        check("", "ext4", "rw,noexec,relatime,rw", "with noexec");
        check("ro", "ext4", "rw,relatime,rw", "without ro");
        check("", "ext4", "rw,relatime,ro", "with ro");
        check("", "nfs4", "rw,nosuid,relatime,rw,vers=4.2", "");
        check("vers=4.1", "nfs4", "rw,relatime,rw,vers=4.2", "with vers=4.2");
        check("fsc", "nfs4", "rw,relatime,rw", "");
        check("noexec exec", "tmpfs", "rw,relatime,rw", "");
        check("exec noexec", "tmpfs", "rw,relatime,rw", "without noexec");
        check("user", "ext4", "rw,nosuid,nodev,noexec,relatime,rw", "");
        check("user exec", "ext4", "rw,nosuid,nodev,noexec,relatime,rw", "with noexec");
        check("noatime", "ext4", "rw,noatime,rw", "");
        check("noatime", "ext4", "rw,relatime,rw", "without noatime");
        check("strictatime", "ext4", "rw,relatime,rw", "with relatime");
        check("size=64m mode=0750 uid=0", "tmpfs", "rw,relatime,rw,size=65536k,mode=750", "");
        check(
            "size=64m mode=0750",
            "tmpfs",
            "rw,relatime,rw,size=1024k",
            "without size=65536k; without mode=750",
        );
        check("mode=1777 uid=0", "tmpfs", "rw,relatime,rw,mode=700,uid=5", "with mode=700; with uid=5");
        check("size=50%", "tmpfs", "rw,relatime,rw,size=1k", "");
        check("bind ro", "none", "rw,noexec,relatime,rw", "without ro");
        check("bind ro", "none", "ro,noexec,relatime,rw", "");
    }

    #[test]
    fn what_is_told_to_a_remount() {
        let check = |options: &[&str], kind: &str, expect: &str| {
            assert_eq!(remount(options, kind), expect, "{options:?}");
        };
        check(
            &["size=1m", "noexec", "nofail"],
            "tmpfs",
            "size=1m,noexec,rw,suid,dev,async,diratime,relatime",
        );
        check(&["bind", "ro"], "none", "ro");
        check(&["ro", "noatime"], "nfs4", "ro,noatime");
    }

    #[test]
    fn fields_are_escaped() {
        for (plain, field) in [("/srv/data", "/srv/data"), ("/a b\t\\", "/a\\040b\\011\\134"), ("ü", "ü")] {
            assert_eq!(escape(plain), field);
            assert_eq!(unescape(field), plain);
        }
        assert_eq!(unescape("a\\043b\\9\\08"), "a#b\\9\\08");
    }
}
