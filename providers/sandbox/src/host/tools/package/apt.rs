//! `apt-get` and `apt`: installs and removes packages with what that takes.

use std::io;
use std::sync::Arc;

use super::change;
use super::database::{self, Database};
use super::mark;
use super::resolve::{self, Plan};
use super::source::{self, Sources};
use super::{NOT_ROOT, cache, version};
use crate::host::tools::words::{Grammar, Words};
use crate::host::tools::{Answer, Call, Machine};

const GRAMMAR: Grammar = Grammar {
    valued: &[
        &["--option", "-o"],
        &["--config-file", "-c"],
        &["--target-release", "--default-release", "-t"],
        &["--host-architecture", "-a"],
        &["--format", "-f"],
    ],
    flags: &[
        &["--yes", "--assume-yes", "-y"],
        &["--quiet", "-q"],
        &["--simulate", "--dry-run", "--just-print", "--recon", "--no-act", "-s"],
        &["--no-install-recommends"],
        &["--install-recommends"],
        &["--no-install-suggests"],
        &["--allow-downgrades"],
        &["--allow-change-held-packages"],
        &["--allow-remove-essential"],
        &["--allow-unauthenticated"],
        &["--allow-releaseinfo-change"],
        &["--only-upgrade"],
        &["--no-upgrade"],
        &["--reinstall"],
        &["--download-only", "-d"],
        &["--fix-broken"],
        &["--fix-missing", "-m"],
        &["--fix-policy"],
        &["--purge"],
        &["--auto-remove", "--autoremove"],
        &["--verbose-versions", "-V"],
        &["--assume-no"],
        &["--force-yes"],
        &["--trivial-only"],
        &["--no-remove"],
        &["--print-uris"],
        &["--installed"],
        &["--upgradable", "--upgradeable"],
        &["--no-download"],
        &["--ignore-hold"],
        &["--show-progress"],
        &["--all-versions", "-A"],
    ],
    ends_early: false,
};

/// Answers `apt-get` or `apt`.
pub(in crate::host::tools) async fn apt_get(machine: &Arc<Machine>, call: &Call) -> Answer {
    let words = match GRAMMAR.read(&call.words) {
        Ok(words) => words,
        Err(option) => {
            return Answer::failed(
                100,
                format!(
                    "E: Command line option {option} is not understood in combination with the other options\n"
                ),
            );
        }
    };
    let (verb, rest) = words.verb();
    let is_look = words.has("--simulate")
        || matches!(verb, "list" | "show" | "search" | "policy" | "check" | "changelog");
    if !call.is_root && !is_look {
        return Answer::failed(100, NOT_ROOT);
    }
    if call.program == "apt" && matches!(verb, "list" | "show" | "search" | "policy") {
        return cache::apt(machine, verb, &words, rest);
    }
    let _changing = machine.packages.lock().await;
    let run = Run { machine, call, words: &words };
    let answer = match verb {
        "update" => run.update(),
        "install" => run.install(rest).await,
        "remove" | "purge" => run.remove(verb == "purge", rest).await,
        "autoremove" | "autopurge" => run.remove(verb == "autopurge", &[]).await,
        "upgrade" | "dist-upgrade" | "full-upgrade" => run.upgrade().await,
        "check" | "clean" | "autoclean" | "auto-clean" | "distclean" => Ok(Answer::default()),
        "" => Ok(Answer::failed(1, "Usage: apt-get command\n")),
        verb => Ok(Answer::failed(100, format!("E: Invalid operation {verb}\n"))),
    };
    answer.unwrap_or_else(|error| Answer::failed(100, format!("E: {error}\n")))
}

struct Run<'r> {
    machine: &'r Arc<Machine>,
    call: &'r Call,
    words: &'r Words,
}

impl Run<'_> {
    fn update(&self) -> io::Result<Answer> {
        let (said, failed) = source::update(&self.machine.files)?;
        let mut answer = Answer::said(said.join("\n") + "\nReading package lists...\n");
        for path in &failed {
            answer.complain(&format!(
                "E: Failed to fetch file:{path}  File not found - {path} (2: No such file or directory)\n"
            ));
        }
        if !failed.is_empty() {
            answer.complain(
                "E: Some index files failed to download. They have been ignored, or old ones used instead.\n",
            );
            answer.code = 100;
        }
        Ok(answer)
    }

    async fn install(&self, names: &[String]) -> io::Result<Answer> {
        let files = &self.machine.files;
        let (mut sources, database) =
            (Sources::read(files, &self.machine.more_packages), Database::read(files));
        let mut answer = Answer::said(READING);
        let (mut wanted, mut going) = (Vec::new(), Vec::new());
        for name in names {
            if name.contains('/') && name.ends_with(".deb") {
                match self.of_file(name, &mut sources).await? {
                    Some(one) => wanted.push(one),
                    None => {
                        answer.complain(&format!("E: Unsupported file {name} given on commandline\n"));
                        answer.code = 100;
                    }
                }
                continue;
            }
            if let Some(gone) = name.strip_suffix('-').filter(|gone| database.find(gone).is_some()) {
                going.push(gone.to_owned());
                continue;
            }
            match resolve::candidate(&sources, &database, name) {
                Ok(Some(found)) => wanted.push(found.clone()),
                Ok(None) => self.stays(&database, name, &mut answer),
                Err(refusal) => {
                    answer.complain(&refusal);
                    answer.code = 100;
                }
            }
        }
        if answer.code != 0 {
            return Ok(answer);
        }
        let asked: Vec<String> = wanted.iter().map(|one| one.name().to_owned()).collect();
        wanted.retain(|one| match database.find_installed(one.name()) {
            Some(there) if self.words.has("--reinstall") => there.get("Version") == one.version(),
            Some(there) => {
                let is_pinned =
                    names.iter().any(|name| name.split('=').next() == Some(one.name()) && name.contains('='));
                let order = version::compare(one.version(), there.get("Version"));
                let is_due = order.is_gt() || (order.is_lt() && is_pinned);
                if !is_due {
                    self.stays(&database, one.name(), &mut answer);
                }
                is_due
            }
            None => !self.words.has("--only-upgrade"),
        });
        let plan = match resolve::install(&sources, &database, &wanted) {
            Ok(mut plan) => {
                plan.remove.extend(resolve::removal(&database, &going));
                plan
            }
            Err(refusal) => {
                answer.complain(&refusal);
                answer.code = 100;
                return Ok(answer);
            }
        };
        let mut answer = self.perform(&plan, &asked, false, answer, database).await?;
        if answer.code == 0 && !self.words.has("--simulate") {
            self.note_automatic(&plan, &asked, &mut answer)?;
        }
        Ok(answer)
    }

    /// A package that lies in a file, which its dependencies are looked up for, too.
    async fn of_file(&self, name: &str, sources: &mut Sources) -> io::Result<Option<source::Candidate>> {
        let path = crate::host::tools::files::led_to(&self.call.folder, name);
        let told = self.machine.sh("dpkg-deb --field \"$1\"", &[&path]).await?;
        let package = super::paragraph::Paragraph::read_all(&told.out).pop().filter(|_| told.code == 0);
        let Some(mut package) = package else { return Ok(None) };
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
        package.set("Filename", file);
        let one = source::Candidate { package, origin: path.clone(), folder: Some(folder.to_owned()) };
        sources.add(one.clone());
        Ok(Some(one))
    }

    fn stays(&self, database: &Database, name: &str, answer: &mut Answer) {
        let name = name.split(['=', '/', ':']).next().unwrap_or_default();
        let version = database.find_installed(name).map(|there| there.get("Version")).unwrap_or_default();
        answer.say(&format!("{name} is already the newest version ({version}).\n"));
    }

    async fn remove(&self, purge: bool, names: &[String]) -> io::Result<Answer> {
        let files = &self.machine.files;
        let database = Database::read(files);
        let mut answer = Answer::said(READING);
        let purge = purge || self.words.has("--purge");
        let (mut going, mut left) = (Vec::new(), Vec::new());
        for name in names {
            let name = name.split(':').next().unwrap_or_default();
            match database.find(name) {
                Some(there) if database::is_installed(there) => going.push(name.to_owned()),
                Some(_) if purge => left.push(name.to_owned()),
                Some(_) => answer.say(&format!("Package '{name}' is not installed, so not removed\n")),
                None if Sources::read(files, &self.machine.more_packages).versions(name).is_empty() => {
                    answer.complain(&format!("E: Unable to locate package {name}\n"));
                    answer.code = 100;
                }
                None => answer.say(&format!("Package '{name}' is not installed, so not removed\n")),
            }
        }
        if answer.code != 0 {
            return Ok(answer);
        }
        let asked = going.clone();
        let mut remove = resolve::removal(&database, &going);
        let needless = resolve::needless(&database, &mark::automatic(files), &remove);
        if names.is_empty() || self.words.has("--auto-remove") {
            remove.extend(needless);
        } else if !needless.is_empty() {
            answer.say(&format!(
                "The following packages were automatically installed and are no longer required:\n  {}\n\
                 Use 'apt autoremove' to remove them.\n",
                needless.join(" ")
            ));
        }
        remove.extend(left);
        self.perform(&Plan { install: Vec::new(), remove }, &asked, purge, answer, database).await
    }

    async fn upgrade(&self) -> io::Result<Answer> {
        let files = &self.machine.files;
        let (sources, database) = (Sources::read(files, &self.machine.more_packages), Database::read(files));
        let newer = database.installed().filter(|there| !database::is_held(there)).filter_map(|there| {
            let latest = *sources.versions(there.get("Package")).first()?;
            version::compare(latest.version(), there.get("Version")).is_gt().then(|| latest.clone())
        });
        let wanted: Vec<_> = newer.collect();
        let asked: Vec<_> = wanted.iter().map(|one| one.name().to_owned()).collect();
        match resolve::install(&sources, &database, &wanted) {
            Ok(plan) => self.perform(&plan, &asked, false, Answer::said(READING), database).await,
            Err(refusal) => Ok(Answer::failed(100, refusal)),
        }
    }

    /// Shows what is to be done, and does it unless that has to be asked for.
    async fn perform(
        &self,
        plan: &Plan,
        asked: &[String],
        purge: bool,
        mut answer: Answer,
        mut database: Database,
    ) -> io::Result<Answer> {
        let changes = Changes::of(plan, &database, asked);
        changes.show(&mut answer);
        if self.words.has("--simulate") {
            simulate(plan, &database, purge, &mut answer);
            return Ok(answer);
        }
        if let Some(refusal) = changes.refusal(self.words, &database, plan) {
            answer.complain(&refusal);
            answer.code = if refusal.is_empty() { 1 } else { 100 };
            return Ok(answer);
        }
        let is_nothing = plan.install.is_empty() && plan.remove.is_empty();
        if is_nothing || self.words.has("--download-only") {
            return Ok(answer);
        }
        let mut is_well = true;
        for name in &plan.remove {
            is_well &= change::remove(self.machine, &mut database, name, purge, &mut answer).await?;
        }
        for wanted in plan.install.iter() {
            is_well = is_well && change::install(self.machine, &mut database, wanted, &mut answer).await?;
        }
        if !is_well {
            answer.complain("E: Sub-process /usr/bin/dpkg returned an error code (1)\n");
            answer.code = 100;
        }
        Ok(answer)
    }

    /// What came along goes by itself when it's needed no more; what was asked for does not.
    fn note_automatic(&self, plan: &Plan, asked: &[String], answer: &mut Answer) -> io::Result<()> {
        let files = &self.machine.files;
        let mut automatic = mark::automatic(files);
        for one in &plan.install {
            if !asked.iter().any(|name| name == one.name()) {
                automatic.push(one.name().to_owned());
            }
        }
        for name in asked.iter().filter(|name| automatic.contains(name)) {
            answer.say(&format!("{name} set to manually installed.\n"));
        }
        automatic.retain(|name| !asked.contains(name) && !plan.remove.contains(name));
        mark::write_automatic(files, &automatic)
    }
}

const READING: &str = "Reading package lists...\nBuilding dependency tree...\nReading state information...\n";

/// The names of what changes, by how it changes.
#[derive(Default)]
struct Changes {
    extra: Vec<String>,
    new: Vec<String>,
    upgraded: Vec<String>,
    downgraded: Vec<String>,
    removed: Vec<String>,
    /// What goes besides what was asked for.
    surprises: bool,
}

impl Changes {
    fn of(plan: &Plan, database: &Database, asked: &[String]) -> Self {
        let mut changes = Self { removed: plan.remove.clone(), ..Self::default() };
        for one in &plan.install {
            let name = one.name().to_owned();
            let order = database
                .find_installed(&name)
                .map(|there| version::compare(one.version(), there.get("Version")));
            match order {
                None => changes.new.push(name.clone()),
                Some(order) if order.is_lt() => changes.downgraded.push(name.clone()),
                Some(_) => changes.upgraded.push(name.clone()),
            }
            if !asked.contains(&name) {
                changes.extra.push(name);
            }
        }
        changes.surprises = !changes.extra.is_empty() || !changes.removed.is_empty();
        changes
    }

    fn show(&self, answer: &mut Answer) {
        let lists = [
            ("The following additional packages will be installed:", &self.extra),
            ("The following packages will be REMOVED:", &self.removed),
            ("The following NEW packages will be installed:", &self.new),
            ("The following packages will be upgraded:", &self.upgraded),
            ("The following packages will be DOWNGRADED:", &self.downgraded),
        ];
        for (title, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
            answer.say(&format!("{title}\n  {}\n", names.join(" ")));
        }
        let downgraded = match self.downgraded.len() {
            0 => String::new(),
            count => format!("{count} downgraded, "),
        };
        answer.say(&format!(
            "{} upgraded, {} newly installed, {downgraded}{} to remove and 0 not upgraded.\n",
            self.upgraded.len(),
            self.new.len(),
            self.removed.len()
        ));
    }

    /// Why it isn't done; empty if it was asked for and nobody has said yes.
    fn refusal(&self, words: &Words, database: &Database, plan: &Plan) -> Option<String> {
        let names = plan.install.iter().map(|one| one.name()).chain(plan.remove.iter().map(String::as_str));
        let held = names.into_iter().any(|name| database.find_installed(name).is_some_and(database::is_held));
        if held && !words.has("--allow-change-held-packages") {
            return Some(
                "E: Held packages were changed and -y was used without --allow-change-held-packages.\n"
                    .to_owned(),
            );
        }
        let is_agreed = words.has("--yes") || words.has("--force-yes");
        if !self.downgraded.is_empty()
            && is_agreed
            && !words.has("--allow-downgrades")
            && !words.has("--force-yes")
        {
            return Some(
                "E: Packages were downgraded and -y was used without --allow-downgrades.\n".to_owned(),
            );
        }
        let asks = self.surprises || !self.downgraded.is_empty();
        (asks && !is_agreed).then(String::new)
    }
}

fn simulate(plan: &Plan, database: &Database, purge: bool, answer: &mut Answer) {
    for name in &plan.remove {
        let version = database.find(name).map(|there| there.get("Version")).unwrap_or_default();
        answer.say(&format!("{} {name} [{version}]\n", if purge { "Purg" } else { "Remv" }));
    }
    let line = |verb: &str, one: &source::Candidate| {
        let former = database.find_installed(one.name()).filter(|_| verb == "Inst");
        let former = former.map(|there| format!(" [{}]", there.get("Version"))).unwrap_or_default();
        format!(
            "{verb} {}{former} ({} {} [{}])\n",
            one.name(),
            one.version(),
            one.label(),
            one.package.get("Architecture")
        )
    };
    plan.install.iter().for_each(|one| answer.say(&line("Inst", one)));
    plan.install.iter().for_each(|one| answer.say(&line("Conf", one)));
}
