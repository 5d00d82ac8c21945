//! What runs in a container when it is told to: the few programs that tell what it was given. No process is started for them, and
//! there is no shell.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::kube::net::Container;

const FOLDERS: [&str; 4] = ["/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"];

/// What a command comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// It ends at once.
    Ended(Ended),
    /// It gives back what it gets.
    Copies,
    /// It ends well after a while.
    Sleeps(Duration),
}

/// What a command has written, and its exit code.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) out: Vec<u8>,
    pub(super) err: String,
    pub(super) code: u8,
}

/// Runs a command in a container; nothing if there is no such program.
pub(super) fn run(container: &Container, command: &[String]) -> Option<Run> {
    let (program, arguments) = command.split_first()?;
    let name = FOLDERS.iter().find_map(|folder| program.strip_prefix(folder)).unwrap_or(program);
    Some(match name {
        "cat" if arguments.iter().all(|name| name == "-") => Run::Copies,
        "cat" => Run::Ended(cat(container, arguments)),
        "echo" => say(echo(arguments)),
        "env" if arguments.is_empty() => say(env(container)),
        "printenv" => Run::Ended(printenv(container, arguments)),
        "hostname" => say(format!("{}\n", container.hostname)),
        "pwd" => say(format!("{}\n", container.folder)),
        "ls" => Run::Ended(ls(container, arguments)),
        "sleep" => sleep(arguments),
        "true" => say(String::new()),
        "false" => Run::Ended(Ended { code: 1, ..Ended::default() }),
        _ => return None,
    })
}

fn say(text: String) -> Run {
    Run::Ended(Ended { out: text.into_bytes(), ..Ended::default() })
}

fn fail(why: String) -> Ended {
    Ended { err: why, code: 1, ..Ended::default() }
}

fn echo(arguments: &[String]) -> String {
    match arguments {
        [first, rest @ ..] if first == "-n" => rest.join(" "),
        all => format!("{}\n", all.join(" ")),
    }
}

fn env(container: &Container) -> String {
    container.environment.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

fn printenv(container: &Container, names: &[String]) -> Ended {
    if names.is_empty() {
        return Ended { out: env(container).into_bytes(), ..Ended::default() };
    }
    let value = |name: &String| container.environment.iter().find(|(own, _)| own == name);
    let found: Vec<_> = names.iter().filter_map(value).collect();
    let out: String = found.iter().map(|(_, value)| format!("{value}\n")).collect();
    Ended { out: out.into_bytes(), code: u8::from(found.len() < names.len()), ..Ended::default() }
}

fn cat(container: &Container, names: &[String]) -> Ended {
    let mut ended = Ended::default();
    for name in names {
        let path = absolute(container, name);
        match container.files.get(&path) {
            Some(content) => ended.out.extend_from_slice(content),
            None => {
                let why =
                    if is_folder(container, &path) { "Is a directory" } else { "No such file or directory" };
                ended.err.push_str(&format!("cat: {name}: {why}\n"));
                ended.code = 1;
            }
        }
    }
    ended
}

fn ls(container: &Container, arguments: &[String]) -> Ended {
    let (flags, names): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|own| own.starts_with('-'));
    if let Some(flag) =
        flags.iter().find(|flag| !flag[1..].chars().all(|letter| matches!(letter, '1' | 'a' | 'A')))
    {
        return fail(format!("ls: unrecognized option: {flag}\n"));
    }
    let here = ".".to_owned();
    let mut ended = Ended::default();
    for name in if names.is_empty() { vec![&here] } else { names } {
        let path = absolute(container, name);
        if container.files.contains_key(&path) {
            ended.out.extend(format!("{name}\n").into_bytes());
        } else if is_folder(container, &path) {
            ended.out.extend(
                children(container, &path).iter().flat_map(|child| format!("{child}\n").into_bytes()),
            );
        } else {
            ended.err.push_str(&format!("ls: {name}: No such file or directory\n"));
            ended.code = 1;
        }
    }
    ended
}

fn sleep(arguments: &[String]) -> Run {
    let seconds = |text: &String| match text.as_str() {
        "infinity" => Some(Duration::MAX),
        number => Duration::try_from_secs_f64(number.strip_suffix('s').unwrap_or(number).parse().ok()?).ok(),
    };
    match arguments {
        [one] => match seconds(one) {
            Some(time) => Run::Sleeps(time),
            None => Run::Ended(fail(format!("sleep: invalid number '{one}'\n"))),
        },
        _ => Run::Ended(fail("sleep: one number of seconds is needed\n".to_owned())),
    }
}

/// A path from the root, without `.` and `..`.
fn absolute(container: &Container, path: &str) -> String {
    let from = if path.starts_with('/') { "" } else { container.folder.as_str() };
    let mut parts = Vec::new();
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Every path that the container has, folders and files.
fn paths(container: &Container) -> impl Iterator<Item = &str> {
    container.files.keys().chain(&container.folders).map(String::as_str)
}

fn is_folder(container: &Container, path: &str) -> bool {
    path == "/"
        || path == container.folder
        || container.folders.contains(path)
        || paths(container).any(|own| own.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
}

fn children<'c>(container: &'c Container, folder: &str) -> BTreeSet<&'c str> {
    let below = paths(container)
        .filter_map(|path| path.strip_prefix(folder.trim_end_matches('/'))?.strip_prefix('/'));
    below.filter_map(|rest| rest.split('/').next()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container() -> Container {
        let texts = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        let files = [("/etc/app/a.conf", "one\n"), ("/etc/app/sub/b", "two\n"), ("/srv/c", "three")];
        Container {
            environment: texts(&[("HOME", "/root"), ("COLOR", "blue")]),
            files: files
                .into_iter()
                .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
                .collect(),
            folders: ["/cache".to_owned()].into(),
            hostname: "web-0".to_owned(),
            folder: "/srv".to_owned(),
        }
    }

    #[test]
    fn programs() {
        let check = |line: &str, out: &str, err: &str, code: u8| {
            let command: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let expect = Ended { out: out.as_bytes().to_vec(), err: err.to_owned(), code };
            assert_eq!(run(&container(), &command), Some(Run::Ended(expect)), "{line}");
        };
        check("echo a  b", "a  b\n", "", 0);
        check("/bin/echo -n a", "a", "", 0);
        check("env", "HOME=/root\nCOLOR=blue\n", "", 0);
        check("printenv COLOR", "blue\n", "", 0);
        check("printenv COLOR NONE", "blue\n", "", 1);
        check("hostname", "web-0\n", "", 0);
        check("pwd", "/srv\n", "", 0);
        check("true", "", "", 0);
        check("false", "", "", 1);
        check("cat /etc/app/a.conf ../etc/app/./sub/b", "one\ntwo\n", "", 0);
        check("cat c none", "three", "cat: none: No such file or directory\n", 1);
        check("cat /etc", "", "cat: /etc: Is a directory\n", 1);
        check("ls /", "cache\netc\nsrv\n", "", 0);
        check("ls", "c\n", "", 0);
        check("ls -1 /etc/app /cache", "a.conf\nsub\n", "", 0);
        check("ls /etc/app/a.conf /no", "/etc/app/a.conf\n", "ls: /no: No such file or directory\n", 1);
        check("ls -l", "", "ls: unrecognized option: -l\n", 1);
        check("sleep soon", "", "sleep: invalid number 'soon'\n", 1);
    }

    #[test]
    fn what_goes_on_and_what_is_not_there() {
        let check = |line: &str, expect: Option<Run>| {
            let command: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            assert_eq!(run(&container(), &command), expect, "{line}");
        };
        check("cat", Some(Run::Copies));
        check("cat -", Some(Run::Copies));
        check("sleep 1.5", Some(Run::Sleeps(Duration::from_millis(1500))));
        check("sh -c true", None);
        check("/opt/cat", None);
        check("env A=b sh", None);
        check("", None);
    }
}
