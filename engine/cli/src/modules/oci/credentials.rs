//! Who we are to a registry, by docker's and podman's configuration: what `docker login`, `podman login` and their helpers keep.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::modules::address::is_plain;
use crate::modules::secret::Secret;

/// The longest that a helper may take.
const HELPER_MAX: Duration = Duration::from_secs(60);
/// Under what docker keeps its own registry.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Where a configuration has somebody's credentials.
#[derive(Debug, PartialEq, Eq)]
enum Kept {
    /// `user:password`.
    Here(Secret),
    /// The program `docker-credential-NAME` has them, for this server.
    Helper(String, String),
}

/// `user:password` for a repository of a registry, if someone has logged in.
pub(super) async fn find(registry: &str, repository: &str) -> Option<Secret> {
    for path in files() {
        let Ok(text) = fs::read(path) else { continue };
        let Ok(config) = serde_json::from_slice::<Json>(&text) else { continue };
        match kept(&config, registry, repository) {
            Some(Kept::Here(login)) => return Some(login),
            Some(Kept::Helper(name, server)) => match ask(&name, &server).await {
                Some(login) => return Some(login),
                None => continue,
            },
            None => {}
        }
    }
    None
}

/// The configurations in the order in which they count.
fn files() -> Vec<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = std::env::home_dir();
    let below = |path: &str| home.as_ref().map(|home| home.join(path));
    let docker = folder("DOCKER_CONFIG").map(|docker| docker.join("config.json"));
    let config = folder("XDG_CONFIG_HOME").map(|config| config.join("containers/auth.json"));
    [
        folder("REGISTRY_AUTH_FILE"),
        docker.or_else(|| below(".docker/config.json")),
        folder("XDG_RUNTIME_DIR").map(|run| run.join("containers/auth.json")),
        config.or_else(|| below(".config/containers/auth.json")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn kept(config: &Json, registry: &str, repository: &str) -> Option<Kept> {
    let names = names(registry, repository);
    let helper = |name: &Json, server: &str| {
        let name = name.as_str().filter(|name| !name.is_empty() && name.chars().all(is_plain))?;
        Some(Kept::Helper(name.to_owned(), server.to_owned()))
    };
    let server = if registry == "docker.io" { DOCKER_HUB } else { registry };
    if let Some(name) = config.get("credHelpers").and_then(|helpers| helpers.get(registry)) {
        return helper(name, server);
    }
    let here = config.get("auths").and_then(|logins| names.iter().find_map(|name| login(logins.get(name)?)));
    here.map(Kept::Here).or_else(|| helper(config.get("credsStore")?, server))
}

/// Under what a login may be kept: podman's go from the repository outwards, docker's may have a scheme in front.
fn names(registry: &str, repository: &str) -> Vec<String> {
    let whole = format!("{registry}/{repository}");
    let ends = whole.char_indices().filter(|(_, letter)| *letter == '/').map(|(at, _)| at);
    let mut names: Vec<_> = ends.chain([whole.len()]).map(|end| whole[..end].to_owned()).rev().collect();
    names.extend([
        format!("https://{registry}"),
        format!("https://{registry}/"),
        format!("https://{registry}/v2/"),
    ]);
    if registry == "docker.io" {
        names.push(DOCKER_HUB.to_owned());
    }
    names
}

fn login(entry: &Json) -> Option<Secret> {
    let text = |name: &str| entry.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    if let Some(auth) = text("auth") {
        let login = String::from_utf8(STANDARD.decode(auth).ok()?).ok()?;
        return login.contains(':').then(|| Secret::new(login.trim_end_matches('\0')));
    }
    Some(Secret::new(format!("{}:{}", text("username")?, text("password")?)))
}

/// Asks a helper, by docker's protocol: the server on its input, JSON on its output.
async fn ask(name: &str, server: &str) -> Option<Secret> {
    let mut command = Command::new(format!("docker-credential-{name}"));
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut helper = command.spawn().ok()?;
    let answer = async {
        helper.stdin.take()?.write_all(server.as_bytes()).await.ok()?;
        helper.wait_with_output().await.ok()
    };
    let answer = timeout(HELPER_MAX, answer).await.ok().flatten().filter(|answer| answer.status.success())?;
    helped(&answer.stdout)
}

/// A helper's answer. One that is a token for another protocol than ours is none.
fn helped(answer: &[u8]) -> Option<Secret> {
    let answer: Json = serde_json::from_slice(answer).ok()?;
    let text = |name: &str| answer.get(name).and_then(Json::as_str);
    let user = text("Username").filter(|user| *user != "<token>")?;
    Some(Secret::new(format!("{user}:{}", text("Secret")?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn logins_are_found_where_they_are_kept() {
        let me = STANDARD.encode("me:pa55");
        let check = |config: Json, registry: &str, expect: Option<Kept>| {
            assert_eq!(kept(&config, registry, "acme/net"), expect, "{config}");
        };
        let here = || Some(Kept::Here(Secret::new("me:pa55")));
        let helper = |name: &str, server: &str| Some(Kept::Helper(name.into(), server.into()));
        check(json!({ "auths": { "ghcr.io": { "auth": me } } }), "ghcr.io", here());
        check(json!({ "auths": { "https://ghcr.io": { "auth": me } } }), "ghcr.io", here());
        check(json!({ "auths": { "ghcr.io/acme": { "auth": me }, "ghcr.io": {} } }), "ghcr.io", here());
        check(json!({ "auths": { "ghcr.io": { "username": "me", "password": "pa55" } } }), "ghcr.io", here());
        check(json!({ "auths": { DOCKER_HUB: { "auth": me } } }), "docker.io", here());
        check(json!({ "auths": { "ghcr.io": { "auth": me } } }), "ghcr.io.example", None);
        check(json!({ "auths": { "ghcr.io": { "auth": "?" } } }), "ghcr.io", None);
        check(
            json!({ "auths": { "ghcr.io": {} }, "credsStore": "pass" }),
            "ghcr.io",
            helper("pass", "ghcr.io"),
        );
        check(
            json!({ "credHelpers": { "ghcr.io": "gh" }, "credsStore": "x" }),
            "ghcr.io",
            helper("gh", "ghcr.io"),
        );
        check(json!({ "credHelpers": { "ghcr.io": "../x" } }), "ghcr.io", None);
        check(json!([]), "ghcr.io", None);
    }

    #[test]
    fn helpers_answer_in_json() {
        let check = |answer: &str, expect: Option<&str>| {
            let found = helped(answer.as_bytes());
            assert_eq!(found.as_ref().map(Secret::reveal), expect, "{answer}");
        };
        check(r#"{"ServerURL":"x","Username":"me","Secret":"pa55"}"#, Some("me:pa55"));
        check(r#"{"Username":"<token>","Secret":"x"}"#, None);
        check("credentials not found", None);
    }
}
