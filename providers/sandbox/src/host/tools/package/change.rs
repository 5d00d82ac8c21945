//! Installs and removes one package: its files, accounts, scripts and units, and its entry in dpkg's database.

use std::io;
use std::sync::Arc;

use super::content::{self, Item};
use super::database::{self, Database};
use super::paragraph::Paragraph;
use super::source::Candidate;
use crate::host::tools::{Answer, Machine};

/// Fields that dpkg doesn't keep.
const NOT_KEPT: &[&str] = &["Filename", "Size", "MD5sum", "SHA1", "SHA256", "Description-md5"];

/// Unpacks a package file: $1; $2: its name. What the administrator has of its settings stays. Its control file is printed.
const UNPACK: &str = r#"
set -e
work=$(mktemp -d /var/lib/dpkg/tmp.XXXXXX)
trap 'rm -rf "$work"' EXIT
dpkg-deb --control "$1" "$work/control"
mkdir "$work/tree"
dpkg-deb --extract "$1" "$work/tree"
(cd "$work/tree" && find . -mindepth 1 | sed 's/^\.//' | sort) >"$work/list"
# Of a setting that nobody has changed, the new one counts.
former=/var/lib/dpkg/info/$2.shipped
: >"$work/shipped"
if [ -f "$work/control/conffiles" ]; then
	while read -r path; do
		[ -f "$work/tree$path" ] || continue
		shipped=$(awk -v path="$path" '$2 == path { print $1 }' "$former" 2>/dev/null || :)
		echo "$(sha256sum <"$work/tree$path" | cut -d' ' -f1) $path" >>"$work/shipped"
		if [ -e "$path" ] && [ "$(sha256sum <"$path" | cut -d' ' -f1)" != "$shipped" ]; then rm "$work/tree$path"; fi
	done <"$work/control/conffiles"
fi
[ ! -x "$work/control/preinst" ] || "$work/control/preinst" install >&2
cp -a "$work/tree/." /
for kind in conffiles preinst postinst prerm postrm; do
	rm -f "/var/lib/dpkg/info/$2.$kind"
	[ ! -f "$work/control/$kind" ] || cp "$work/control/$kind" "/var/lib/dpkg/info/$2.$kind"
done
cp "$work/shipped" "$former"
cp "$work/list" "/var/lib/dpkg/info/$2.list"
cat "$work/control/control"
"#;

/// Adds an account $1 with the home $2, as a package's script does.
const ADD_ACCOUNT: &str = r#"
getent group "$1" >/dev/null || groupadd --system "$1"
getent passwd "$1" >/dev/null || useradd --system --gid "$1" --home-dir "$2" --no-create-home --shell /usr/sbin/nologin "$1"
"#;

/// Installs a package, in the place of another version of it.
pub(super) async fn install(
    machine: &Arc<Machine>,
    database: &mut Database,
    wanted: &Candidate,
    answer: &mut Answer,
) -> io::Result<bool> {
    let name = wanted.name().to_owned();
    let before = database.find_installed(&name).cloned();
    match &before {
        Some(before) => answer.say(&format!(
            "Unpacking {name} ({}) over ({}) ...\n",
            wanted.version(),
            before.get("Version")
        )),
        None => answer.say(&format!(
            "Selecting previously unselected package {name}.\nUnpacking {name} ({}) ...\n",
            wanted.version()
        )),
    }
    let former = database::list(&machine.files, &name);
    let entry = match &wanted.folder {
        Some(folder) => {
            let path = format!("{folder}/{}", wanted.package.get("Filename"));
            match unpack(machine, &path, &name, answer).await? {
                Some(entry) => entry,
                None => return Ok(false),
            }
        }
        None => {
            place(machine, &wanted.package, answer).await?;
            wanted.package.clone()
        }
    };
    let now = database::list(&machine.files, &name);
    for path in former.iter().rev().filter(|path| !now.contains(path)) {
        take(machine, path);
    }
    configure(machine, database, entry, before.as_ref(), answer).await
}

/// Installs a package from a file.
pub(super) async fn install_file(
    machine: &Arc<Machine>,
    database: &mut Database,
    path: &str,
    answer: &mut Answer,
) -> io::Result<bool> {
    let told = machine.sh("dpkg-deb --field \"$1\"", &[path]).await?;
    let Some(package) = Paragraph::read_all(&told.out).pop().filter(|_| told.code == 0) else {
        answer.complain(&told.err);
        return Ok(false);
    };
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let mut package = package;
    package.set("Filename", file);
    let wanted = Candidate { package, origin: String::new(), folder: Some(folder.to_owned()) };
    install(machine, database, &wanted, answer).await
}

async fn unpack(
    machine: &Arc<Machine>,
    path: &str,
    name: &str,
    answer: &mut Answer,
) -> io::Result<Option<Paragraph>> {
    let told = machine.sh(UNPACK, &[path, name]).await?;
    answer.complain(&told.err);
    if told.code != 0 {
        answer.complain(&format!("dpkg: error processing archive {path} (--unpack)\n"));
        return Ok(None);
    }
    Ok(Paragraph::read_all(&told.out).pop())
}

/// Puts there what one of the sandbox's own packages holds.
async fn place(machine: &Arc<Machine>, package: &Paragraph, answer: &mut Answer) -> io::Result<()> {
    let files = &machine.files;
    let (mut list, mut settings) = (Vec::new(), Vec::new());
    for item in content::items(package) {
        let is_setting = item.is_setting();
        match item {
            Item::Account { name, home } => {
                let told = machine.sh(ADD_ACCOUNT, &[&name, &home]).await?;
                answer.complain(&told.err);
            }
            Item::Folder { path, mode, account } => {
                files.make_folder(&path, mode)?;
                if let Some(account) = account {
                    let told = machine.sh("chown \"$1:\" \"$2\"", &[&account, &path]).await?;
                    answer.complain(&told.err);
                }
                list.push(path);
            }
            Item::Link { path, target } => {
                files.make_link(&target, &path)?;
                list.push(path);
            }
            Item::File { path, mode, content } => {
                if !is_setting || !files.exists(&path) {
                    files.write(&path, content.as_bytes(), mode)?;
                }
                if is_setting {
                    settings.push(path.clone());
                }
                list.push(path);
            }
        }
    }
    let name = package.get("Package");
    database::note(files, name, "list", &list)?;
    database::note(files, name, "conffiles", &settings)
}

async fn configure(
    machine: &Arc<Machine>,
    database: &mut Database,
    entry: Paragraph,
    before: Option<&Paragraph>,
    answer: &mut Answer,
) -> io::Result<bool> {
    let name = entry.get("Package").to_owned();
    let held = before.is_some_and(database::is_held);
    let mut entry = entry.without(|field| field.starts_with("Sandbox-") || NOT_KEPT.contains(&field));
    answer.say(&format!("Setting up {name} ({}) ...\n", entry.get("Version")));
    let former = before.map(|before| before.get("Version")).unwrap_or_default();
    let is_well = run(machine, &name, "postinst", &["configure", former], answer).await?;
    let state = if is_well { "installed" } else { "half-configured" };
    entry.set("Status", &format!("{} ok {state}", if held { "hold" } else { "install" }));
    database.put(entry);
    database.write(&machine.files)?;
    if is_well {
        let units = content::units(&database::list(&machine.files, &name));
        machine.units.arrive(machine, &units, before.is_some()).await;
    }
    Ok(is_well)
}

/// Removes a package; `purge`: its settings, too.
pub(super) async fn remove(
    machine: &Arc<Machine>,
    database: &mut Database,
    name: &str,
    purge: bool,
    answer: &mut Answer,
) -> io::Result<bool> {
    let Some(mut entry) = database.find(name).cloned() else { return Ok(true) };
    let files = &machine.files;
    let paths = database::list(files, name);
    let settings = database::settings(files, name);
    if database::is_installed(&entry) {
        answer.say(&format!("Removing {name} ({}) ...\n", entry.get("Version")));
        machine.units.leave(machine, &content::units(&paths)).await;
        if !run(machine, name, "prerm", &["remove"], answer).await? {
            return Ok(false);
        }
        for path in paths.iter().rev().filter(|path| !settings.contains(path)) {
            take(machine, path);
        }
        run(machine, name, "postrm", &["remove"], answer).await?;
        machine.units.reload(machine).await;
    }
    let is_left = !settings.is_empty() || files.exists(&database::script(name, "postrm"));
    if is_left && !purge {
        entry.set("Status", "deinstall ok config-files");
        database.put(entry);
        database::note(files, name, "list", &settings)?;
        database::forget(files, name, &["preinst", "postinst", "prerm"])?;
    } else {
        if is_left {
            answer.say(&format!("Purging configuration files for {name} ({}) ...\n", entry.get("Version")));
        }
        settings.iter().for_each(|path| take(machine, path));
        run(machine, name, "postrm", &["purge"], answer).await?;
        machine.units.forget_links(machine, &content::units(&paths)).await;
        database::forget(
            files,
            name,
            &["list", "conffiles", "preinst", "postinst", "prerm", "postrm", "shipped"],
        )?;
        database.drop_one(name);
    }
    database.write(files)?;
    Ok(true)
}

/// Removes a file or an empty folder. What others use, or is not empty, stays.
fn take(machine: &Arc<Machine>, path: &str) {
    let is_folder = machine.files.is_folder(path) && machine.files.link(path).is_none();
    let _ = if is_folder { machine.files.remove_folder(path) } else { machine.files.remove(path) };
}

/// Runs a script of a package's, if it has that one.
async fn run(
    machine: &Arc<Machine>,
    name: &str,
    kind: &str,
    words: &[&str],
    answer: &mut Answer,
) -> io::Result<bool> {
    let path = database::script(name, kind);
    if !machine.files.exists(&path) {
        return Ok(true);
    }
    let line = "export DPKG_MAINTSCRIPT_PACKAGE=\"$2\" DEBIAN_FRONTEND=noninteractive; program=$1; shift 2; exec \"$program\" \"$@\"";
    let told = machine.sh(line, &[&[path.as_str(), name], words].concat()).await?;
    answer.say(&told.out);
    answer.complain(&told.err);
    if told.code != 0 {
        answer.complain(&format!(
            "dpkg: error processing package {name}:\n installed {name} package {kind} script subprocess returned error exit status {}\n",
            told.code
        ));
    }
    Ok(told.code == 0)
}
