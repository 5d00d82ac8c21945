//! Documents from elsewhere and from later.

use std::sync::Arc;

use crate::shelf::Shelf;
use crate::world::{ANN, over, own, problem, read, write};

#[tokio::test]
async fn foreign_and_newer_documents_are_called_so() {
    let shelf = Arc::new(Shelf::default());
    let storage = over(&shelf, &[own(&ANN)], &[]);
    write(&storage, "a", b"1").await.unwrap();
    let sealed = shelf.blob("a");
    let replaced = |from: &str, to: &str| {
        let at = sealed.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        [&sealed[..at], to.as_bytes(), &sealed[at + from.len()..]].concat()
    };
    let newer =
        "its encryption is of version 2, and this meshform reads up to version 1: use a newer meshform";
    let unencrypted = "it is not encrypted, but encryption is configured: if it was written before that, set `migrate = true` in the block \
                       `encryption` until it has been written anew";
    for (content, expect) in [
        (replaced("meshform/1", "meshform/2"), newer),
        (replaced("meshform/1", "someone/1"), "it is encrypted, but not by meshform"),
        (replaced("encryption.org/v1", "encryption.org/v2"), unencrypted),
        (replaced("-> X25519 ", "-> X25519  "), "it is damaged or was changed"),
        (sealed[..60].to_vec(), "it is cut off"),
        (sealed[..sealed.len() - 17].to_vec(), "it is cut off"),
        (
            b"age-encryption.org/v1\n".iter().chain([b'-'; 70_000].iter()).copied().collect(),
            "it is damaged or was changed",
        ),
        (Vec::new(), unencrypted),
    ] {
        shelf.put("a", content);
        assert_eq!(problem(read(&storage, "a").await), expect);
    }
}
