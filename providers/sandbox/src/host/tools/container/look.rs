//! What docker shows: containers, images, ports and logs.

use serde_json::Value;

use super::docker::Run;
use super::store::{Container, Status};
use super::{image, inspect, lock, template};
use crate::host::tools::Answer;
use crate::host::tools::words::Words;

impl Run<'_> {
    pub(super) fn ps(&self, words: &Words) -> Answer {
        let filters: Vec<(&str, &str)> =
            words.all("--filter").iter().filter_map(|filter| filter.split_once('=')).collect();
        let fits = |own: &Container| {
            filters.iter().all(|(name, value)| match *name {
                "name" => own.name.contains(value.trim_matches(['^', '$', '/'])),
                "status" => own.status.word() == *value,
                "ancestor" => own.image == *value,
                "id" => own.id.starts_with(value),
                "label" => match value.split_once('=') {
                    Some((label, value)) => own.labels.get(label).is_some_and(|own| own == value),
                    None => own.labels.contains_key(*value),
                },
                _ => true,
            })
        };
        let is_any = words.has("--all") || filters.iter().any(|(name, _)| *name == "status");
        let mut found = self.machine.containers();
        found.retain(|own| (is_any || own.status == Status::Running) && fits(own));
        found.reverse();
        let mut answer = Answer::default();
        if !words.has("--quiet") && words.value("--format").is_none() {
            answer.say("CONTAINER ID   IMAGE   COMMAND   CREATED   STATUS   PORTS   NAMES\n");
        }
        for own in &found {
            let id = if words.has("--no-trunc") { &own.id } else { own.id.get(..12).unwrap_or_default() };
            if words.has("--quiet") {
                answer.say(&format!("{id}\n"));
                continue;
            }
            let ports: Vec<_> = own.ports.iter().map(shown_port).collect();
            let row = serde_json::json!({
                "ID": id, "Names": own.name, "Image": own.image, "Status": shown_status(own), "State": own.status.word(),
                "Ports": if own.status == Status::Running { ports.join(", ") } else { String::new() },
                "Command": format!("\"{}\"", own.command.join(" ")), "CreatedAt": own.created,
                "Labels": own.labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(","),
            });
            let format = words.value("--format").unwrap_or(
                "{{.ID}}   {{.Image}}   {{.Command}}   {{.CreatedAt}}   {{.Status}}   {{.Ports}}   {{.Names}}",
            );
            match template::show(format.trim_start_matches("table "), &row) {
                Ok(line) => answer.say(&format!("{line}\n")),
                Err(why) => return template_error(&why),
            }
        }
        answer
    }

    pub(super) fn inspect(&self, verb: &str, words: &Words) -> Answer {
        let find = |name: &String| {
            let container = self.machine.container(name).map(|own| inspect::container(&own));
            let is_any = verb == "inspect" && words.value("--type") != Some("container");
            container.or_else(|| {
                image::find(self.machine, name).filter(|_| is_any).map(|own| inspect::image(&own))
            })
        };
        let kind = if verb == "inspect" { "object" } else { "container" };
        shown(words, &find, kind)
    }

    pub(super) fn inspect_images(&self, words: &Words) -> Answer {
        shown(words, &|name| image::find(self.machine, name).map(|own| inspect::image(&own)), "image")
    }

    pub(super) fn images(&self, words: &Words) -> Answer {
        let mut answer = Answer::default();
        if !words.has("--quiet") && words.value("--format").is_none() {
            answer.say("REPOSITORY   TAG   IMAGE ID   CREATED   SIZE\n");
        }
        for own in self.machine.images() {
            let id = own.id.trim_start_matches("sha256:").get(..12).unwrap_or_default().to_owned();
            for tag in
                own.tags.iter().filter(|tag| words.rest.iter().all(|wanted| tag.starts_with(wanted.as_str())))
            {
                let (repository, tag) = tag.rsplit_once(':').unwrap_or((tag, "latest"));
                let row = serde_json::json!({ "Repository": repository, "Tag": tag, "ID": id, "CreatedAt": own.created, "Size": "0B" });
                let format = words
                    .value("--format")
                    .unwrap_or("{{.Repository}}   {{.Tag}}   {{.ID}}   {{.CreatedAt}}   {{.Size}}");
                let format = if words.has("--quiet") { "{{.ID}}" } else { format };
                match template::show(format, &row) {
                    Ok(line) => answer.say(&format!("{line}\n")),
                    Err(why) => return template_error(&why),
                }
            }
        }
        answer
    }

    pub(super) fn port(&self, words: &Words) -> Answer {
        let (name, rest) = words.verb();
        let Some(own) = self.machine.container(name) else {
            return Answer::failed(1, format!("Error: No such container: {name}\n"));
        };
        let ports = own.ports.iter().filter(|_| own.status == Status::Running);
        let mut answer = Answer::default();
        for port in ports {
            let inner = format!("{}/{}", port.inner, port.protocol);
            let address = if port.address.is_empty() { "0.0.0.0" } else { &port.address };
            match rest.first() {
                Some(wanted) if *wanted == inner || *wanted == port.inner.to_string() => {
                    answer.say(&format!("{address}:{}\n", port.outer));
                }
                Some(_) => {}
                None => answer.say(&format!("{inner} -> {address}:{}\n", port.outer)),
            }
        }
        if let Some(wanted) = rest.first().filter(|_| answer.out.is_empty()) {
            return Answer::failed(1, format!("Error: No public port '{wanted}' published for {name}\n"));
        }
        answer
    }

    pub(super) fn logs(&self, words: &Words) -> Answer {
        let name = words.rest.first().map(String::as_str).unwrap_or_default();
        let Some(own) = self.machine.container(name) else {
            return Answer::failed(1, format!("Error: No such container: {name}\n"));
        };
        let lines = lock(&self.machine.containers.logs).get(&own.id).cloned().unwrap_or_default();
        let count = words
            .value("--tail")
            .or(words.value("--last"))
            .and_then(|count| count.parse().ok())
            .unwrap_or(lines.len());
        let tail = lines.get(lines.len().saturating_sub(count)..).unwrap_or_default();
        Answer::said(tail.iter().map(|line| format!("{line}\n")).collect::<String>())
    }
}

/// What `inspect` says of these names, all in one list or each by a template.
fn shown(words: &Words, find: &dyn Fn(&String) -> Option<Value>, kind: &str) -> Answer {
    let mut answer = Answer::default();
    let mut all = Vec::new();
    for name in &words.rest {
        match find(name) {
            Some(value) => all.push(value),
            None => {
                answer.complain(&format!("Error: No such {kind}: {name}\n"));
                answer.code = 1;
            }
        }
    }
    let Some(format) = words.value("--format") else {
        let text = serde_json::to_string_pretty(&all).unwrap_or_default();
        answer.say(&format!("{text}\n"));
        return answer;
    };
    if all.is_empty() && answer.code != 0 {
        answer.say("\n");
    }
    for value in &all {
        match template::show(format, value) {
            Ok(line) => answer.say(&format!("{line}\n")),
            Err(why) => return template_error(&why),
        }
    }
    answer
}

fn template_error(why: &str) -> Answer {
    Answer::failed(1, format!("template parsing error: template: :1: {why}\n"))
}

fn shown_status(own: &Container) -> String {
    match own.status {
        Status::Running => "Up".to_owned(),
        Status::Created => "Created".to_owned(),
        Status::Restarting => format!("Restarting ({})", own.exit_code),
        Status::Exited => format!("Exited ({})", own.exit_code),
    }
}

fn shown_port(port: &super::store::Port) -> String {
    let address = if port.address.is_empty() { "0.0.0.0" } else { &port.address };
    format!("{address}:{}->{}/{}", port.outer, port.inner, port.protocol)
}

pub(super) fn info(verb: &str, words: &Words) -> Answer {
    let value = serde_json::json!({
        "ServerVersion": "20.10.24+dfsg1", "Client": { "Version": "20.10.24+dfsg1" }, "Server": { "Version": "20.10.24+dfsg1" },
    });
    match words.value("--format").map(|format| template::show(format, &value)) {
        Some(Ok(line)) => Answer::said(format!("{line}\n")),
        Some(Err(why)) => template_error(&why),
        None if verb == "version" => {
            Answer::said("Client:\n Version: 20.10.24+dfsg1\nServer:\n Version: 20.10.24+dfsg1\n")
        }
        None => {
            Answer::said("Server:\n Server Version: 20.10.24+dfsg1\n Operating System: meshform sandbox\n")
        }
    }
}
