//! Archives of git's and tar's own making, and archives that nobody means well with.

use std::io::Write as _;
use std::process::Command;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};

use super::*;
use crate::modules::tree::hash;

const BOUNDS: Bounds = Bounds { entries: 20, bytes: 4 << 20 };

/// A file of a hand-made archive: its name, its kind and what it holds.
type Member<'a> = (&'a str, char, &'a [u8]);

fn octal(field: &mut [u8], number: u64) {
    let digits = format!("{number:0width$o}", width = field.len() - 1);
    field[..digits.len()].copy_from_slice(digits.as_bytes());
}

fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, content) in members {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        octal(&mut header[100..108], 0o644);
        let (target, content): (&[u8], &[u8]) = if *kind == '2' { (content, b"") } else { (b"", content) };
        octal(&mut header[124..136], content.len() as u64);
        header[156] = *kind as u8;
        header[157..157 + target.len()].copy_from_slice(target);
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum = header.iter().map(|byte| u64::from(*byte)).sum();
        octal(&mut header[148..155], sum);
        bytes.extend(header);
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    gzip(&bytes)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[Member<'_>]) -> Vec<u8> {
    let (mut files, mut directory) = (Vec::new(), Vec::new());
    let (two, four) =
        (|number: usize| (number as u16).to_le_bytes(), |number: usize| (number as u32).to_le_bytes());
    for (name, kind, content) in members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let mode: u32 = if *kind == '2' { 0o120_777 } else { 0o100_644 };
        let common = [
            &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..],
            &crc.sum().to_le_bytes(),
            &four(packed.len()),
            &four(content.len()),
            &two(name.len()),
            &two(0),
        ]
        .concat();
        let offset = files.len();
        files.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &packed].concat());
        let rest = [&[0; 6][..], &(mode << 16).to_le_bytes(), &four(offset)].concat();
        directory.extend([b"PK\x01\x02\x14\x03", &common[..], &rest, name.as_bytes()].concat());
    }
    let (start, length, count) = (files.len(), directory.len(), members.len());
    let end =
        [b"PK\x05\x06", &[0; 4][..], &two(count), &two(count), &four(length), &four(start), &two(0)].concat();
    [files, directory, end].concat()
}

fn unpacked(form: Form, bytes: &[u8]) -> Result<tempfile::TempDir, String> {
    let mut archive = tempfile::tempfile().unwrap();
    archive.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut archive).unwrap();
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("in");
    fs::create_dir(&folder).unwrap();
    let ended = unpack(form, archive, &folder, BOUNDS).map_err(|error| error.fragment());
    let beside: Vec<_> =
        fs::read_dir(outer.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["in"], "nothing is written beside");
    ended.map(|()| outer)
}

/// Both forms made of the same members.
#[track_caller]
fn refuse(members: &[Member<'_>], expect: &str) {
    for (form, bytes) in [(Form::TarGzip, tar(members)), (Form::Zip, zip(members))] {
        let error = unpacked(form, &bytes).map(drop).unwrap_err();
        assert!(error.contains(expect), "{form:?}: {error}");
    }
}

fn sh(folder: &Path, script: &str) {
    let ended = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(ended.status.success(), "{script}: {}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn archives_of_real_programs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let long = "long-".repeat(30);
    sh(
        folder.path(),
        &format!(
            "mkdir -p tree/sub/{long} && cd tree && echo main > main.hcl && seq 100000 > sub/{long}/numbers && : > empty
             ln -s ../main.hcl sub/link && ln -s {long}/numbers sub/far && cd ..
             tar -czf gnu.tgz -C tree . && tar --format=pax -czf pax.tgz -C tree . && tar --format=ustar -czf ustar.tgz -C tree main.hcl empty
             git -c init.defaultBranch=main init -q tree && cd tree && git add . && git -c user.name=x -c user.email=x@x commit -qm x
             git archive --format=tar.gz -o ../git.tgz HEAD && git archive --format=zip -o ../git.zip HEAD && rm -rf .git"
        ),
    );
    let expect = hash(&folder.path().join("tree")).unwrap();
    for (name, form) in [
        ("gnu.tgz", Form::TarGzip),
        ("pax.tgz", Form::TarGzip),
        ("git.tgz", Form::TarGzip),
        ("git.zip", Form::Zip),
    ] {
        let found = unpacked(form, &fs::read(folder.path().join(name)).unwrap()).unwrap();
        assert_eq!(hash(&found.path().join("in")).unwrap(), expect, "{name}");
    }
    let found = unpacked(Form::TarGzip, &fs::read(folder.path().join("ustar.tgz")).unwrap()).unwrap();
    assert_eq!(fs::read_to_string(found.path().join("in/main.hcl")).unwrap(), "main\n");
}

#[test]
fn what_is_hand_made_is_read() {
    let members = [("a/b", '0', &b"text"[..]), ("l", '2', b"a/b"), ("a/", '5', b""), ("./c", '0', b"")];
    for (form, bytes) in [(Form::TarGzip, tar(&members)), (Form::Zip, zip(&members))] {
        let found = unpacked(form, &bytes).unwrap();
        let read = |name: &str| fs::read(found.path().join("in").join(name)).unwrap();
        assert_eq!(
            (read("a/b"), read("l"), read("c")),
            (b"text".to_vec(), b"text".to_vec(), Vec::new()),
            "{form:?}"
        );
    }
}

#[test]
fn nothing_leaves_the_folder() {
    refuse(&[("../x", '0', b"x")], "leads out of it");
    refuse(&[("a/../../x", '0', b"x")], "leads out of it");
    refuse(&[("/tmp/meshform-x", '0', b"x")], "leads out of it");
    refuse(&[("..\\x", '0', b"x")], "leads out of it");
    refuse(&[("../x/", '5', b"")], "leads out of it");
    refuse(&[("l", '2', b"/etc/passwd")], "leads out of it");
    refuse(&[("l", '2', b"../x")], "leads out of it");
    refuse(&[("a/l", '2', b"b/../../../x")], "leads out of it");
    refuse(&[("l", '2', b"")], "leads out of it");
    // Through a link of its own: to itself, and to another folder.
    refuse(&[("l", '2', b"."), ("l/x", '0', b"x")], "twice");
    refuse(&[("a", '2', b"b"), ("a/l", '2', b"../../x"), ("b/", '5', b"")], "leads out of it");
    refuse(&[("a", '2', b"b"), ("a/l", '2', b"../x"), ("b/", '5', b"")], "behind a link");
    refuse(&[("x", '0', b"x"), ("x", '0', b"y")], "twice");
    refuse(&[("x", '0', b"x"), ("x", '2', b"y")], "twice");
}

#[test]
fn other_kinds_of_files_are_refused() {
    for kind in ['1', '3', '4', '6', 'S'] {
        let error = unpacked(Form::TarGzip, &tar(&[("x", kind, b"")])).map(drop).unwrap_err();
        assert!(error.contains("no file, folder or symbolic link"), "{kind}: {error}");
    }
}

#[test]
fn bombs_are_stopped() {
    let zeros = vec![0; (BOUNDS.bytes + 1) as usize];
    refuse(&[("x", '0', &zeros)], "more than 4194304 bytes");
    refuse(&[("x", '0', &zeros[..3 << 20]), ("y", '0', &zeros[..2 << 20])], "more than 4194304 bytes");
    let names: Vec<_> = (0..21).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), '0', &b""[..])).collect();
    refuse(&many, "more than 20 files");

    let name = "n".repeat(99);
    let long = unpacked(Form::TarGzip, &tar(&[(&name, 'L', &vec![b'x'; 2 << 20])])).map(drop).unwrap_err();
    assert!(long.contains("too long"), "{long}");
    // What the directory says about sizes is not believed.
    let lie = zip(&[("x", '0', &vec![0; 4096])]);
    let mut lie = lie;
    let at = lie.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    lie[at + 24..at + 28].copy_from_slice(&10_u32.to_le_bytes());
    let error = unpacked(Form::Zip, &lie).map(drop).unwrap_err();
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn broken_archives_are_told() {
    let whole = [("a", '0', &b"some text"[..]), ("b", '0', b"more text")];
    for (form, bytes) in [(Form::TarGzip, tar(&whole)), (Form::Zip, zip(&whole))] {
        for end in 0..bytes.len() - 1 {
            if let Err(error) = unpacked(form, &bytes[..end]) {
                assert!(error.contains("whole") || error.contains("damaged"), "{form:?} {end}: {error}");
            } else {
                assert_eq!(form, Form::TarGzip, "{end}");
            }
        }
        // Any byte may be wrong: it is told or does no harm.
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0xff;
            drop(unpacked(form, &wrong));
        }
    }
    let mut encrypted = zip(&whole);
    let at = encrypted.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    encrypted[at + 8] |= 1;
    assert!(unpacked(Form::Zip, &encrypted).unwrap_err().contains("is encrypted"));
}
