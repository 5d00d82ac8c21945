//! The programs, run by the shells and tools that hosts have.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::*;
use crate::answer::{Answer, Record};

/// One way of being a host: a shell, and where its tools come from.
pub(super) struct Machine {
    pub(super) shell: &'static [&'static str],
    home: TempDir,
    path: String,
}

/// Debian's, Red Hat's and Alpine's kind.
pub(super) fn machines() -> Vec<Machine> {
    let machine = |shell| Machine { shell, home: TempDir::new().unwrap(), path: "/usr/bin:/bin".into() };
    let mut busybox = machine(&["busybox", "sh"]);
    let applets = busybox.home.path().join("applets");
    fs::create_dir(&applets).unwrap();
    let installed = Command::new("busybox").args(["--install", "-s"]).arg(&applets).status();
    assert!(installed.expect("busybox is needed: install it").success());
    busybox.path = format!("{}:{}", applets.display(), busybox.path);
    vec![machine(&["dash"]), machine(&["bash"]), busybox]
}

impl Machine {
    pub(super) fn file(&self, name: &str) -> String {
        self.home.path().join(name).to_str().unwrap().to_owned()
    }

    pub(super) fn raw(&self, program: &str) -> (Vec<u8>, String) {
        self.fed(&[], &[program.as_bytes()])
    }

    /// What it prints with these arguments and this standard input.
    fn fed(&self, arguments: &[&str], input: &[&[u8]]) -> (Vec<u8>, String) {
        let mut command = Command::new(self.shell[0]);
        command.args(&self.shell[1..]).args(arguments).env("PATH", &self.path).env("HOME", self.home.path());
        let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that ends early leaves the rest.
        input.iter().for_each(|part| _ = stdin.write_all(part));
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    pub(super) fn run(&self, program: &Program) -> Answer {
        let input = [program.text.as_bytes(), &program.payload];
        let (output, words) = match program.reader() {
            Some(reader) => self.fed(&["-c", &reader], &input),
            None => self.fed(&[], &input),
        };
        let shown = String::from_utf8_lossy(&output).into_owned();
        Answer::read(&output, &program.nonce).unwrap_or_else(|| panic!("{:?}: {shown}{words}", self.shell))
    }

    /// The records about a file, without what differs from run to run.
    fn look(&self, path: &str, want: Option<&str>) -> Vec<String> {
        let want = want.map(|content| sha256(content.as_bytes()));
        let look = FileLook { index: 3, path, want, content: true };
        let looks = Looks { files: vec![look], ..Looks::default() };
        let answer = self.run(&super::look("n", &looks, false, false));
        let show = |record: &Record| match record.kind.as_str() {
            "stat" => format!("stat {}", record.field(0)),
            "sum" => format!("sum {}", &record.field(0)[..4]),
            "content" => format!("content {:?}", String::from_utf8(record.bytes(0).unwrap()).unwrap()),
            kind => format!("{kind} {}", record.field(0)),
        };
        answer.about(3).iter().map(show).collect()
    }

    /// What a change comes to: `done` or `fail`, and its first field.
    pub(super) fn change(&self, program: &Program) -> String {
        let answer = self.run(program);
        let record = answer.get("done", 0).or_else(|| answer.get("fail", 0)).unwrap();
        format!("{} {}", record.kind, record.field(0))
    }

    /// What the files of the host's home are called.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.home.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name != "applets" && name != ".local")
            .collect();
        names.sort();
        names
    }
}

pub(super) fn new<'a>(path: &'a str, content: &'a str) -> Write<'a> {
    Write {
        path,
        content: content.as_bytes(),
        mode: "640",
        owner: None,
        group: None,
        parents: false,
        guard: Guard::Exact("absent"),
        keep: Keep::No,
        confirm: None,
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap()
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn quoted_words_are_read_back() {
    for machine in machines() {
        for text in ["", "a b", "it's", "''", "$(id) `id` $HOME \\ \" !x", "line\nline\n", "ü€\t"] {
            let (output, _) = machine.raw(&format!("printf %s {}", quote(text)));
            assert_eq!(String::from_utf8(output).unwrap(), text, "{:?}", machine.shell);
        }
    }
}

#[test]
fn a_program_cut_anywhere_does_nothing() {
    let program = hello("n1");
    for machine in machines() {
        for end in (0..program.text.len() - "main </dev/null\n".len()).step_by(211) {
            let (output, _) = machine.raw(&program.text[..end]);
            assert!(output.is_empty(), "{:?} cut at {end}", machine.shell);
        }
        let answer = machine.run(&program);
        assert!(answer.get("user", 0).is_some() && answer.get("timeout", 0).is_some());
        assert_eq!(answer.get("missing", 0), None);
    }
}

#[test]
fn files_are_classified_and_measured() {
    for machine in machines() {
        let at = |name: &str| machine.file(name);
        let check = |path: &str, want: Option<&str>, expect: &[&str]| {
            assert_eq!(machine.look(path, want), expect, "{:?} {path}", machine.shell);
        };
        fs::write(at("file"), "x\n").unwrap();
        fs::set_permissions(at("file"), fs::Permissions::from_mode(0o4750)).unwrap();
        symlink("file", at("link")).unwrap();
        symlink("nowhere", at("dangling")).unwrap();
        check(&at("file"), Some("x\n"), &["stat 4750", "sum 73cb"]);
        check(&at("link"), Some("y\n"), &["stat 4750", "sum 73cb", "content \"x\\n\""]);
        check(&at("file"), None, &["stat 4750", "sum 73cb", "content \"x\\n\""]);
        check(&at("dangling"), None, &["absent here"]);
        check(&at("missing"), None, &["absent here"]);
        check(&at("missing/file"), None, &["absent nowhere"]);
        check(&at(""), None, &["other folder"]);
        check("/dev/null", None, &["other special"]);
        fs::write(at("large"), vec![b'x'; CONTENT_LIMIT + 1]).unwrap();
        check(&at("large"), None, &["stat 644", "sum 154b"]);
        fs::write(at("new\nline\\"), "").unwrap();
        check(&at("new\nline\\"), None, &["stat 644", "sum e3b0", "content \"\""]);
    }
}

#[test]
fn a_host_tells_what_it_is() {
    for machine in machines() {
        fs::write(machine.file("file"), "x\n").unwrap();
        let path = machine.file("file");
        let file = FileLook { index: 0, path: &path, want: None, content: true };
        let looks = Looks { files: vec![file], facts: vec![1, 7], ..Looks::default() };
        let answer = machine.run(&look("n", &looks, false, false));
        assert!(answer.get("content", 0).is_some(), "{:?}", machine.shell);
        assert_eq!(answer.about(1), answer.about(7), "{:?}", machine.shell);
        let fact = |name: &str| {
            let record =
                answer.about(1).iter().find(|record| record.kind == "fact" && record.field(0) == name);
            record.map(|record| record.field(1).to_owned()).unwrap_or_default()
        };
        let said = |command: &str| {
            let output = Command::new("sh").args(["-c", command]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        for (name, command) in [
            ("hostname", "uname -n"),
            ("kernel", "uname -r"),
            ("architecture", "uname -m"),
            ("user", "id -un"),
            ("memory_kibibytes", "sed -n 's/^MemTotal: *\\([0-9]*\\) .*/\\1/p' /proc/meminfo"),
            ("machine_id", "cat /etc/machine-id"),
        ] {
            assert_eq!(fact(name), said(command), "{:?} {name}", machine.shell);
        }
        assert!(fact("cpus").parse::<u32>().is_ok_and(|count| count > 0), "{:?}", machine.shell);
        assert!(answer.get("os", 1).is_some() && !fact("init").is_empty(), "{:?}", machine.shell);
    }
}

#[test]
fn many_files_keep_their_numbers() {
    for machine in machines() {
        let endings = ["", " x", "\n", "\\y"];
        let name = |number: usize| machine.file(&format!("{number}{}", endings[number % endings.len()]));
        let names: Vec<_> = (0..40).map(name).collect();
        let files = names
            .iter()
            .enumerate()
            .map(|(index, path)| {
                if index % 3 > 0 {
                    fs::write(path, path).unwrap();
                }
                FileLook { index, path, want: None, content: true }
            })
            .collect();
        let looks = Looks { files, ..Looks::default() };
        for singly in [false, true] {
            let answer = machine.run(&look("n", &looks, false, singly));
            for (index, path) in names.iter().enumerate() {
                let content = answer.get("content", index).map(|record| record.bytes(0).unwrap());
                assert_eq!(
                    content,
                    (index % 3 > 0).then(|| path.clone().into_bytes()),
                    "{:?}",
                    machine.shell
                );
                assert_eq!(answer.get("absent", index).is_some(), index % 3 == 0);
            }
        }
    }
}

#[test]
fn files_are_written_only_over_what_was_reviewed() {
    for machine in machines() {
        let path = machine.file("it's a $file");
        let check = |file: &Write<'_>, expect: &str, content: &str| {
            assert_eq!(machine.change(&write("n", file)), expect, "{:?} {:?}", machine.shell, file.guard);
            assert_eq!(read(&path), content);
            assert_eq!(machine.names(), ["it's a $file"], "{:?}", machine.shell);
        };
        check(&new(&path, "one\n"), "done renamed", "one\n");
        assert_eq!(mode(&path), 0o640);
        check(&new(&path, "two\n"), "fail changed", "one\n");
        let again = Write { guard: Guard::ExactOrDone("absent"), ..new(&path, "one\n") };
        check(&again, "done already", "one\n");
        let again = Write { content: b"two\n", ..again };
        check(&again, "fail changed", "one\n");
        check(&Write { guard: Guard::Any, ..new(&path, "two\n") }, "done renamed", "two\n");
        let chmod = Write { guard: Guard::Any, mode: "4711", ..new(&path, "two\n") };
        check(&chmod, "done attributes", "two\n");
        assert_eq!(mode(&path), 0o4711);
        let stranger = Write { guard: Guard::Any, owner: Some("no-such-user"), ..new(&path, "three\n") };
        check(&stranger, "fail owner", "two\n");
        let stat = |format| {
            let output = Command::new("stat").args(["-c", format]).arg(&path).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let version = format!("content:{}:{}", sha256(b"two\n"), stat("%a:%u:%g"));
        let exact = Write { guard: Guard::Exact(&version), ..new(&path, "three\n") };
        check(&exact, "done renamed", "three\n");
    }
}

#[test]
fn folders_and_links_on_the_way() {
    for machine in machines() {
        let deep = machine.file("a b/c/file");
        assert_eq!(machine.change(&write("n", &new(&deep, "x"))), "fail folder");
        let parents = Write { parents: true, ..new(&deep, "x") };
        assert_eq!(machine.change(&write("n", &parents)), "done renamed");
        assert_eq!((read(&deep).as_str(), mode(&machine.file("a b/c"))), ("x", 0o755));
        let (link, target) = (machine.file("link"), machine.file("target\n"));
        symlink(&target, &link).unwrap();
        assert_eq!(
            machine.change(&write("n", &new(&link, "through"))),
            "done renamed",
            "{:?}",
            machine.shell
        );
        assert!(Path::new(&link).is_symlink());
        assert_eq!(read(&target), "through");
        let folder = Write { guard: Guard::Any, ..new(machine.home.path().to_str().unwrap(), "x") };
        assert_eq!(machine.change(&write("n", &folder)), "fail not_a_file");
    }
}

#[test]
fn contents_arrive_as_they_are() {
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for machine in machines() {
        for content in [&b""[..], b"\0", b"'\n$(x)\\", b"CONTENT-n\n", &all] {
            let path = machine.file("file");
            let file = Write { content, guard: Guard::Any, ..new(&path, "") };
            let done = machine.change(&write("n", &file));
            assert!(done.starts_with("done"), "{done}");
            assert!(fs::read(&path).unwrap() == content, "{:?}", machine.shell);
        }
    }
}

#[test]
fn what_arrives_in_part_is_not_written() {
    let large: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    for machine in machines() {
        let path = machine.file("file");
        fs::write(&path, "before").unwrap();
        let whole = write("n", &Write { content: &large, guard: Guard::Any, ..new(&path, "") });
        for length in [0, 1, 65_536, 199_999] {
            let mut program = whole.clone();
            program.payload.truncate(length);
            let reader = whole.reader().unwrap();
            let (output, _) = machine.fed(&["-c", &reader], &[program.text.as_bytes(), &program.payload]);
            let answer = Answer::read(&output, "n").unwrap();
            assert_eq!(answer.get("fail", 0).map(|record| record.field(0)), Some("write"), "{length}");
            assert_eq!((read(&path).as_str(), machine.names()), ("before", vec!["file".to_owned()]));
        }
        let (output, _) = machine.fed(&["-c", &whole.reader().unwrap()], &[&whole.text.as_bytes()[..3000]]);
        assert!(output.is_empty() && read(&path) == "before", "{:?}", machine.shell);
        assert_eq!(machine.change(&whole), "done renamed", "{:?}", machine.shell);
        assert!(fs::read(&path).unwrap() == large);
    }
}

#[test]
fn what_does_not_fit_leaves_everything_as_it_was() {
    let large = "x".repeat(100_000);
    for machine in machines() {
        let path = machine.file("file");
        fs::write(&path, "before").unwrap();
        let file = Write { guard: Guard::Any, ..new(&path, &large) };
        let mut program = write("n", &file);
        // Files of 8 blocks at most, which stands for a full disk.
        program.text.insert_str(0, "ulimit -f 8\n");
        assert_eq!(machine.change(&program), "fail write", "{:?}", machine.shell);
        assert_eq!((read(&path).as_str(), machine.names()), ("before", vec!["file".to_owned()]));
    }
}

#[test]
fn the_way_back() {
    for machine in machines() {
        let path = machine.file("file");
        let touch = |content, keep| Write { guard: Guard::Any, keep, ..new(&path, content) };
        let back =
            |policy, was| remove("n", &Remove { path: &path, policy, was, guard: Guard::Any, confirm: None });
        let check = |program: Program, expect: &str| {
            assert_eq!(machine.change(&program), expect, "{:?}", machine.shell);
        };
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        check(write("n", &touch("ours", Keep::Yes)), "done renamed");
        check(write("n", &touch("ours too", Keep::IfMissing)), "done renamed");
        check(back(Policy::Restore, "kept"), "done restored");
        assert_eq!((read(&path).as_str(), mode(&path)), ("before", 0o604));
        check(back(Policy::Restore, "kept"), "fail aside");
        check(back(Policy::Restore, ""), "done kept");
        check(back(Policy::Keep, ""), "done kept");
        check(back(Policy::Remove, ""), "done removed");
        check(back(Policy::Remove, ""), "done gone");
        check(write("n", &touch("ours", Keep::Yes)), "done renamed");
        check(back(Policy::Restore, "absent"), "done removed");
        assert!(!Path::new(&path).exists());
        fs::write(&path, vec![b'x'; CONTENT_LIMIT + 1]).unwrap();
        check(write("n", &touch("ours", Keep::Yes)), "done renamed");
        check(back(Policy::Restore, "too_large"), "done kept");
        assert_eq!(read(&path), "ours");
    }
}

#[test]
fn tasks_tell_their_output_and_end() {
    let run = |command| Task {
        command,
        setting: Setting::default(),
        guards: Guards::default(),
        seconds: 20,
        revert: None,
    };
    for machine in machines() {
        let check = |task: &Task<'_>, output: Option<&str>, code: &str| {
            let answer = machine.run(&super::task("n", task, true));
            let said =
                answer.get("output", 0).map(|record| String::from_utf8(record.bytes(0).unwrap()).unwrap());
            assert_eq!(said.as_deref(), output, "{:?} {}", machine.shell, task.command);
            assert_eq!(answer.get("exit", 0).map(|record| record.field(0)).unwrap_or("skipped"), code);
        };
        check(&run("printf 'a\\0b'"), Some("a\0b"), "0");
        check(&run("exit 3"), Some(""), "3");
        check(&run("echo 'it''s'\n# a comment"), Some("its\n"), "0");
        check(&run("cat"), Some(""), "0");
        check(&run("if"), Some(""), "2");
        check(&run("}; echo out"), Some(""), "2");
        check(&run("kill -9 $$"), Some(""), "137");
        check(&run("cat <<'END'\n$x\nEND\necho 1"), Some("$x\n1\n"), "0");
        let set = Setting { environment: vec![("A", "it's\n$x\n")], folder: Some("/") };
        check(&Task { setting: set.clone(), ..run("pwd; printf %s \"$A\"") }, Some("/\nit's\n$x\n"), "0");
        let lost = Setting { folder: Some("/nowhere"), ..set };
        check(&Task { setting: lost, ..run("pwd") }, Some(""), "126");
        check(
            &Task { seconds: 1, ..run("exec sleep 30") },
            Some(""),
            if machine.shell[0] == "busybox" { "143" } else { "124" },
        );
        let guarded = |guards| Task { guards, ..run("echo ran") };
        check(&guarded(Guards { creates: Some("/"), ..Guards::default() }), None, "skipped");
        check(&guarded(Guards { unless: Some("true"), ..Guards::default() }), None, "skipped");
        check(&guarded(Guards { onlyif: Some("false"), ..Guards::default() }), None, "skipped");
        let due = Guards { creates: Some("/nowhere"), unless: Some("exit 4"), onlyif: Some("echo noise") };
        check(&guarded(due), Some("ran\n"), "0");
    }
}

/// One change of a folder: what it fails with, or what is there after.
fn make_directory(machine: &Machine, version: Option<&str>, path: &str, commands: &str) -> String {
    let change = Deed {
        library: include_str!("../directory/directory.sh"),
        sight: ["see_directory", path, "", ""].map(str::to_owned).to_vec(),
        version,
        commands,
    };
    let answer = machine.run(&deed("n", &change));
    let record = answer.about(0).first().unwrap();
    format!("{} {}", record.kind, record.field(0))
}

#[test]
fn folders_are_made_and_removed() {
    for machine in machines() {
        let path = machine.file("it's $(a)\n\"folder\"/-x");
        let quoted = quote(&path);
        let make = |parents: u8| format!("make_directory {quoted} 750 '' '' {parents} 0\n");
        let check = |version, commands: &str, expect: &str| {
            assert_eq!(make_directory(&machine, version, &path, commands), expect, "{:?}", machine.shell);
        };
        check(Some("absent"), &make(0), "fail folder");
        check(Some("absent"), &make(1), "folder 750");
        check(Some("absent"), &make(1), "fail changed");
        check(Some("0123"), &make(1), "fail changed");
        check(None, "chmod 700 \"$nonce\"\n", "fail failed");
        fs::write(format!("{path}/a\nb"), "").unwrap();
        check(None, &format!("unmake_directory {quoted} 0\n"), "folder 750");
        check(None, &format!("unmake_directory {quoted} 1\n"), "absent here");
        check(None, &format!("unmake_directory {quoted} 1\n"), "absent here");
    }
}
