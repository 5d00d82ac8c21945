//! What the sandbox's own packages put on a host: what the fields `Sandbox-…` of its archive say.
//!
//! | field | meaning |
//! | --- | --- |
//! | `Sandbox-Born: yes` | a host has it from the beginning |
//! | `Sandbox-Account: NAME HOME` | a system account with a group of its name |
//! | `Sandbox-Folder: PATH MODE [ACCOUNT]` | a folder |
//! | `Sandbox-File: PATH MODE`, and lines | a file; below `/etc`, one of the administrator's |
//! | `Sandbox-Link: PATH TARGET` | a link |
//! | `Sandbox-Daemon: PATH` | a program that runs until it is told to stop |
//! | `Sandbox-Program: PATH`, and lines | a shell script |
//! | `Sandbox-Unit: NAME`, and lines | a unit; it's enabled and started if it has an `[Install]` section |
//!
//! `/usr` is the machine's, so programs and units lie in `/usr/local`.

use super::paragraph::Paragraph;

/// Where units of packages lie.
pub(super) const UNITS: &str = "/usr/local/lib/systemd/system";

/// One thing that a package puts on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Account { name: String, home: String },
    Folder { path: String, mode: u32, account: Option<String> },
    File { path: String, mode: u32, content: String },
    Link { path: String, target: String },
}

impl Item {
    /// Whether it is the administrator's once it's there.
    pub(super) fn is_setting(&self) -> bool {
        matches!(self, Self::File { path, .. } if path.starts_with("/etc/"))
    }
}

/// All that a package puts there.
pub(super) fn items(package: &Paragraph) -> Vec<Item> {
    let accounts = package.all("Sandbox-Account").into_iter().map(|value| {
        let (name, home) = value.split_once(' ').unwrap_or((value, "/nonexistent"));
        Item::Account { name: name.to_owned(), home: home.trim().to_owned() }
    });
    let folders = package.all("Sandbox-Folder").into_iter().map(|value| {
        let mut words = value.split_ascii_whitespace().map(str::to_owned);
        let path = words.next().unwrap_or_default();
        Item::Folder { path, mode: mode(words.next().as_deref(), 0o755), account: words.next() }
    });
    let files = package.all("Sandbox-File").into_iter().map(|value| {
        let (head, content) = lines(value);
        let (path, given) = head.split_once(' ').unwrap_or((head, ""));
        file(path, mode(Some(given), 0o644), content)
    });
    let links = package.all("Sandbox-Link").into_iter().filter_map(|value| {
        let (path, target) = value.split_once(' ')?;
        Some(Item::Link { path: path.to_owned(), target: target.trim().to_owned() })
    });
    let programs = package.all("Sandbox-Program").into_iter().map(|value| {
        let (path, content) = lines(value);
        file(path, 0o755, format!("#!/bin/sh\n# A stand-in of the sandbox.\n{content}"))
    });
    let version = package.get("Version");
    let daemons = package.all("Sandbox-Daemon").into_iter().map(|path| file(path, 0o755, daemon(version)));
    let units = package.all("Sandbox-Unit").into_iter().map(|value| {
        let (name, content) = lines(value);
        file(&format!("{UNITS}/{name}"), 0o644, content)
    });
    accounts.chain(folders).chain(files).chain(links).chain(programs).chain(daemons).chain(units).collect()
}

/// The names of the units among these paths.
pub(super) fn units(paths: &[String]) -> Vec<String> {
    let folders = [UNITS, "/usr/lib/systemd/system", "/lib/systemd/system"];
    let unit = |path: &String| {
        let (folder, name) = path.rsplit_once('/')?;
        let is_unit = [".service", ".timer", ".socket"].iter().any(|end| name.ends_with(end));
        (is_unit && folders.contains(&folder)).then(|| name.to_owned())
    };
    paths.iter().filter_map(unit).collect()
}

/// What takes the place of a daemon: it does what its unit needs, and no work.
fn daemon(version: &str) -> String {
    format!(
        "#!/bin/sh\n# A stand-in of the sandbox: it runs until it is told to stop.\n\
         for word; do\n\tcase $word in\n\t-V | --version | -version) echo \"${{0##*/}} {version} (the sandbox's)\" && exit ;;\n\
         \t-t | --test | --validate) exit 0 ;;\n\tesac\ndone\n\
         trap 'exit 0' TERM INT QUIT\ntrap 'echo \"${{0##*/}}: reading its settings again\"' HUP\n\
         echo \"${{0##*/}}: ready\"\n[ -z \"$NOTIFY_SOCKET\" ] || systemd-notify --ready\n\
         while :; do\n\tsleep 3600 &\n\twait $!\n\tkill $! 2>/dev/null\ndone\n"
    )
}

fn file(path: &str, mode: u32, content: String) -> Item {
    Item::File { path: path.to_owned(), mode, content }
}

/// The first line, and the others as a text.
fn lines(value: &str) -> (&str, String) {
    let (head, rest) = value.split_once('\n').unwrap_or((value, ""));
    (head.trim(), if rest.is_empty() { String::new() } else { format!("{rest}\n") })
}

fn mode(text: Option<&str>, otherwise: u32) -> u32 {
    text.and_then(|text| u32::from_str_radix(text, 8).ok()).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_say_what_they_hold() {
        let text = "Package: a\nSandbox-Account: a /var/lib/a\nSandbox-Folder: /var/lib/a 0700 a\n\
                    Sandbox-File: /etc/a.conf 0640\n x=1\n .\n y=2\nSandbox-Unit: a.service\n [Service]\n";
        let found = items(&Paragraph::read_all(text)[0]);
        assert_eq!(
            found,
            [
                Item::Account { name: "a".to_owned(), home: "/var/lib/a".to_owned() },
                Item::Folder { path: "/var/lib/a".to_owned(), mode: 0o700, account: Some("a".to_owned()) },
                file("/etc/a.conf", 0o640, "x=1\n\ny=2\n".to_owned()),
                file("/usr/local/lib/systemd/system/a.service", 0o644, "[Service]\n".to_owned()),
            ]
        );
        assert!(found[2].is_setting() && !found[3].is_setting());
        let paths = [
            "/usr/local/lib/systemd/system/a.service",
            "/etc/systemd/system/b.service",
            "/lib/systemd/system/x.conf",
        ];
        assert_eq!(units(&paths.map(str::to_owned)), ["a.service"]);
    }
}
