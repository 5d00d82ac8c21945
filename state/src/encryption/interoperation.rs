//! What the ordinary `age` program writes is read: header and content, by its own recipients.

use std::io::Write;
use std::process::{Command, Stdio};

use super::x25519::Identity;
use super::{header, stream};

const RECIPIENTS: [&str; 2] = [
    "age14nkft889v8fxxqmds6wlz0k4qt3lxv7rnmfraqjulnj2cp2jy50qx6dl9d",
    "age1nmzxv6fgkj5ld5rp40xqdhfsccv7w8z8et6kgft6nwezq8ld747saumnpf",
];
const IDENTITIES: [&str; 2] = [
    "AGE-SECRET-KEY-14M5LYH34CW9C4A4YJLCMMAXHW9J3LU8LYW02A6M9M7FX2MWC2ZGQA06GGU",
    "AGE-SECRET-KEY-1E0CZSNP9EZUM6DDK0SCWS5R9KH9P8G7NP0V7EDSQTLFPLLX73U2QSUMRK2",
];

/// Encrypts with the program, for both recipients.
fn encrypt(content: &[u8]) -> Vec<u8> {
    let [ann, ben] = RECIPIENTS;
    let mut child = Command::new("age")
        .args(["--encrypt", "--recipient", ann, "--recipient", ben])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs the program `age`: tests/run installs it");
    let mut stdin = child.stdin.take().unwrap();
    let content = content.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&content));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

#[test]
fn what_the_program_encrypts_is_decrypted_with_each_identity() {
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 150_000] {
        let content: Vec<_> = (0..length).map(|index| u8::try_from(index % 251).unwrap()).collect();
        let sealed = encrypt(&content);
        for identity in IDENTITIES {
            let identity = Identity::parse(identity).unwrap();
            let header = header::read(&sealed).unwrap();
            let file_key = header.stanzas.iter().find_map(|stanza| identity.unwrap(stanza).unwrap()).unwrap();
            assert!(header.is_authentic(&file_key).unwrap());
            assert!(stream::open(&file_key, &sealed[header.length..]).unwrap() == content, "{length} bytes");
        }
    }
}

#[test]
fn a_recipient_is_that_of_its_identity() {
    for (recipient, identity) in RECIPIENTS.into_iter().zip(IDENTITIES) {
        assert_eq!(Identity::parse(identity).unwrap().recipient().to_string(), recipient[..14]);
    }
}
