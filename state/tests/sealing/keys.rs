//! Who can open what, and what it costs.

use std::sync::Arc;
use std::time::Instant;

use meshform_state::Storage;
use meshform_state::encryption::{Encrypted, Encryption, PassphraseCost, Settings};

use crate::shelf::Shelf;
use crate::world::{
    ANN, BEN, KEY, PASSPHRASE, age, command, over, own, passphrase, problem, read, settings, write,
};

#[tokio::test]
async fn whoever_has_none_of_the_keys_is_told_whose_they_are() {
    let check = async |current: &[_], other: &[_], expect: &str| {
        let shelf = Arc::new(Shelf::default());
        write(&over(&shelf, current, &[]), "state.json", b"1").await.unwrap();
        assert_eq!(problem(read(&over(&shelf, other, &[]), "state.json").await), expect);
    };
    let other = "0".repeat(64);
    check(
        &[own(&ANN), command(KEY), passphrase(PASSPHRASE)],
        &[own(&BEN), passphrase("another"), command(&other)],
        "it is encrypted for other keys (for: age14nkft889v8, key-5ffba904, passphrase) than are configured (age1nmzxv6fgkj, \
         key-43548615, passphrase), or its header is damaged",
    )
    .await;
    check(
        &[passphrase(PASSPHRASE)],
        &[passphrase("another")],
        "it is encrypted for other keys (for: passphrase) than are configured (passphrase), or its header is damaged",
    )
    .await;
    check(
        &[age(&[ANN.recipient, BEN.recipient], &[ANN.identity])],
        &[],
        "it is encrypted (for: age14nkft889v8, age1nmzxv6fgkj), and no encryption is configured: give a key to it in the block \
         `encryption` of `meshform`, or in the environment variable MESHFORM_ENCRYPTION",
    )
    .await;
}

#[tokio::test]
async fn an_identity_alone_is_its_own_recipient() {
    let shelf = Arc::new(Shelf::default());
    let file = format!("# created by age-keygen\n# public key: {}\n{}\n", ANN.recipient, ANN.identity);
    write(&over(&shelf, &[age(&[], &[&file])], &[]), "state.json", b"1").await.unwrap();
    assert_eq!(read(&over(&shelf, &[own(&ANN)], &[]), "state.json").await.unwrap(), b"1");
}

/// The default cost is some hundredth seconds of an optimised program: two hundred of it would be noticed.
#[tokio::test]
async fn a_passphrase_is_made_into_a_key_once() {
    let shelf = Arc::new(Shelf::default());
    let cost = PassphraseCost { memory_kib: 8 << 10, passes: 4, lanes: 1 };
    let storage = || {
        let settings = Settings { cost, ..settings(&[passphrase(PASSPHRASE)], &[]) };
        Encrypted::new(shelf.clone(), Arc::new(Encryption::new(settings).unwrap()))
    };
    let (first, start) = (storage(), Instant::now());
    write(&first, "a", b"1").await.unwrap();
    let once = start.elapsed();
    let (second, start) = (storage(), Instant::now());
    for index in 0..100 {
        let (name, log) = (format!("blob-{index}"), format!("log-{index}"));
        // What another process has written has the same salt, as this one has read it before it wrote.
        read(&second, "a").await.unwrap();
        write(&second, &name, b"1").await.unwrap();
        read(&first, &name).await.unwrap();
        second.append(&log, 0, b"1").await.unwrap();
        first.read_log(&log).await.unwrap();
    }
    assert!(start.elapsed() < once * 50, "{:?} for 400 documents, {once:?} for one", start.elapsed());
}

#[tokio::test]
async fn a_header_cannot_ask_for_more_than_is_ever_written() {
    let shelf = Arc::new(Shelf::default());
    let storage = over(&shelf, &[passphrase(PASSPHRASE)], &[]);
    write(&storage, "a", b"1").await.unwrap();
    let sealed = String::from_utf8_lossy(&shelf.blob("a")).into_owned();
    let header = sealed.split_inclusive('\n').take_while(|line| !line.starts_with("---"));
    let header: String = header.chain(["--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"]).collect();
    for cost in
        [" 4294967295 1 1 ", " 262145 1 1 ", " 1024 4294967295 1 ", " 1024 1 16777215 ", " 262144 16 1 "]
    {
        shelf.put("a", header.replace(" 1024 1 1 ", cost).into_bytes());
        assert_eq!(
            problem(read(&storage, "a").await),
            "it asks for more work to try a passphrase than meshform ever does",
            "{cost}"
        );
    }
    shelf.put("a", header.into_bytes());
    assert_eq!(problem(read(&storage, "a").await), "it is damaged or was changed");
    storage.remove("a").await.unwrap();
}
