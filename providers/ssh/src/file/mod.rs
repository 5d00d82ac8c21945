//! `host_file`: one file with its content, permissions and owner; as a resource, and to be looked up.

mod content;
mod diff;
mod observe;
mod perform;
mod read;

use meshform_engine::address::Address;
use meshform_engine::ports::{
    Difference, DifferenceRequest, ObserveItem, Observed, PerformRequest, Problem, ProviderError,
};
use meshform_engine::schema::Attribute;
use meshform_engine::types::Type;
use meshform_engine::value::Value;

pub(crate) use self::content::{bytes, check as check_content};
pub(crate) use self::observe::{File, absent, named, no_folder, not_a_file, unreadable};
pub(crate) use self::perform::failure;
pub(crate) use self::read::{found, question};
use crate::account::{Account, Accounts};
use crate::answer::Answer;
use crate::attributes::text;
use crate::managed::end;
use crate::promise::Promises;
use crate::resource::{Resource, Work};
use crate::script::{Looks, Policy};
use crate::{check, confirm, schema};

/// How long writing a file may take, unless `timeouts` says otherwise, in seconds.
const WRITE_SECONDS: u64 = 120;

/// The resource type of files.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Files;

impl Resource for Files {
    fn name(&self) -> &'static str {
        schema::FILE
    }

    fn attributes(&self) -> Vec<Attribute> {
        attributes()
    }

    fn check(&self, desired: &Value) -> Vec<Problem> {
        check::file(desired)
    }

    fn exposed(&self) -> &'static [(&'static str, &'static str)] {
        &[(
            "path",
            "Files are known by their paths, in every plan and in the state. Let only the content be sensitive.",
        )]
    }

    fn identity(&self, _: &Address, desired: &Value) -> Option<String> {
        text(desired, "path").map(str::to_owned)
    }

    fn accounts(&self, desired: &Value) -> Accounts {
        Account::owners(desired)
    }

    fn look<'a>(&self, index: usize, item: &'a ObserveItem, looks: &mut Looks<'a>) {
        looks.files.push(observe::look(index, item));
    }

    fn observed(
        &self,
        index: usize,
        item: &ObserveItem,
        answer: &Answer,
        promises: &Promises,
    ) -> Option<Result<Observed, ProviderError>> {
        observe::observed(index, item, answer, promises)
    }

    fn difference(&self, request: &DifferenceRequest<'_>) -> Difference {
        diff::difference(request)
    }

    fn work<'a>(
        &'a self,
        request: &'a PerformRequest,
        limit: Option<u64>,
    ) -> Result<Work<'a>, ProviderError> {
        Ok(Work::Job(Box::new(perform::change(request, limit.unwrap_or(WRITE_SECONDS))?)))
    }
}

fn attributes() -> Vec<Attribute> {
    let [text, base64] = content::attributes();
    vec![
        Attribute::required("path", Type::String, "Where it lies, absolute. A link there is followed."),
        text,
        base64,
        Attribute::default("mode", Type::String, "0644", "Its permissions in octal."),
        Attribute::optional("owner", Type::String, "Its user by name or number; as it is, if left out."),
        Attribute::optional("group", Type::String, "Its group by name or number; as it is, if left out."),
        Attribute::default(
            "create_parents",
            Type::Bool,
            false,
            "Make the folders that it lies in, if they are missing.",
        ),
        end::attribute("What becomes of it at the end: remove, restore (what was there before) or keep."),
        confirm::attribute(),
        Attribute::computed("sha256", Type::String, "The SHA-256 of its content, in hexadecimal."),
    ]
}

/// A file's permissions: up to four octal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(u16);

impl Mode {
    /// Reads three or four octal digits.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let octal = (3..=4).contains(&text.len()) && text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
        if octal { u16::from_str_radix(text, 8).ok().map(Self) } else { None }
    }

    /// Reads what `stat` prints: octal digits without leading zeros.
    pub(crate) fn from_stat(text: &str) -> Option<Self> {
        u16::from_str_radix(text, 8).ok().map(Self)
    }

    /// As `stat` prints it.
    pub(crate) fn to_stat(self) -> String {
        format!("{:o}", self.0)
    }

    /// As one writes it in a configuration.
    pub(crate) fn to_text(self) -> String {
        format!("{:04o}", self.0)
    }
}

/// What becomes of a file at the end, by its attributes.
pub(crate) fn policy(attributes: &Value) -> Policy {
    match text(attributes, "on_destroy") {
        Some("restore") => Policy::Restore,
        Some("keep") => Policy::Keep,
        _ => Policy::Remove,
    }
}

#[cfg(test)]
mod tests {
    use super::Mode;

    #[test]
    fn modes_have_one_form() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(Mode::parse(text).map(Mode::to_text).as_deref(), expect, "{text}");
        };
        check("644", Some("0644"));
        check("0644", Some("0644"));
        check("4755", Some("4755"));
        check("000", Some("0000"));
        check("0o644", None);
        check("8", None);
        assert_eq!(Mode::parse("0007").map(Mode::to_stat).as_deref(), Some("7"));
    }
}
