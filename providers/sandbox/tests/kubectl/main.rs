//! The machine's `kubectl`, and Debian's older one, on a world: each command by its real effect.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod cluster;
mod objects;
mod pods;

/// Each with the machine's kubectl, and with Debian's.
macro_rules! with_both {
    ($($module:ident::$name:ident),* $(,)?) => {
        mod machine {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let cluster = crate::cluster::Cluster::start(crate::cluster::Release::Machine).await;
                crate::$module::$name(cluster.unwrap()).await;
            })*
        }

        mod debian {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(cluster) = crate::cluster::Cluster::start(crate::cluster::Release::Debian).await {
                    crate::$module::$name(cluster).await;
                }
            })*
        }
    };
}

with_both!(
    objects::apply_and_diff,
    objects::rollouts,
    objects::changes_of_one_object,
    objects::a_watch_shows_what_happens,
    objects::deletes,
    objects::what_there_is,
    pods::commands,
    pods::an_attached_client_waits_for_the_end,
    pods::ports,
    pods::drained_nodes,
);
