//! What a module's `source` says: a local folder, or a package and a folder in it.
//!
//! ```text
//! ./parts/site
//! git::https://example.com/org/repo.git//folder/in/it?ref=v1.2.0
//! oci://registry.example/org/repository//folder/in/it?tag=1.2.0
//! ```
//!
//! The forms are Terraform's and OpenTofu's. What could be read as an option by the programs that fetch it is refused here, and so is what
//! would be fetched in the clear.

use meshform_engine::diagnostic::ModuleProblem;

use super::address::{Host, Parameters, is_plain, split};
use super::problem::{KINDS, unsupported};
use super::secret::{Secret, redacted};

/// Where a module's files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A folder, as seen from the caller's.
    Local(String),
    /// A folder of a package; empty for the package itself.
    Remote(Package, String),
}

/// What is fetched, locked and verified as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Package {
    /// A commit of a git repository.
    Git(GitPackage),
    /// A manifest of a registry.
    Oci(OciPackage),
}

/// A git repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GitPackage {
    /// As git takes it, without credentials.
    pub(crate) url: String,
    /// A tag, a branch or a commit.
    pub(crate) reference: Option<String>,
    /// `user:password` of an `https` URL.
    pub(crate) credentials: Option<Secret>,
}

/// A repository of an OCI registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OciPackage {
    /// Host and port.
    pub(crate) registry: Host,
    /// Its name there.
    pub(crate) repository: String,
    /// Which manifest.
    pub(crate) reference: Option<OciReference>,
}

/// Which manifest of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OciReference {
    /// The one that the tag stands for now.
    Tag(String),
    /// This very one.
    Digest(String),
}

impl Source {
    /// Reads it.
    ///
    /// # Errors
    /// When it is no source that can be read, or none that is safe to.
    pub(crate) fn parse(text: &str) -> Result<Self, ModuleProblem> {
        if text.is_empty() || text.contains(char::is_control) {
            return Err(unsupported(format!("It is empty, or holds control characters. {KINDS}")));
        }
        if text.starts_with("./") || text.starts_with("../") {
            return Ok(Self::Local(text.to_owned()));
        }
        if text.contains([' ', '"', '\\', '{', '}', '<', '>']) {
            return Err(unsupported(format!("It holds letters that no URL has. {KINDS}")));
        }
        if let Some(rest) = text.strip_prefix("git::") {
            return git(rest, text);
        }
        if let Some(rest) = text.strip_prefix("oci://") {
            return oci(rest, text);
        }
        if let Some(url) = repository_site(text)? {
            return git(&url, text);
        }
        if scp(text).is_some() {
            return git(text, text);
        }
        Err(refusal(text))
    }
}

impl Package {
    /// How the lock file names it: the source without credentials and without a folder.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Git(git) => {
                let reference = git.reference.iter().map(|reference| format!("?ref={reference}"));
                format!("git::{}{}", git.url, reference.collect::<String>())
            }
            Self::Oci(oci) => {
                let reference = match &oci.reference {
                    Some(OciReference::Tag(tag)) => format!("?tag={tag}"),
                    Some(OciReference::Digest(digest)) => format!("?digest={digest}"),
                    None => String::new(),
                };
                format!("oci://{}/{}{reference}", oci.registry, oci.repository)
            }
        }
    }

    /// A short name for its folder: the last part of its path.
    pub(crate) fn name(&self) -> String {
        let path = match self {
            Self::Git(git) => &git.url,
            Self::Oci(oci) => &oci.repository,
        };
        let last = path.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
        let last = last.strip_suffix(".git").unwrap_or(last);
        let plain = last.chars().filter(|letter| is_plain(*letter)).take(40).collect::<String>();
        let plain = plain.trim_start_matches(['.', '-']);
        if plain.is_empty() { "module".to_owned() } else { plain.to_owned() }
    }

    /// Whether the source itself names one version of the package.
    pub(crate) fn has_reference(&self) -> bool {
        match self {
            Self::Git(git) => git.reference.is_some(),
            Self::Oci(oci) => oci.reference.is_some(),
        }
    }
}

/// `github.com/org/repo` and its like as a git URL.
fn repository_site(text: &str) -> Result<Option<String>, ModuleProblem> {
    const SITES: [&str; 3] = ["github.com/", "gitlab.com/", "bitbucket.org/"];
    if !SITES.iter().any(|site| text.starts_with(site)) {
        return Ok(None);
    }
    let parts = split(text)?;
    let path = parts.location.trim_end_matches('/');
    // GitLab has groups in groups.
    let is_repository = match path.split('/').count() {
        3 => true,
        count => count > 3 && path.starts_with("gitlab.com/"),
    };
    if !is_repository {
        let detail = format!(
            "{path} does not name a repository: write such as \"github.com/org/repo\", and a folder in it behind two slashes, as in \
             \"github.com/org/repo//folder\"."
        );
        return Err(unsupported(detail));
    }
    let git = if path.ends_with(".git") { "" } else { ".git" };
    let folder = if parts.folder.is_empty() { String::new() } else { format!("//{}", parts.folder) };
    let query = parts.query.map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Some(format!("https://{path}{git}{folder}{query}")))
}

fn git(text: &str, whole: &str) -> Result<Source, ModuleProblem> {
    let parts = split(text)?;
    let mut parameters = Parameters::parse(parts.query)?;
    let reference = parameters.take("ref");
    // Only the commit that is wanted is fetched, however deep that says.
    if parameters.take("depth").is_some_and(|depth| depth.parse::<u32>().is_err()) {
        return Err(unsupported("The parameter \"depth\" is a number, such as 1."));
    }
    parameters.finish("A git source takes \"ref\" and \"depth\".")?;
    let (url, credentials) = git_url(parts.location, whole)?;
    if let Some(reference) = reference.as_deref().filter(|reference| !is_reference(reference)) {
        return Err(unsupported(format!("{reference:?} is no name of a tag, branch or commit.")));
    }
    Ok(Source::Remote(Package::Git(GitPackage { url, reference, credentials }), parts.folder))
}

/// The URL without credentials, and those.
fn git_url(location: &str, whole: &str) -> Result<(String, Option<Secret>), ModuleProblem> {
    if let Some((user, host, path)) = scp(location) {
        return Ok((format!("{user}@{host}:{path}"), None));
    }
    let Some((scheme, rest)) = location.split_once("://") else {
        return Err(unsupported(format!("{} is no URL of a git repository. {KINDS}", redacted(whole))));
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    if path.is_empty() {
        return Err(unsupported(format!("{} does not name a repository.", redacted(whole))));
    }
    match scheme {
        "file" if authority.is_empty() => Ok((format!("file:///{path}"), None)),
        "file" => Err(unsupported("A file URL has three slashes: \"git::file:///folder/repo.git\".")),
        "https" => {
            let host = Host::parse(host)?;
            Ok((format!("https://{host}/{path}"), user.filter(|user| !user.is_empty()).map(Secret::new)))
        }
        "ssh" => {
            let host = Host::parse(host)?;
            let user = user.map(ssh_user).transpose()?.map(|user| format!("{user}@"));
            Ok((format!("ssh://{}{host}/{path}", user.unwrap_or_default()), None))
        }
        _ => Err(unsupported(
            "git repositories are fetched by https, by ssh or from a file system: what comes in the clear could be changed on its way.",
        )),
    }
}

fn ssh_user(user: &str) -> Result<&str, ModuleProblem> {
    if user.contains(':') {
        return Err(unsupported("ssh takes no password from a URL: log in by a key."));
    }
    if !is_user(user) {
        return Err(unsupported(format!("{user:?} is no user's name.")));
    }
    Ok(user)
}

fn is_user(user: &str) -> bool {
    !user.is_empty() && !user.starts_with('-') && user.chars().all(is_plain)
}

/// `user@host:path`, which ssh's own copy program made a custom.
fn scp(text: &str) -> Option<(&str, Host, &str)> {
    let (user, rest) = text.split_once('@')?;
    let (host, path) = rest.split_once(':')?;
    let is_path = !path.is_empty() && !path.starts_with('-') && !path.starts_with("//");
    let host = Host::parse(host).ok().filter(|_| is_user(user) && is_path)?;
    Some((user, host, path))
}

/// Whether git takes it as a name, and nobody as an option: the rules of `git check-ref-format`, but for those about its parts.
fn is_reference(text: &str) -> bool {
    let forbidden = |letter: char| letter.is_control() || " ~^:?*[\\".contains(letter);
    !(text.is_empty()
        || text.starts_with(['-', '/', '.'])
        || text.ends_with(['/', '.'])
        || text.ends_with(".lock")
        || text.contains("..")
        || text.contains("//")
        || text.contains("@{")
        || text == "@"
        || text.contains(forbidden))
}

fn oci(rest: &str, whole: &str) -> Result<Source, ModuleProblem> {
    let parts = split(rest)?;
    let mut parameters = Parameters::parse(parts.query)?;
    let reference = match (parameters.take("tag"), parameters.take("digest")) {
        (Some(_), Some(_)) => return Err(unsupported("A source has a \"tag\" or a \"digest\", not both.")),
        (Some(tag), None) if is_tag(&tag) => Some(OciReference::Tag(tag)),
        (Some(tag), None) => return Err(unsupported(format!("{tag:?} is no tag of an OCI registry."))),
        (None, Some(digest)) if is_digest(&digest) => Some(OciReference::Digest(digest)),
        (None, Some(digest)) => {
            return Err(unsupported(format!(
                "{digest:?} is no digest: write \"sha256:\" and 64 hexadecimal digits."
            )));
        }
        (None, None) => None,
    };
    parameters.finish("An OCI source takes \"tag\" or \"digest\".")?;
    let Some((host, repository)) = parts.location.split_once('/') else {
        let detail = format!(
            "{} does not name a repository: write such as \"oci://registry.example/org/repository\".",
            redacted(whole)
        );
        return Err(unsupported(detail));
    };
    if host.contains('@') {
        return Err(unsupported(
            "An OCI source holds no credentials: they come from docker's configuration, as \"docker login\" leaves them.",
        ));
    }
    let registry = Host::parse(host)?;
    if !is_repository(repository) {
        let detail = format!(
            "{repository:?} is no repository of an OCI registry: its name has small letters, digits, and \".\", \"-\", \"_\" between them. \
             A version is written as \"?tag=1.2.0\", a folder behind two slashes."
        );
        return Err(unsupported(detail));
    }
    let package = OciPackage { registry, repository: repository.to_owned(), reference };
    Ok(Source::Remote(Package::Oci(package), parts.folder))
}

/// The grammar of the OCI distribution specification, "Pulling manifests".
fn is_tag(text: &str) -> bool {
    let first = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.len() <= 128 && text.starts_with(first) && text.chars().all(is_plain)
}

/// Whether it is a SHA-256 digest as registries write it.
pub(super) fn is_digest(text: &str) -> bool {
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("sha256:").is_some_and(|digits| digits.len() == 64 && digits.bytes().all(hexadecimal))
}

fn is_repository(text: &str) -> bool {
    let inner = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '.' | '-' | '_')
    };
    let outer = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let is_part = |part: &str| {
        part.starts_with(outer) && part.ends_with(outer) && part.chars().all(inner) && !part.contains("..")
    };
    text.len() <= 255 && text.split('/').all(is_part)
}

/// Why it is none of the sources that can be read.
fn refusal(text: &str) -> ModuleProblem {
    let shown = redacted(text);
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|letter| is_plain(letter) || letter == ':');
    let parts: Vec<_> = text.split('/').collect();
    let why = if text.starts_with(['/', '~', '\\']) || text.chars().nth(1) == Some(':') {
        format!(
            "{shown} is a folder of this machine alone. Write it as seen from the caller's folder, or as \"git::file:///…\"."
        )
    } else if let Some((kind, _)) = text.split_once("::") {
        format!("Modules are not fetched by {:?}.", redacted(kind))
    } else if text.contains("://") {
        format!(
            "{shown} does not say what lies there: for a git repository write \"git::\" in front. Archives are not fetched."
        )
    } else if matches!(parts.len(), 3 | 4) && parts.iter().all(|part| is_name(part)) && parts[0] != ".." {
        format!("{shown} is an address of a module registry, which cannot be asked.")
    } else {
        format!("{shown:?} is no local folder: one begins with \"./\" or \"../\", as in \"./{shown}\".")
    };
    unsupported(format!("{why} {KINDS}"))
}

#[cfg(test)]
mod tests;
