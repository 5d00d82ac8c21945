//! `docker`: what it's told, and what it says.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::look::info;
use super::store::{Container, Status};
use super::{create, image, life, lock};
use crate::host::tools::unit::{processes, signal};
use crate::host::tools::words::{Grammar, Words};
use crate::host::tools::{Answer, Call, Machine};
use rustix::process::Signal;

const GRAMMAR: Grammar = Grammar {
    valued: &[
        &["--format", "-f"],
        &["--filter"],
        &["--last", "-n"],
        &["--tail"],
        &["--since"],
        &["--until"],
        &["--time", "--timeout", "-t"],
        &["--signal", "-s"],
        &["--type"],
        &["--platform"],
        &["--driver", "-d"],
        &["--subnet"],
        &["--label"],
        &["--restart"],
    ],
    flags: &[
        &["--all", "-a"],
        &["--quiet", "-q"],
        &["--no-trunc"],
        &["--latest", "-l"],
        &["--size"],
        &["--volumes", "-v"],
        &["--link"],
        &["--timestamps"],
        &["--details"],
        &["--force"],
        &["--no-prune"],
        &["--attachable"],
    ],
    ends_early: false,
};

/// `exec` has a command of its own after its options.
const EXEC: Grammar = Grammar {
    valued: &[&["--env", "-e"], &["--env-file"], &["--workdir", "-w"], &["--user", "-u"]],
    flags: &[&["--detach", "-d"], &["--interactive", "-i"], &["--tty", "-t"], &["--privileged"]],
    ends_early: true,
};

const NO_DAEMON: &str =
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n";

/// Answers `docker`.
pub(in crate::host::tools) async fn docker(machine: &Arc<Machine>, call: &Call) -> Answer {
    let (verb, words) = match call.words.split_first() {
        None => return Answer::said("Usage:  docker [OPTIONS] COMMAND\n"),
        Some((verb, words)) => (verb.as_str(), words),
    };
    if matches!(verb, "--version" | "-v") {
        return Answer::said("Docker version 20.10.24+dfsg1, build 297e128\n");
    } else if !call.is_root {
        return Answer::failed(
            1,
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock\n",
        );
    } else if !machine.units.is_up("docker.service") {
        return Answer::failed(1, NO_DAEMON);
    }
    // `docker container ls` is `docker ps`, and so on.
    let (verb, words) = match (verb, words.split_first()) {
        ("container" | "image", None) => {
            return Answer::failed(1, format!("\"docker {verb}\" requires a command\n"));
        }
        ("container", Some((sub, rest))) if sub == "ls" || sub == "list" => ("ps", rest),
        ("container", Some((sub, rest))) if sub == "inspect" => ("container inspect", rest),
        ("container", Some((sub, rest))) => (sub.as_str(), rest),
        ("image", Some((sub, rest))) => match sub.as_str() {
            "ls" | "list" => ("images", rest),
            "inspect" => ("image inspect", rest),
            "rm" => ("rmi", rest),
            other => (other, rest),
        },
        ("system", Some((sub, rest))) if sub == "info" => ("info", rest),
        (verb, _) => (verb, words),
    };
    let run = Run { machine, call };
    let answer = run.answer(verb, words).await;
    answer.unwrap_or_else(|error| daemon_says(1, &error.to_string()))
}

fn daemon_says(code: u8, why: &str) -> Answer {
    Answer::failed(code, format!("Error response from daemon: {why}\n"))
}

pub(super) struct Run<'r> {
    pub(super) machine: &'r Arc<Machine>,
    call: &'r Call,
}

impl Run<'_> {
    async fn answer(&self, verb: &str, given: &[String]) -> io::Result<Answer> {
        if verb == "create" || verb == "run" {
            return self.create(verb, given).await;
        } else if verb == "exec" {
            return self.exec(given).await;
        }
        // For `rm`, `-f` is `--force`, and it's `--follow` for `logs`; for others it's a format.
        let given: Vec<String> = given
            .iter()
            .map(|word| match (verb, word.as_str()) {
                ("rm" | "rmi", "-f" | "-fv" | "-vf") => "--force".to_owned(),
                ("ps" | "images", "-f") => "--filter".to_owned(),
                (_, word) => word.to_owned(),
            })
            .collect();
        let words = match GRAMMAR.read(&given) {
            Ok(words) => words,
            Err(option) => return Ok(unknown_option(verb, &option)),
        };
        match verb {
            "ps" => Ok(self.ps(&words)),
            "inspect" | "container inspect" => Ok(self.inspect(verb, &words)),
            "image inspect" => Ok(self.inspect_images(&words)),
            "images" => Ok(self.images(&words)),
            "pull" => self.pull(&words),
            "tag" => self.tag(&words),
            "rmi" => self.remove_images(&words),
            "port" => Ok(self.port(&words)),
            "logs" => Ok(self.logs(&words)),
            "version" | "info" => Ok(info(verb, &words)),
            // They would have nothing to act on, and are not to seem to have done it.
            "login" | "logout" | "prune" | "network" | "volume" => {
                Ok(Answer::failed(1, format!("docker: a host of the sandbox has no 'docker {verb}'\n")))
            }
            "start" | "stop" | "restart" | "kill" | "rm" | "wait" | "rename" | "update" => {
                self.each(verb, &words).await
            }
            verb => Ok(Answer::failed(
                1,
                format!("docker: '{verb}' is not a docker command.\nSee 'docker --help'\n"),
            )),
        }
    }

    async fn create(&self, verb: &str, given: &[String]) -> io::Result<Answer> {
        let machine = self.machine;
        let code = if verb == "run" { 125 } else { 1 };
        let words = match create::GRAMMAR.read(given) {
            Ok(words) => words,
            Err(option) => return Ok(Answer { code: 125, ..unknown_option(verb, &option) }),
        };
        let (asked, _) = words.verb();
        if asked.is_empty() {
            return Ok(Answer::failed(1, format!("\"docker {verb}\" requires at least 1 argument.\n")));
        }
        let name = words.value("--name").unwrap_or_default().to_owned();
        if let Some(other) = machine.container(&name).filter(|other| !name.is_empty() && other.name == name) {
            let why = format!(
                "Conflict. The container name \"/{name}\" is already in use by container \"{}\". You have to remove (or rename) that container to be able to reuse that name.",
                other.id
            );
            return Ok(prefixed(verb, daemon_says(code, &why)));
        }
        let mut answer = Answer::default();
        let found = match image::find(machine, asked) {
            Some(found) => Some(found),
            None if words.value("--pull") == Some("never") => None,
            None => {
                answer.complain(&format!("Unable to find image '{}' locally\n", image::full(asked)));
                image::pull(machine, asked)?
            }
        };
        let Some(found) = found else { return Ok(prefixed(verb, daemon_says(code, &not_pulled(asked)))) };
        let made = create::container(&machine.files, &self.call.folder, &words, &found, name);
        let container = match made {
            Ok(container) => container,
            Err(why) => {
                return Ok(Answer::failed(125, format!("docker: {why}.\nSee 'docker {verb} --help'.\n")));
            }
        };
        machine.keep_container(&container)?;
        if verb == "run"
            && let Err(why) = life::start(machine, &container.id).await
        {
            return Ok(prefixed(
                verb,
                daemon_says(
                    code,
                    &format!(
                        "driver failed programming external connectivity on endpoint {}: {why}",
                        container.name
                    ),
                ),
            ));
        }
        if verb == "run" && !words.has("--detach") {
            return self.attached(&container, answer).await;
        }
        answer.say(&format!("{}\n", container.id));
        Ok(answer)
    }

    /// Waits for its end, and says what it has said.
    async fn attached(&self, container: &Container, mut answer: Answer) -> io::Result<Answer> {
        let code = self.until_ended(container).await;
        let lines = lock(&self.machine.containers.logs).get(&container.id).cloned().unwrap_or_default();
        lines.iter().for_each(|line| answer.say(&format!("{line}\n")));
        answer.code = u8::try_from(code).unwrap_or(255);
        Ok(answer)
    }

    async fn until_ended(&self, container: &Container) -> i32 {
        let ends = &self.machine.containers.ends;
        loop {
            match self.machine.container(&container.id) {
                Some(own) if matches!(own.status, Status::Running | Status::Restarting) => {}
                Some(own) => return own.exit_code,
                // One that was to go when it ends.
                None => return lock(ends).remove(&container.id).unwrap_or_default(),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Runs a command by the host's own programs, with the container's variables.
    async fn exec(&self, given: &[String]) -> io::Result<Answer> {
        let words = match EXEC.read(given) {
            Ok(words) => words,
            Err(option) => return Ok(unknown_option("exec", &option)),
        };
        let (name, command) = words.verb();
        let Some(container) = self.machine.container(name) else {
            return Ok(Answer::failed(1, format!("Error: No such container: {name}\n")));
        };
        if container.status != Status::Running {
            return Ok(daemon_says(1, &format!("Container {} is not running", container.id)));
        }
        let environment: Vec<&String> = container.environment.iter().chain(words.all("--env")).collect();
        let script = "exec env -i \"$@\"";
        let all: Vec<&str> =
            environment.iter().map(|line| line.as_str()).chain(command.iter().map(String::as_str)).collect();
        self.machine.sh(script, &all).await
    }

    async fn each(&self, verb: &str, words: &Words) -> io::Result<Answer> {
        let mut answer = Answer::default();
        if verb == "rename" {
            return self.rename(words);
        }
        for name in &words.rest {
            let Some(container) = self.machine.container(name) else {
                if verb == "rm" && words.has("--force") {
                    continue;
                }
                answer.complain(&match verb {
                    "rm" | "kill" => format!("Error: No such container: {name}\n"),
                    _ => format!("Error response from daemon: No such container: {name}\n"),
                });
                answer.code = 1;
                continue;
            };
            match self.one(verb, words, &container).await? {
                Ok(said) => answer.say(&format!("{}\n", said.unwrap_or_else(|| name.clone()))),
                Err(why) => {
                    answer.complain(&format!("Error response from daemon: {why}\n"));
                    answer.code = 1;
                }
            }
        }
        if verb == "start" && answer.code != 0 {
            answer.complain(&format!("Error: failed to start containers: {}\n", words.rest.join(", ")));
        }
        Ok(answer)
    }

    async fn one(
        &self,
        verb: &str,
        words: &Words,
        own: &Container,
    ) -> io::Result<Result<Option<String>, String>> {
        let machine = self.machine;
        let patience = words
            .value("--time")
            .and_then(|time| time.parse().ok())
            .map_or(Duration::from_secs(10), Duration::from_secs);
        let is_up = matches!(own.status, Status::Running | Status::Restarting);
        match verb {
            "start" => return Ok(life::start(machine, &own.id).await.map(|()| None)),
            "stop" => life::stop(machine, own, patience, Signal::TERM).await?,
            "restart" => {
                life::stop(machine, own, patience, Signal::TERM).await?;
                return Ok(life::start(machine, &own.id).await.map(|()| None));
            }
            "kill" if !is_up => {
                return Ok(Err(format!(
                    "Cannot kill container: {}: Container {} is not running",
                    own.name, own.id
                )));
            }
            "kill" => {
                let name = words.value("--signal").unwrap_or("KILL");
                let Some(wanted) = signal::read(name) else {
                    return Ok(Err(format!("Invalid signal: {name}")));
                };
                if wanted == Signal::KILL {
                    life::stop(machine, own, Duration::ZERO, wanted).await?;
                } else {
                    processes::signal(&life::all(own), wanted);
                }
            }
            "wait" => return Ok(Ok(Some(self.until_ended(own).await.to_string()))),
            "update" => {
                if let Some(policy) = words.value("--restart") {
                    match create::restart(policy) {
                        Ok(restart) => machine.change_container(&own.id, |own| own.restart = restart)?,
                        Err(why) => return Ok(Err(why)),
                    }
                }
            }
            _ if is_up && !words.has("--force") => {
                return Ok(Err(format!(
                    "You cannot remove a running container {}. Stop the container before attempting removal or force remove",
                    own.id
                )));
            }
            _ => {
                life::stop(machine, own, Duration::ZERO, Signal::KILL).await?;
                machine.drop_container(&own.id)?;
                lock(&machine.containers.logs).remove(&own.id);
            }
        }
        Ok(Ok(None))
    }

    fn rename(&self, words: &Words) -> io::Result<Answer> {
        let [from, to] = words.rest.as_slice() else {
            return Ok(Answer::failed(1, "\"docker rename\" requires exactly 2 arguments.\n"));
        };
        let Some(container) = self.machine.container(from) else {
            return Ok(daemon_says(1, &format!("No such container: {from}")));
        };
        if let Some(other) = self.machine.container(to).filter(|other| other.name == *to) {
            let why = format!(
                "Error when allocating new name: Conflict. The container name \"/{to}\" is already in use by container \"{}\".",
                other.id
            );
            return Ok(daemon_says(1, &why));
        }
        self.machine.change_container(&container.id, |own| to.clone_into(&mut own.name))?;
        Ok(Answer::default())
    }

    fn pull(&self, words: &Words) -> io::Result<Answer> {
        let mut answer = Answer::default();
        for name in &words.rest {
            let is_new = image::find(self.machine, name).is_none();
            let Some(found) = image::pull(self.machine, name)? else {
                return Ok(daemon_says(1, &not_pulled(name)));
            };
            let how = if is_new { "Downloaded newer image" } else { "Image is up to date" };
            answer.say(&format!("Digest: {}\nStatus: {how} for {}\n{name}\n", found.id, image::full(name)));
        }
        Ok(answer)
    }

    fn tag(&self, words: &Words) -> io::Result<Answer> {
        let [from, to] = words.rest.as_slice() else {
            return Ok(Answer::failed(1, "\"docker tag\" requires exactly 2 arguments.\n"));
        };
        match image::find(self.machine, from) {
            Some(own) => image::tag(self.machine, &own, to).map(|()| Answer::default()),
            None => Ok(daemon_says(1, &format!("No such image: {}", image::full(from)))),
        }
    }

    fn remove_images(&self, words: &Words) -> io::Result<Answer> {
        let mut answer = Answer::default();
        for name in &words.rest {
            let Some(own) = image::find(self.machine, name) else {
                answer.complain(&format!("Error: No such image: {name}\n"));
                answer.code = 1;
                continue;
            };
            let used = self.machine.containers().into_iter().find(|container| container.image_id == own.id);
            if let Some(container) = used.filter(|_| !words.has("--force")) {
                let id = container.id.get(..12).unwrap_or_default();
                let why = format!(
                    "conflict: unable to remove repository reference \"{name}\" (must force) - container {id} is using its referenced image"
                );
                answer.complain(&format!("Error response from daemon: {why}\n"));
                answer.code = 1;
                continue;
            }
            let mut all = self.machine.images();
            all.retain(|image| image.id != own.id);
            self.machine.keep_images(&all)?;
            answer.say(&format!("Untagged: {}\nDeleted: {}\n", own.tags.join(", "), own.id));
        }
        Ok(answer)
    }
}

fn not_pulled(name: &str) -> String {
    let registry = name.split('/').next().unwrap_or_default();
    match name.contains('/') {
        true => format!("Get \"https://{registry}/v2/\": no registry answers there"),
        false => "invalid reference format".to_owned(),
    }
}

fn unknown_option(verb: &str, option: &str) -> Answer {
    Answer::failed(125, format!("unknown flag: {option}\nSee 'docker {verb} --help'.\n"))
}

/// `docker run` puts its own name before what the daemon says.
fn prefixed(verb: &str, mut answer: Answer) -> Answer {
    if verb == "run" {
        answer.err = format!("docker: {}See 'docker run --help'.\n", answer.err);
    }
    answer
}
