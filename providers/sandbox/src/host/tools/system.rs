//! The host itself: its name, and its reboots.

use std::sync::Arc;
use std::time::Duration;

use super::{Answer, Call, Machine};

/// So long after it was asked for a reboot begins: whoever asks hears the answer.
const REBOOT_AFTER: Duration = Duration::from_millis(300);

/// Answers the programs that are about the host as a whole.
pub(super) async fn answer(machine: &Arc<Machine>, call: &Call) -> Answer {
    let is_look = call.program == "hostnamectl" && !call.words.iter().any(|word| word.starts_with("set-"));
    if !call.is_root && !is_look {
        return Answer::failed(1, format!("Failed to {}: Access denied\n", call.program));
    }
    match call.program.as_str() {
        "hostnamectl" => hostnamectl(machine, call).await,
        // A moment that isn't now is not waited for by anything here.
        "shutdown" if call.words.iter().any(|word| word == "-c") => Answer::default(),
        "reboot" | "shutdown" | "poweroff" | "halt" => reboot(machine),
        program => Answer::failed(127, format!("{program}: not found\n")),
    }
}

/// Reboots the host. What is powered off comes back when somebody needs it, so it's the same.
pub(super) fn reboot(machine: &Arc<Machine>) -> Answer {
    let reboots = Arc::clone(&machine.reboots);
    tokio::spawn(async move {
        tokio::time::sleep(REBOOT_AFTER).await;
        reboots.notify_one();
    });
    Answer::default()
}

async fn hostnamectl(machine: &Machine, call: &Call) -> Answer {
    let mut words = call.words.iter().filter(|word| !word.starts_with('-')).map(String::as_str);
    let current = machine.files.text("/etc/hostname").unwrap_or_default().trim().to_owned();
    match (words.next(), words.next()) {
        (Some("set-hostname"), Some(name)) | (Some("hostname"), Some(name)) => {
            let is_name = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.".contains(letter));
            if !is_name || name.is_empty() || name.len() > 64 {
                return Answer::failed(
                    1,
                    format!("Could not set static hostname: Invalid hostname '{name}'\n"),
                );
            }
            let written = machine.files.write("/etc/hostname", format!("{name}\n").as_bytes(), 0o644);
            match written.and(machine.rename(name).await) {
                Ok(()) => Answer::default(),
                Err(error) => Answer::refused("hostnamectl", &error),
            }
        }
        (Some("hostname"), None) => Answer::said(format!("{current}\n")),
        (None | Some("status"), _) => {
            let id = machine.files.text("/etc/machine-id").unwrap_or_default();
            Answer::said(format!(
                " Static hostname: {current}\n      Machine ID: {} \n  Virtualization: meshform-sandbox\n",
                id.trim()
            ))
        }
        (Some(verb), _) => Answer::failed(1, format!("Unknown command verb {verb}.\n")),
    }
}
