//! `data "host_command"`: what a command tells that changes nothing.

use meshform_engine::ports::{ErrorCode, Found, ReadItem};
use meshform_engine::schema::Attribute;
use meshform_engine::types::Type;
use meshform_engine::value::Value;

use super::perform::{how, quoted, shortened};
use super::{says_secrets, setting};
use crate::answer::{Answer, Record};
use crate::attributes::{flag, text, with};
use crate::error::error;
use crate::script::Question;

/// What may be asked, and what is found.
pub(crate) fn attributes() -> Vec<Attribute> {
    let flag = |name, description| Attribute::default(name, Type::Bool, false, description);
    vec![
        Attribute::required(
            "run",
            Type::String,
            "What to run, in POSIX sh, for 20 seconds at most. It runs in every plan: it must not change anything.",
        ),
        Attribute::optional("environment", Type::String.map(), "Its environment variables."),
        Attribute::optional("working_directory", Type::String, "The folder in which it runs."),
        flag(
            "may_fail",
            "Whether it may fail: `exit_code` tells whether it did. Otherwise that is an error.",
        ),
        flag("sensitive", "Whether its output is sensitive; it is so anyway if its text is."),
        Attribute::computed("stdout", Type::String, "What it wrote, without the line feeds at the end."),
        Attribute::computed("exit_code", Type::Number, "How it ended."),
    ]
}

/// What to run.
pub(crate) fn question(index: usize, item: &ReadItem) -> Question<'_> {
    let command = text(&item.arguments, "run").unwrap_or_default();
    Question { index, command, setting: setting(&item.arguments) }
}

/// What it told.
pub(crate) fn found(index: usize, item: &ReadItem, answer: &Answer) -> Found {
    let arguments = &item.arguments;
    let Some((code, record)) = answer.get("told", index).and_then(|record| Some((code(record)?, record)))
    else {
        return Err(error(
            ErrorCode::Other,
            "Command not answered",
            "The host's answer does not tell how the command ended.",
        ));
    };
    let [output, words] = [1, 2].map(|position| written(record, position));
    if code == 0 || flag(arguments, "may_fail") {
        let output = Value::string(shortened(&output)).marked(says_secrets(arguments));
        return Ok(with(arguments, [("stdout", output), ("exit_code", Value::number(code))]));
    }
    let said = match says_secrets(arguments) || arguments.has_sensitive() {
        true => " Its output may hold secrets and is not shown.".to_owned(),
        false => quoted("standard error", &words) + &quoted("standard output", &output),
    };
    let how = how(Some(code));
    Err(error(ErrorCode::Failed, "Command failed", format!("The command {how}.{said}")))
}

fn code(record: &Record) -> Option<i64> {
    record.field(0).parse().ok()
}

fn written(record: &Record, position: usize) -> String {
    String::from_utf8_lossy(&record.bytes(position).unwrap_or_default()).into_owned()
}
