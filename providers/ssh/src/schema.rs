//! What a `host` block, its resources and its look-ups may contain.

use std::collections::BTreeMap;

use meshform_engine::address::TargetKind;
use meshform_engine::schema::{Attribute, DataType, ResourceType};
use meshform_engine::types::{Field, Type};

use crate::resource::{self, Resource};

/// The resource type and the data type of files.
pub(crate) const FILE: &str = "host_file";
/// The resource type of commands.
pub(crate) const COMMAND: &str = "host_command";
/// The data type of what a host tells about itself.
pub(crate) const FACTS: &str = "host_facts";

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
        Attribute::optional("become_password", Type::String, "The password that sudo or doas asks for.")
            .sensitive(),
        Attribute::optional("network", Type::String, "The network that it shares with other targets."),
    ]
}

/// The resource types of this provider.
pub(crate) fn resource_types() -> Vec<ResourceType> {
    let on_host = |resource: &dyn Resource| ResourceType {
        name: resource.name(),
        target: Some(TargetKind::Host),
        part_kind: None,
        body: resource.attributes().into(),
    };
    resource::ALL.iter().copied().map(on_host).collect()
}

/// What this provider can look up.
pub(crate) fn data_types() -> Vec<DataType> {
    let on_host = |name, attributes: Vec<Attribute>| DataType {
        name,
        target: Some(TargetKind::Host),
        body: attributes.into(),
    };
    vec![on_host(FILE, file_found()), on_host(FACTS, facts()), on_host(COMMAND, crate::command::asked())]
}

fn file_found() -> Vec<Attribute> {
    let flag = |name, description| Attribute::default(name, Type::Bool, false, description);
    let found = |name, description| Attribute::computed(name, Type::String, description);
    vec![
        Attribute::required("path", Type::String, "Where it lies, absolute. A link there is followed."),
        flag("optional", "Whether it may be missing: all that is found of it is null then."),
        flag("sensitive", "Whether what it holds is sensitive."),
        found("content", "What it holds; null if that is no text, or more than 1 MiB."),
        found("content_base64", "What it holds in base64, text or not; null if that is more than 1 MiB."),
        found("mode", "Its permissions in octal."),
        found("owner", "Its user by name, or by number if that has no name."),
        found("group", "Its group by name, or by number if that has no name."),
        found("sha256", "The SHA-256 of what it holds, in hexadecimal."),
        Attribute::computed("size", Type::Number, "How many bytes it holds."),
    ]
}

/// What a host does not tell is null.
fn facts() -> Vec<Attribute> {
    let text = |name, description| Attribute::computed(name, Type::String, description);
    let field = |name: &str| (name.to_owned(), Field { ty: Type::String, optional: false });
    let system = BTreeMap::from(["id", "version", "name"].map(field));
    vec![
        text("hostname", "Its own name."),
        Attribute::computed(
            "os",
            Type::Object(system),
            "Its system, by os-release: `id`, `version`, `name`.",
        ),
        text("kernel", "The release of its kernel."),
        text("architecture", "Its processors' architecture, such as x86_64 or aarch64."),
        Attribute::computed("cpus", Type::Number, "How many processors it has."),
        Attribute::computed("memory_bytes", Type::Number, "How much memory it has, in bytes."),
        Attribute::computed(
            "addresses",
            Type::String.list(),
            "The IP addresses under which others reach it, those of the default interface and of version 4 first.",
        ),
        text("default_interface", "The network interface on which its default route leaves."),
        text("default_address", "The first address of that interface."),
        text("machine_id", "What /etc/machine-id says."),
        text("init", "What started it: systemd, openrc, or the name of its first process."),
        text("package_manager", "apt, dnf, yum, zypper, apk or pacman: the first of them that it has."),
        text("user", "The user that we are there."),
    ]
}
