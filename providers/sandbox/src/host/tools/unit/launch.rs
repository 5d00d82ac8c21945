//! Starts a command of a unit's: as its user, in its folder, with its environment.

use std::io;
use std::process::Stdio;

use rustix::process::Signal;
use tokio::process::{Child, Command};

use super::file::{UnitFile, words};
use super::find::{Unit, template};
use super::state::End;
use crate::host::confine::PATH;
use crate::host::tools::Machine;
use crate::host::tools::files::Files;

/// Exit statuses with which systemd says why a command could not be started (systemd.exec(5)).
const CHDIR: i32 = 200;
const EXEC: i32 = 203;
const GROUP: i32 = 216;
const USER: i32 = 217;

/// The variable that every process of a run has.
pub(super) const RUN: &str = "INVOCATION_ID";

/// One command line of a unit's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) program: String,
    words: Vec<String>,
    /// A `-`: its failure counts as success.
    pub(super) may_fail: bool,
    /// A `+` or `!`: it runs as root.
    is_privileged: bool,
}

impl Line {
    pub(super) fn read(value: &str) -> Option<Self> {
        let value = value.trim_start();
        let command = value.trim_start_matches(['-', '@', '+', '!', ':']);
        let prefix = value.get(..value.len() - command.len()).unwrap_or_default();
        let mut all = words(command).into_iter();
        let program = all.next()?;
        let mut words: Vec<String> = all.collect();
        if prefix.contains('@') && !words.is_empty() {
            words.remove(0);
        }
        let is_privileged = prefix.contains(['+', '!']);
        Some(Self { program, words, may_fail: prefix.contains('-'), is_privileged })
    }

    /// As it's shown.
    pub(super) fn text(&self) -> String {
        [std::slice::from_ref(&self.program), &self.words].concat().join(" ")
    }
}

/// What a command knows of the run that it belongs to.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    pub(super) invocation: String,
    pub(super) main_pid: u32,
}

/// An account of the host's.
struct Account {
    name: String,
    user: u32,
    group: u32,
    home: String,
    shell: String,
}

/// Starts a command; an end if it can't even be tried.
pub(super) fn start(
    machine: &Machine,
    unit: &Unit,
    line: &Line,
    context: &Context,
) -> io::Result<Result<Child, End>> {
    let files = &machine.files;
    let file = &unit.file;
    let script = match script(files, unit, line, context) {
        Ok(script) => script,
        Err(status) => return Ok(Err(End::Status(status))),
    };
    // A process's arguments can be seen by all, so they say only where the rest is to be found.
    let path = format!("/run/systemd/start/{}.{:08x}", unit.id, rand::random::<u32>());
    files.make_folder("/run/systemd/start", 0o700)?;
    files.write(&path, script.as_bytes(), 0o600)?;
    let mut command: Command = machine.entrance.shell(false);
    command.arg(". \"$0\"").arg(path);
    command.env("HOME", "/root").stdin(Stdio::null()).kill_on_drop(true);
    let output =
        |name| if file.last("Service", name) == Some("null") { Stdio::null() } else { Stdio::piped() };
    command.stdout(output("StandardOutput")).stderr(output("StandardError"));
    Ok(Ok(command.spawn()?))
}

/// The script that becomes the command; else the exit status that systemd would give it.
fn script(files: &Files, unit: &Unit, line: &Line, context: &Context) -> Result<String, i32> {
    let file = &unit.file;
    let account = account(files, file, line)?;
    let folder = match file.last("Service", "WorkingDirectory") {
        Some("~") => account.as_ref().map_or("/root", |account| account.home.as_str()).to_owned(),
        Some(folder) => folder.to_owned(),
        None => "/".to_owned(),
    };
    let optional = folder.starts_with('-');
    let folder = specified(unit, folder.trim_start_matches('-'));
    if !optional && !files.is_folder(&folder) {
        return Err(CHDIR);
    }
    let program = find_program(files, &specified(unit, &line.program)).ok_or(EXEC)?;
    let environment = environment(files, unit, account.as_ref(), context);
    let lookup =
        |name: &str| environment.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    let words: Vec<String> =
        line.words.iter().flat_map(|word| expanded(&specified(unit, word), &lookup)).collect();
    let mut script = String::from("rm -f -- \"$0\"\nunset OLDPWD\n");
    script.push_str(&format!("umask {}\n", file.last("Service", "UMask").unwrap_or("0022")));
    script.push_str(&format!("cd {} 2>/dev/null || cd /\n", quoted(&folder)));
    for (setting, flag) in LIMITS {
        if let Some(limit) = file.last("Service", setting) {
            let limit = limit.replace("infinity", "unlimited");
            let (soft, hard) = limit.split_once(':').unwrap_or((&limit, &limit));
            // What is more than we may have ourselves is left as it is.
            script.push_str(&format!(
                "ulimit -H{flag} {} 2>/dev/null; ulimit -S{flag} {} 2>/dev/null\n",
                quoted(hard),
                quoted(soft)
            ));
        }
    }
    for (name, value) in &environment {
        script.push_str(&format!("export {name}={}\n", quoted(value)));
    }
    for (setting, stream) in [("StandardOutput", ""), ("StandardError", "2")] {
        let target = file.last("Service", setting).unwrap_or_default();
        for (kind, sign) in [("file:", ">"), ("append:", ">>"), ("truncate:", ">")] {
            if let Some(path) = target.strip_prefix(kind) {
                script.push_str(&format!("exec {stream}{sign}{}\n", quoted(&specified(unit, path))));
            }
        }
    }
    script.push_str("exec ");
    if let Some(nice) = file.last("Service", "Nice") {
        script.push_str(&format!("nice -n {} ", quoted(nice)));
    }
    if let Some(account) = account.filter(|account| account.user != 0 || account.group != 0) {
        let Account { user, group, .. } = account;
        script.push_str(&format!("setpriv --reuid {user} --regid {group} --init-groups "));
    }
    let all = [program].into_iter().chain(words);
    script.push_str(&all.map(|word| quoted(&word)).collect::<Vec<_>>().join(" "));
    Ok(script + "\n")
}

/// The settings with limits that a shell can set, and its flags for them.
const LIMITS: [(&str, &str); 3] = [("LimitNOFILE", "n"), ("LimitCORE", "c"), ("LimitSTACK", "s")];

/// Whom a command runs as; nothing: root, as nobody is named.
fn account(files: &Files, file: &UnitFile, line: &Line) -> Result<Option<Account>, i32> {
    if line.is_privileged {
        return Ok(None);
    }
    let mut account = match file.last("Service", "User") {
        Some(name) => Some(find_account(files, name).ok_or(USER)?),
        None => None,
    };
    if let Some(name) = file.last("Service", "Group") {
        let group =
            entry(files, "/etc/group", name).and_then(|fields| fields.get(2)?.parse().ok()).ok_or(GROUP)?;
        let root = || Account {
            name: "root".to_owned(),
            user: 0,
            group,
            home: "/root".to_owned(),
            shell: "/bin/sh".to_owned(),
        };
        account.get_or_insert_with(root).group = group;
    }
    Ok(account)
}

fn find_account(files: &Files, name: &str) -> Option<Account> {
    let fields = entry(files, "/etc/passwd", name)?;
    let field = |at: usize| fields.get(at).cloned().unwrap_or_default();
    let (user, group) = (field(2).parse().ok()?, field(3).parse().ok()?);
    Some(Account { name: field(0), user, group, home: field(5), shell: field(6) })
}

/// The line about a name, or a number, in `/etc/passwd` or `/etc/group`.
fn entry(files: &Files, path: &str, name: &str) -> Option<Vec<String>> {
    let text = files.text(path)?;
    let fields = |line: &str| line.split(':').map(str::to_owned).collect::<Vec<_>>();
    let mut lines = text.lines().map(fields);
    lines.find(|fields| {
        fields.first().is_some_and(|own| own == name) || fields.get(2).is_some_and(|own| own == name)
    })
}

/// The user and group numbers that a unit's folders belong to.
pub(super) fn owner(files: &Files, file: &UnitFile) -> (u32, u32) {
    let user = file.last("Service", "User").and_then(|name| find_account(files, name));
    user.map_or((0, 0), |account| (account.user, account.group))
}

/// A program by its path, or by its name in the usual folders; with the interpreter that a script asks for.
fn find_program(files: &Files, name: &str) -> Option<String> {
    let paths = match name.contains('/') {
        true => vec![name.to_owned()],
        false => PATH.split(':').map(|folder| format!("{folder}/{name}")).collect(),
    };
    let path = paths.into_iter().find(|path| files.is_program(path))?;
    let head = files.head(&path, 256);
    let interpreter = head.strip_prefix(b"#!").map(|rest| {
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        String::from_utf8_lossy(line).trim().split(' ').next().unwrap_or_default().to_owned()
    });
    interpreter.is_none_or(|interpreter| files.is_program(&interpreter)).then_some(path)
}

fn environment(
    files: &Files,
    unit: &Unit,
    account: Option<&Account>,
    context: &Context,
) -> Vec<(String, String)> {
    let file = &unit.file;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut all = vec![pair("LANG", "C.UTF-8"), pair("PATH", PATH), pair(RUN, &context.invocation)];
    if let Some(account) = account {
        all.extend([
            pair("HOME", &account.home),
            pair("LOGNAME", &account.name),
            pair("USER", &account.name),
            pair("SHELL", &account.shell),
        ]);
    }
    for (setting, _, variable, base) in FOLDERS {
        let names = file.words("Service", setting);
        if !names.is_empty() {
            let paths: Vec<_> =
                names.iter().map(|name| format!("{base}/{}", specified(unit, name))).collect();
            all.push((variable.to_owned(), paths.join(":")));
        }
    }
    if file.last("Service", "Type") == Some("notify") {
        all.push(pair("NOTIFY_SOCKET", "/run/systemd/notify"));
    }
    if context.main_pid != 0 {
        all.push((String::from("MAINPID"), context.main_pid.to_string()));
    }
    let given = file.words("Service", "Environment").into_iter().map(|word| specified(unit, &word));
    let paths = file.all("Service", "EnvironmentFile");
    let texts = paths.iter().filter_map(|path| files.text(&specified(unit, path.trim_start_matches('-'))));
    let from_files = texts.flat_map(|text| variables(&text)).collect::<Vec<_>>();
    let split = |word: String| word.split_once('=').map(|(name, value)| pair(name, value));
    all.extend(given.filter_map(split).chain(from_files).filter(|(name, _)| is_name(name)));
    all
}

/// A folder's setting, the setting of its mode, its variable, and where it lies.
pub(super) const FOLDERS: [(&str, &str, &str, &str); 5] = [
    ("RuntimeDirectory", "RuntimeDirectoryMode", "RUNTIME_DIRECTORY", "/run"),
    ("StateDirectory", "StateDirectoryMode", "STATE_DIRECTORY", "/var/lib"),
    ("CacheDirectory", "CacheDirectoryMode", "CACHE_DIRECTORY", "/var/cache"),
    ("LogsDirectory", "LogsDirectoryMode", "LOGS_DIRECTORY", "/var/log"),
    ("ConfigurationDirectory", "ConfigurationDirectoryMode", "CONFIGURATION_DIRECTORY", "/etc"),
];

/// A file of variables (systemd.exec(5), EnvironmentFile).
fn variables(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    let pair = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim();
        let bare = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
        Some((name.trim().to_owned(), bare.unwrap_or(value).to_owned()))
    };
    lines.filter_map(pair).collect()
}

fn is_name(name: &str) -> bool {
    let letters = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !name.starts_with(|first: char| first.is_ascii_digit()) && !name.is_empty() && name.chars().all(letters)
}

/// `$A` as a word of its own becomes its words, and `${A}` anywhere its value.
fn expanded<'v>(word: &str, lookup: &dyn Fn(&str) -> Option<&'v str>) -> Vec<String> {
    if let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) {
        return words(lookup(name).unwrap_or_default());
    }
    let mut text = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        if let Some(more) = after.strip_prefix("$$") {
            text.push('$');
            rest = more;
        } else if let Some((name, more)) = after.strip_prefix("${").and_then(|inner| inner.split_once('}')) {
            text.push_str(lookup(name).unwrap_or_default());
            rest = more;
        } else {
            text.push('$');
            rest = after.get(1..).unwrap_or_default();
        }
    }
    vec![text + rest]
}

/// With the specifiers of systemd.unit(5) replaced that a host's units use.
pub(super) fn specified(unit: &Unit, text: &str) -> String {
    let mut shown = String::new();
    let mut letters = text.chars();
    let stem = unit.id.rsplit_once('.').map_or(unit.id.as_str(), |(stem, _)| stem);
    let instance = template(&unit.id).map(|(_, instance)| instance).unwrap_or_default();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            shown.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => shown.push_str(&unit.id),
            Some('N') => shown.push_str(stem),
            Some('p') => shown.push_str(stem.split('@').next().unwrap_or_default()),
            Some('i' | 'I') => shown.push_str(instance),
            Some('t') => shown.push_str("/run"),
            Some('S') => shown.push_str("/var/lib"),
            Some('C') => shown.push_str("/var/cache"),
            Some('L') => shown.push_str("/var/log"),
            Some('E') => shown.push_str("/etc"),
            Some('u') => shown.push_str(unit.file.last("Service", "User").unwrap_or("root")),
            Some('h') => shown.push_str("/root"),
            Some('%') => shown.push('%'),
            Some(other) => shown.extend(['%', other]),
            None => shown.push('%'),
        }
    }
    shown
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The signal that ends a unit.
pub(super) fn kill_signal(file: &UnitFile) -> Signal {
    file.last("Service", "KillSignal").and_then(super::signal::read).unwrap_or(Signal::TERM)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines() {
        let line = Line::read("-+/bin/kill -HUP $MAINPID 'a b'").unwrap();
        assert_eq!((line.program.as_str(), line.may_fail, line.is_privileged), ("/bin/kill", true, true));
        assert_eq!(line.words, ["-HUP", "$MAINPID", "a b"]);
        assert_eq!(Line::read("@/bin/sh name -c x").unwrap().words, ["-c", "x"]);
        assert_eq!(Line::read(" "), None);
        let lookup = |name: &str| (name == "A").then_some("one 'two three'");
        assert_eq!(expanded("$A", &lookup), ["one", "two three"]);
        assert_eq!(expanded("x${A}$$B", &lookup), ["xone 'two three'$B"]);
        assert_eq!(expanded("$NONE", &lookup), Vec::<String>::new());
        let unit = Unit { id: "a@b.service".to_owned(), ..Unit::default() };
        assert_eq!(specified(&unit, "%i-%p-%n-%%-%t"), "b-a-a@b.service-%-/run");
        assert_eq!(
            variables("# x\nA=\"b c\"\nB=d\nexport\n"),
            [("A".to_owned(), "b c".to_owned()), ("B".to_owned(), "d".to_owned())]
        );
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
