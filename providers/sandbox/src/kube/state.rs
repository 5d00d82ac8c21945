//! What the world's lock guards.

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

use super::error::Error;
use super::object;
use super::options::Options;
use super::registry::Registry;
use super::store::{Key, Store};
use super::token::{self, TokenKey};

/// The alphabet of generated names: no vowels, so no words.
const NAME_ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const NAME_SUFFIX_LENGTH: usize = 5;

/// Objects, served kinds and randomness.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    /// Whether addresses are listened on, so that those which another program listens on are not to be given away.
    pub(crate) network: bool,
    /// Whether rights are asked for, whatever the objects say.
    pub(crate) rbac: bool,
    random: StdRng,
    token_key: TokenKey,
}

impl State {
    pub(crate) fn new(store: Store, options: &Options) -> Result<Self, Error> {
        let seed = options.seed;
        let mut random = seed.map_or_else(|| StdRng::from_rng(&mut rand::rng()), StdRng::seed_from_u64);
        let chosen = random.random();
        let token_key = options.token.as_deref().map_or(chosen, token::key_from);
        let Options { network, rbac, .. } = *options;
        Ok(Self { store, registry: Registry::builtin()?, network, rbac, random, token_key })
    }

    /// A random (version 4) UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let bits: u128 = self.random.random();
        let bits = (bits & !(0xf000 << 64) & !(0xc000 << 48)) | (0x4000 << 64) | (0x8000 << 48);
        let hex = format!("{bits:032x}");
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
    }

    /// The random end of a generated name.
    pub(crate) fn name_suffix(&mut self) -> String {
        let mut letter = || {
            let at = self.random.random_range(0..NAME_ALPHABET.len());
            NAME_ALPHABET.get(at).map_or('x', |byte| char::from(*byte))
        };
        (0..NAME_SUFFIX_LENGTH).map(|_| letter()).collect()
    }

    /// What signs the tokens of service accounts: the same in every life of a world that has a token of its own.
    pub(crate) fn token_key(&self) -> &TokenKey {
        &self.token_key
    }

    /// An object of the store.
    pub(crate) fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.store.get(resource, &Key::new(namespace, name))
    }

    /// What tells this world from every other one on the machine, whose addresses must not be the same.
    pub(crate) fn identity(&self) -> String {
        self.get("namespaces", "", "kube-system")
            .map(|namespace| object::uid(namespace).to_owned())
            .unwrap_or_default()
    }

    /// How many objects each resource has.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (resource, _) in self.store.all() {
            *counts.entry(resource.to_string()).or_insert(0) += 1;
        }
        counts
    }
}
