//! Plan files.

use crate::world::{ANN, BEN, encryption, own};

#[tokio::test]
async fn a_plan_is_for_the_holders_of_the_keys_and_nothing_else_is_a_plan() {
    let (ann, ben, nobody) =
        (encryption(&[own(&ANN)], &[]), encryption(&[own(&BEN)], &[]), encryption(&[], &[]));
    let sealed = ann.seal_plan(b"{}").await.unwrap();
    assert_eq!(ann.open_plan(&sealed).await.unwrap(), b"{}");
    assert_eq!(
        ben.open_plan(&sealed).await.unwrap_err().to_string(),
        "it is encrypted for other keys (for: age14nkft889v8) than are configured (age1nmzxv6fgkj), or its header is damaged"
    );
    assert_eq!(
        nobody.open_plan(&sealed).await.unwrap_err().to_string(),
        "it is encrypted (for: age14nkft889v8), and no encryption is configured: give a key to it in the block `encryption` of `meshform`, \
         or in the environment variable MESHFORM_ENCRYPTION"
    );
    assert!(ann.open_plan(b"{}").await.is_err());
    assert_eq!(nobody.seal_plan(b"{}").await.unwrap(), b"{}");
    assert_eq!(nobody.open_plan(b"{}").await.unwrap(), b"{}");
}
