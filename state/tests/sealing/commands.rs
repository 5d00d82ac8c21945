//! Keys that a program gives.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use meshform_state::encryption::KeySource;

use crate::shelf::Shelf;
use crate::world::{KEY, command, contains, encryption, over, read, write};

fn shell(script: &str) -> KeySource {
    KeySource::Command(["sh", "-c", script].map(str::to_owned).to_vec())
}

#[tokio::test]
async fn one_key_in_all_its_spellings() {
    let shelf = Arc::new(Shelf::default());
    write(&over(&shelf, &[command(KEY)], &[]), "a", b"1").await.unwrap();
    let spellings = [
        shell("printf 'meshform meshform meshform mesh!'"),
        command(&KEY.to_uppercase()),
        command("bWVzaGZvcm0gbWVzaGZvcm0gbWVzaGZvcm0gbWVzaCE="),
        command("bWVzaGZvcm0gbWVzaGZvcm0gbWVzaGZvcm0gbWVzaCE"),
    ];
    for (index, spelling) in spellings.into_iter().enumerate() {
        assert_eq!(read(&over(&shelf, &[spelling], &[]), "a").await.unwrap(), b"1", "{index}");
    }
}

#[tokio::test]
async fn a_program_that_gives_no_key_is_named_and_what_it_wrote_is_not() {
    let no_key = "its standard output is neither 32 bytes nor 64 hexadecimal digits nor 32 bytes in base64";
    let check = async |source: KeySource, expect: &str| {
        let error = encryption(&[source], &[]).seal_plan(b"{}").await.unwrap_err().to_string();
        assert_eq!(error, expect);
    };
    check(command("hunter2"), &format!("echo, which is to give the key: {no_key}")).await;
    check(command(&KEY[1..]), &format!("echo, which is to give the key: {no_key}")).await;
    check(command(&KEY.replace('6', "g")), &format!("echo, which is to give the key: {no_key}")).await;
    check(shell("printf hunter2; exit 3"), "sh, which is to give the key: it failed (exit status: 3)").await;
    check(shell("cat /dev/zero"), &format!("sh, which is to give the key: {no_key}")).await;
    let missing = KeySource::Command(vec!["/nowhere/key".into()]);
    check(missing, "/nowhere/key, which is to give the key: it cannot be started: No such file or directory (os error 2)").await;
}

#[tokio::test]
async fn a_program_is_asked_once_and_only_when_its_key_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let (program, count) = (folder.path().join("key"), folder.path().join("count"));
    std::fs::write(&program, format!("#!/bin/sh\necho asked >> {}\necho {KEY}\n", count.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
    let encryption = encryption(&[KeySource::Command(vec![program.display().to_string()])], &[]);
    assert!(!count.exists());
    let (one, two) = tokio::join!(encryption.seal_plan(b"one"), encryption.seal_plan(b"two"));
    assert_eq!(encryption.open_plan(&one.unwrap()).await.unwrap(), b"one");
    assert!(!contains(&two.unwrap(), b"two"));
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "asked\n");
}
