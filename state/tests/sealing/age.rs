//! The ordinary `age` program reads what is written for its recipients.
//!
//! How what it writes is read is tested inside the crate: without a name it is no document.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::chance::Chance;
use crate::shelf::Shelf;
use crate::world::{
    ANN, BEN, KEY, PASSPHRASE, age, command, encryption, over, own, passphrase, problem, read, write,
};

/// What the program writes to its standard output, and whether it succeeds.
fn run(arguments: &[&str], input: &[u8]) -> (Vec<u8>, bool) {
    let mut child = Command::new("age")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test needs the program `age`: tests/run installs it");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    // It may have ended before it has read everything.
    let _ = writer.join().unwrap();
    (output.stdout, output.status.success())
}

/// The content of a document, if the program can decrypt it with that identity.
pub(crate) fn decrypt(identity: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{identity}").unwrap();
    let (content, success) = run(&["--decrypt", "--identity", file.path().to_str().unwrap()], sealed);
    success.then_some(content)
}

#[tokio::test]
async fn every_recipient_decrypts_a_state_with_the_program() {
    let mut chance = Chance(7);
    let shelf = Arc::new(Shelf::default());
    let everyone =
        [age(&[ANN.recipient, BEN.recipient], &[ANN.identity]), passphrase(PASSPHRASE), command(KEY)];
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let content = chance.bytes(length);
        write(&over(&shelf, &everyone, &[]), "state.json", &content).await.unwrap();
        for pair in [&ANN, &BEN] {
            assert!(decrypt(pair.identity, &shelf.blob("state.json")).unwrap() == content, "{length} bytes");
        }
    }
    let plan = encryption(&[own(&ANN)], &[]).seal_plan(b"{}").await.unwrap();
    assert_eq!(decrypt(ANN.identity, &plan).unwrap(), b"{}");
    assert_eq!(decrypt(BEN.identity, &plan), None);
}

#[tokio::test]
async fn what_the_program_encrypts_is_no_document() {
    let (sealed, success) = run(&["--encrypt", "--recipient", ANN.recipient], b"{}");
    assert!(success);
    let shelf = Arc::new(Shelf::default());
    shelf.put("state.json", sealed);
    let storage = over(&shelf, &[own(&ANN)], &[]);
    assert_eq!(problem(read(&storage, "state.json").await), "it is encrypted, but not by meshform");
}
