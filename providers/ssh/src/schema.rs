//! What a `host` block, a `host_file` and a `host_command` may contain.

use meshform_engine::address::TargetKind;
use meshform_engine::schema::{Attribute, ResourceType};
use meshform_engine::types::Type;

/// The resource type of files.
pub(crate) const FILE: &str = "host_file";
/// The resource type of commands.
pub(crate) const COMMAND: &str = "host_command";

/// The attributes of a `host` block.
pub(crate) fn host() -> Vec<Attribute> {
    vec![
        Attribute::default("sandbox", Type::Bool, false, "Use the embedded host instead of a real one."),
        Attribute::optional(
            "address",
            Type::String,
            "Its name or IP address, or an alias of the ssh configuration.",
        ),
        Attribute::optional("user", Type::String, "The user to log in as; by default, ssh's own choice."),
        Attribute::optional("port", Type::Number, "Its TCP port; by default, ssh's own choice."),
        Attribute::optional(
            "identity_file",
            Type::String,
            "The private key to log in with, from the stack's folder; by default, what ssh and its agent offer.",
        ),
        Attribute::optional("jump", Type::String, "The hosts to go through, as ssh's ProxyJump takes them."),
        Attribute::optional(
            "host_key",
            Type::String,
            "The only host key to accept, such as \"ssh-ed25519 AAAA…\".",
        ),
        Attribute::default(
            "accept_new",
            Type::Bool,
            false,
            "Accept the key of a host that is not known yet, and add it to known_hosts.",
        ),
        Attribute::default("become", Type::String, "none", "How to become root: none, sudo or doas."),
        Attribute::optional("become_password", Type::String, "The password that sudo asks for.").sensitive(),
        Attribute::optional("network", Type::String, "The network that it shares with other targets."),
    ]
}

/// The resource types of this provider.
pub(crate) fn resource_types() -> Vec<ResourceType> {
    let on_host =
        |name, attributes| ResourceType { name, target: Some(TargetKind::Host), part_kind: None, attributes };
    vec![on_host(FILE, file()), on_host(COMMAND, command())]
}

fn file() -> Vec<Attribute> {
    vec![
        Attribute::required("path", Type::String, "Where it lies, absolute. A link there is followed."),
        Attribute::required("content", Type::String, "What it holds; a local file's text by `file(\"…\")`."),
        Attribute::default("mode", Type::String, "0644", "Its permissions in octal."),
        Attribute::optional("owner", Type::String, "Its user by name or number; as it is, if left out."),
        Attribute::optional("group", Type::String, "Its group by name or number; as it is, if left out."),
        Attribute::default(
            "create_parents",
            Type::Bool,
            false,
            "Make the folders that it lies in, if they are missing.",
        ),
        Attribute::default(
            "on_destroy",
            Type::String,
            "remove",
            "What becomes of it at the end: remove, restore (what was there before) or keep.",
        ),
        Attribute::computed("sha256", Type::String, "The SHA-256 of its content, in hexadecimal."),
    ]
}

fn command() -> Vec<Attribute> {
    let text = |name, description| Attribute::optional(name, Type::String, description);
    vec![
        Attribute::required("run", Type::String, "What to run, in POSIX sh."),
        text("unless", "Nothing is to be done while this command succeeds."),
        text("onlyif", "Nothing is to be done while this command fails."),
        text("creates", "Nothing is to be done while there is something at this path."),
        Attribute::optional("triggers", Type::Any, "Runs it again whenever this value changes."),
        text("on_destroy", "What to run at the end, in POSIX sh."),
        Attribute::optional(
            "environment",
            Type::String.map(),
            "Environment variables of all of its commands.",
        ),
        text("working_directory", "The folder in which its commands run."),
        Attribute::default(
            "sensitive",
            Type::Bool,
            false,
            "Whether its output is sensitive; it is so anyway if its text is.",
        ),
        Attribute::computed("stdout", Type::String, "What it wrote, without the line feeds at the end."),
        Attribute::computed("exit_code", Type::Number, "How it ended; null if it did not have to run."),
    ]
}
