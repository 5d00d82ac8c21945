//! What a resource type is to this provider: one value of one trait. A new type is one folder and one line in [`ALL`].

use meshform_engine::address::Address;
use meshform_engine::ports::{
    Difference, DifferenceRequest, ObserveItem, Observed, PerformRequest, Performed, Problem, ProviderError,
    StepFailure,
};
use meshform_engine::schema::Attribute;
use meshform_engine::value::Value;

use crate::account::{Accounts, Group, Key, User};
use crate::answer::Answer;
use crate::command::Commands;
use crate::confirm::Confirm;
use crate::container::Container;
use crate::cron::Cron;
use crate::directory::Directory;
use crate::env_file::EnvFile;
use crate::file::Files;
use crate::line::Line;
use crate::managed::{InText, OnHost};
use crate::mount::Mount;
use crate::package::Package;
use crate::promise::Promises;
use crate::reboot::Reboot;
use crate::script::{FileLook, Looks, Program, Write};
use crate::service::Service;
use crate::sysctl::Sysctl;
use crate::timer::Timer;

/// All resource types of hosts.
pub(crate) const ALL: &[&dyn Resource] = &[
    &Files,
    &Commands,
    &OnHost(Directory),
    &InText(Line),
    &InText(EnvFile),
    &OnHost(Group),
    &OnHost(User),
    &OnHost(Key),
    &OnHost(Sysctl),
    &OnHost(Package),
    &OnHost(Mount),
    &OnHost(Service),
    &OnHost(Cron),
    &OnHost(Timer),
    &OnHost(Container),
    &Reboot,
];

/// One resource type: pure, and the same for all of its instances.
pub(crate) trait Resource: Sync {
    /// Its name in HCL.
    fn name(&self) -> &'static str;

    /// What its block may contain.
    fn attributes(&self) -> Vec<Attribute>;

    /// What is wrong with its values, as far as they are known.
    fn check(&self, desired: &Value) -> Vec<Problem>;

    /// What is shown or stored as it is and so must not be sensitive, with the reason in sentences.
    fn exposed(&self) -> &'static [(&'static str, &'static str)];

    /// What an instance is on its host, once that is known.
    fn identity(&self, address: &Address, desired: &Value) -> Option<String>;

    /// The users and groups that have to be there for it.
    fn accounts(&self, _: &Value) -> Accounts {
        Accounts::new()
    }

    /// Adds what is to be asked about an instance.
    fn look<'a>(&self, index: usize, item: &'a ObserveItem, looks: &mut Looks<'a>);

    /// What the answer says about it, or `None` when it says that the thing changed while it was looked at.
    fn observed(
        &self,
        index: usize,
        item: &ObserveItem,
        answer: &Answer,
        promises: &Promises,
    ) -> Option<Result<Observed, ProviderError>>;

    /// What would have to be done.
    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference;

    /// How a change is made. It may take so many seconds, if something says so.
    ///
    /// # Errors
    /// When the request does not tell all that it takes.
    fn work<'a>(&'a self, request: &'a PerformRequest, limit: Option<u64>)
    -> Result<Work<'a>, ProviderError>;
}

/// The resource type of that name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Resource> {
    ALL.iter().copied().find(|resource| resource.name() == name)
}

/// How a change is made.
pub(crate) enum Work<'a> {
    /// Only what is recorded changes.
    Record(Performed),
    /// By one program.
    Job(Box<dyn Job + 'a>),
    /// By reading a file and writing it with a part of it changed.
    Edit(Box<dyn Edit + 'a>),
    /// By rebooting the host, while nothing else is done on it.
    Restart(Box<dyn Restart + 'a>),
}

/// A change that one program makes.
pub(crate) trait Job: Send + Sync {
    /// How long the program may take, in seconds.
    fn seconds(&self) -> u64;

    /// What to say while it runs.
    fn notice(&self) -> Option<&'static str> {
        None
    }

    /// The program. `again`: the answer to an earlier one was lost. `timeout`: whether the host has a `timeout` that kills.
    ///
    /// # Errors
    /// When the request does not tell all that it takes.
    fn program(&self, nonce: &str, again: bool, timeout: bool) -> Result<Program, ProviderError>;

    /// Whether a second program finds out by itself what the first one, whose answer was lost, has done.
    fn settles_itself(&self) -> bool;

    /// Whether no other change is made on the host meanwhile: it may touch what others touch, too.
    fn is_alone(&self) -> bool;

    /// Whether the host takes it back by itself unless it is confirmed.
    fn confirm(&self) -> Option<Confirm> {
        None
    }

    /// What is recorded when its end was not heard.
    fn cut_off(&self) -> Option<Box<Performed>>;

    /// What the answer makes of it. `words` is what the host's tools wrote for people.
    ///
    /// # Errors
    /// When the host says that the change was not made.
    fn performed(&self, answer: &Answer, words: &str) -> Result<Performed, StepFailure>;
}

/// A change of a part of a file that others also write.
pub(crate) trait Edit: Send + Sync {
    /// The file as it has to be looked at.
    fn look(&self) -> FileLook<'_>;

    /// What to make of the file as it is.
    ///
    /// # Errors
    /// When what is there is not what was reviewed, or cannot be edited.
    fn edited(&self, answer: &Answer) -> Result<Edited, ProviderError>;

    /// Whether the host takes it back by itself unless it is confirmed.
    fn confirm(&self) -> Option<Confirm>;

    /// The error of a write that failed for this reason, which the host gave.
    fn failure(&self, code: &str, what: &str, words: &str) -> ProviderError;
}

/// A reboot: programs before and after it.
pub(crate) trait Restart: Send + Sync {
    /// How long the host may be away, in seconds.
    fn seconds(&self) -> u64;

    /// The program that begins it.
    fn begin(&self, nonce: &str) -> Program;

    /// What has come of that.
    ///
    /// # Errors
    /// When the host does not reboot.
    fn begun(&self, answer: &Answer, words: &str) -> Result<Begun, StepFailure>;

    /// The id of the boot that was reviewed.
    fn reviewed(&self) -> Option<&str>;

    /// The program that asks whether the host is back.
    fn ask(&self, nonce: &str) -> Program;

    /// Whether it is, from the boot that it left.
    fn is_back(&self, answer: &Answer, left: Option<&str>) -> bool;

    /// The program that ends it.
    fn end(&self, nonce: &str) -> Program;

    /// What is recorded, by the answer to the last one.
    fn performed(&self, answer: &Answer) -> Performed;

    /// The error of a host that is not back in time. `why` is what was said last.
    fn missing(&self, why: &str) -> ProviderError;
}

/// What has come of the beginning of a reboot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// The host leaves the boot of this id.
    Leaving(String),
    /// It was rebooted since it was reviewed.
    Over,
}

/// What an edit makes of a file.
#[derive(Debug)]
pub(crate) struct Edited {
    /// What has to be done.
    pub(crate) deed: EditDeed,
    /// What is recorded after it.
    pub(crate) performed: Performed,
}

/// What has to be done with an edited file.
#[derive(Debug)]
pub(crate) enum EditDeed {
    /// Nothing: it is as wanted.
    Nothing,
    /// It is written.
    Write(Rewrite),
    /// It goes, as nothing is left in it of all that made it.
    Remove {
        /// Where it lies.
        path: String,
        /// What has to be there.
        version: String,
    },
}

/// A file to be written, as it owns its parts.
#[derive(Debug)]
pub(crate) struct Rewrite {
    /// Where it lies.
    pub(crate) path: String,
    /// What it shall hold.
    pub(crate) content: String,
    /// Its permissions as octal digits without leading zeros.
    pub(crate) mode: String,
    /// Whether missing folders are made.
    pub(crate) parents: bool,
    /// What has to be there.
    pub(crate) version: String,
    /// In how many seconds the host takes it back unless it is confirmed.
    pub(crate) confirm: Option<u64>,
}

impl Rewrite {
    /// As the program takes it.
    pub(crate) fn as_write(&self) -> Write<'_> {
        Write {
            path: &self.path,
            content: self.content.as_bytes(),
            mode: &self.mode,
            owner: None,
            group: None,
            parents: self.parents,
            guard: crate::script::Guard::Exact(&self.version),
            keep: crate::script::Keep::No,
            confirm: self.confirm,
        }
    }
}
