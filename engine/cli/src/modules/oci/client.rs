//! Asks registries: the pull half of the OCI distribution specification.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{LINK, WWW_AUTHENTICATE};
use http::{StatusCode, Uri};
use meshform_engine::diagnostic::ModuleProblem;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::challenge::Challenge;
use super::credentials;
use super::manifest::{self, Layer};
use super::transport::{Answer, Http, HttpError};
use crate::modules::problem::unfetched;
use crate::modules::secret::Secret;
use crate::modules::source::{OciPackage, is_digest};
use crate::modules::tree::hexadecimal;

/// The largest manifest, list of tags or token that is read.
const TEXT_MAX: usize = 4 << 20;
const PAGES_MAX: usize = 200;
/// Docker's registry has another name for its API.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// One repository of a registry.
pub(super) struct Registry<'a> {
    http: Http,
    package: &'a OciPackage,
    /// What the registry wanted to see last.
    authorization: Mutex<Option<Secret>>,
}

impl<'a> Registry<'a> {
    /// Asks nothing yet.
    pub(super) fn new(package: &'a OciPackage) -> Self {
        Self { http: Http::new(), package, authorization: Mutex::new(None) }
    }

    /// The repository as people write it.
    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.package.registry, self.package.repository)
    }

    /// A manifest by its tag or digest: its digest, and its bytes, which have it.
    pub(super) async fn manifest(&self, reference: &str) -> Result<(String, Vec<u8>), ModuleProblem> {
        let path = format!("/v2/{}/manifests/{reference}", self.repository());
        let what = format!("the manifest {reference}");
        let answer = self.get(&path, manifest::MEDIA_TYPE, &what).await?;
        let bytes = answer.text(TEXT_MAX).await.map_err(|error| self.lost(&what, &error))?;
        let digest = format!("sha256:{}", hexadecimal(&Sha256::digest(&bytes)));
        if is_digest(reference) && digest != reference {
            return Err(self.forged(&what, reference, &digest));
        }
        Ok((digest, bytes))
    }

    /// All tags.
    pub(super) async fn tags(&self) -> Result<Vec<String>, ModuleProblem> {
        let mut path = format!("/v2/{}/tags/list?n=1000", self.repository());
        let mut all = Vec::new();
        for _ in 0..PAGES_MAX {
            let what = "the list of tags";
            let answer = self.get(&path, "application/json", what).await?;
            let link = answer.header(&LINK).and_then(manifest::next_page).map(str::to_owned);
            let bytes = answer.text(TEXT_MAX).await.map_err(|error| self.lost(what, &error))?;
            let tags = manifest::tags(&bytes);
            all.extend(tags.ok_or_else(|| self.lost(what, &HttpError::new("it is no list of tags")))?);
            match link {
                Some(next) => path = next,
                None => return Ok(all),
            }
        }
        Err(self.lost("the list of tags", &HttpError::new("it does not end")))
    }

    /// The archive of a package, as a file without a name; its bytes have the digest.
    pub(super) async fn layer(&self, layer: &Layer) -> Result<File, ModuleProblem> {
        let path = format!("/v2/{}/blobs/{}", self.repository(), layer.digest);
        let what = format!("the layer {}", layer.digest);
        let mut answer = self.get(&path, "*/*", &what).await?;
        let put_down = |error| unfetched(format!("The archive cannot be put down: {error}."));
        let mut file = tempfile::tempfile().map_err(put_down)?;
        let mut sum = Sha256::new();
        let mut left = layer.size;
        while let Some(bytes) = answer.chunk().await.map_err(|error| self.lost(&what, &error))? {
            let rest = left.checked_sub(bytes.as_ref().len() as u64);
            left =
                rest.ok_or_else(|| self.lost(&what, &HttpError::new("it is longer than the manifest says")))?;
            sum.update(&bytes);
            file.write_all(bytes.as_ref()).map_err(put_down)?;
        }
        let digest = format!("sha256:{}", hexadecimal(&sum.finalize()));
        if digest != layer.digest {
            return Err(self.forged(&what, &layer.digest, &digest));
        }
        file.rewind().map_err(put_down)?;
        Ok(file)
    }

    /// Asks, logging in if the registry wants that.
    async fn get(&self, path: &str, accept: &str, what: &str) -> Result<Answer, ModuleProblem> {
        let uri = self.uri(path).map_err(|error| self.lost(what, &error))?;
        let known = self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = self.http.get(&uri, accept, known.as_ref()).await;
        let answer = answer.map_err(|error| self.lost(what, &error))?;
        let answer = match answer.status() {
            StatusCode::UNAUTHORIZED => match self.log_in(&answer, what).await? {
                Some(authorization) => {
                    let again = self.http.get(&uri, accept, Some(&authorization)).await;
                    *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some(authorization);
                    again.map_err(|error| self.lost(what, &error))?
                }
                None => answer,
            },
            _ => answer,
        };
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status => Err(self.refused(what, status)),
        }
    }

    /// What the registry wants to see; nothing if there is nothing to show it.
    async fn log_in(&self, answer: &Answer, what: &str) -> Result<Option<Secret>, ModuleProblem> {
        let is_local = self.package.registry.is_loopback();
        let parse = |header: &str| Challenge::parse(header, self.repository(), is_local);
        let Some(challenge) = answer.headers(&WWW_AUTHENTICATE).find_map(parse) else {
            return Ok(None);
        };
        let login = credentials::find(self.package.registry.as_str(), self.repository()).await;
        let basic = login.map(|login| Secret::new(format!("Basic {}", STANDARD.encode(login.reveal()))));
        let place = match challenge {
            Challenge::Basic => return Ok(basic),
            Challenge::Bearer(place) => place,
        };
        let answer = self.http.get(&place, "application/json", basic.as_ref()).await;
        let answer = answer.map_err(|error| self.lost(what, &error))?;
        if answer.status() != StatusCode::OK {
            return Err(self.refused(what, answer.status()));
        }
        let bytes = answer.text(TEXT_MAX).await.map_err(|error| self.lost(what, &error))?;
        let token: Option<Json> = serde_json::from_slice(&bytes).ok();
        let token =
            token.as_ref().and_then(|it| it.get("token").or_else(|| it.get("access_token"))?.as_str());
        Ok(token.map(|token| Secret::new(format!("Bearer {token}"))))
    }

    /// The name that the API has for the repository.
    fn repository(&self) -> &str {
        &self.package.repository
    }

    fn uri(&self, path: &str) -> Result<Uri, HttpError> {
        let host = match self.package.registry.as_str() {
            host if host == DOCKER_HUB.0 => DOCKER_HUB.1,
            host => host,
        };
        let scheme = if self.package.registry.is_loopback() { "http" } else { "https" };
        format!("{scheme}://{host}{path}").parse().map_err(|_| HttpError::new("its address is no URL"))
    }

    fn lost(&self, what: &str, error: &HttpError) -> ModuleProblem {
        unfetched(format!("Failed to get {what} of {}: {error}.", self.place()))
    }

    fn forged(&self, what: &str, expect: &str, found: &str) -> ModuleProblem {
        let place = self.place();
        unfetched(format!(
            "The registry gave something else as {what} of {place}: it has the digest {found}, not {expect}."
        ))
    }

    /// What the registry's status says.
    fn refused(&self, what: &str, status: StatusCode) -> ModuleProblem {
        let place = self.place();
        unfetched(match status {
            StatusCode::NOT_FOUND => format!("There is no such thing as {what} of {place}."),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => format!(
                "The registry does not give {what} of {place} to whom it does not know ({status}). Log in by \"docker login {0}\" or \"podman \
                 login {0}\".",
                self.package.registry
            ),
            StatusCode::TOO_MANY_REQUESTS => {
                format!("The registry gives {what} of {place} later: it is asked too often ({status}).")
            }
            _ => format!("The registry does not give {what} of {place}: it says {status}."),
        })
    }
}
